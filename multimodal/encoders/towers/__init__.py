"""Encoders of text and of pictures that share one space, so that a text can be compared with a picture."""
