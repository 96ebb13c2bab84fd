"""A chat model behind a URL that chooses among retrieved hashtags."""
