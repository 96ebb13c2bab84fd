"""`amnn`: attention over caption and picture, and a GRU that generates hashtags."""
