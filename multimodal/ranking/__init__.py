"""From scores to exactly K hashtags."""
