"""Personalised hashtag recommendation from an image, a caption and what was posted before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multimodal.default_model import recommend
    from multimodal.recommender import Recommendation, Recommender

__version__ = "0.1.0"
__all__ = ["Recommendation", "Recommender", "__version__", "recommend"]


def __getattr__(name: str) -> Any:
    # Imported on first use, so that `import multimodal` costs no torch import.
    if name == "recommend":
        from multimodal.default_model import recommend

        return recommend
    if name in {"Recommendation", "Recommender"}:
        from multimodal import recommender

        return getattr(recommender, name)
    raise AttributeError(f"module 'multimodal' has no attribute {name!r}")
