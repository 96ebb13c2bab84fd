"""Hashtags as tokens that a masked language model fills in."""
