"""Retrieval alone: the hashtags of the earlier posts that resemble a post most."""
