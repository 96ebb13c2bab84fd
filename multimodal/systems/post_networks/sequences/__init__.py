"""Hashtags as a sequence: the GRU that generates it, its targets, losses and decoding."""
