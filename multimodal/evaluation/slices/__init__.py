"""Metrics of parts of the posts and of the hashtags."""
