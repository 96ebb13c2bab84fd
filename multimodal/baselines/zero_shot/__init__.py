"""Hashtags as texts beside a picture, without any training."""
