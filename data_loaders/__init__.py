"""Everything that happens to posts before they reach a model: reading, cleaning, splitting, batching.

This package knows nothing about models and never imports `multimodal`.
"""

# The version of both packages; `pyproject.toml` reads it here.
__version__ = "0.1.0"
