"""Everything that happens to posts before they reach a model: reading, cleaning, splitting, batching.

This package knows nothing about models and never imports `multimodal`.
"""
