"""From posts to what encoders take, and the cache of what frozen encoders give."""
