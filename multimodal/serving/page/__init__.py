"""The page: people try the served models in a browser."""
