"""Topical translation from words to hashtags."""
