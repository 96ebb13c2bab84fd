"""What happens to posts before a tensor reaches a network: reading, cleaning, splitting, batching.

This package knows nothing of models and never imports `multimodal`.
"""
