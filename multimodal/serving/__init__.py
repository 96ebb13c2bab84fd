"""The HTTP service, and whole dumps: programs and people ask a `Recommender`, one post at a time or all."""
