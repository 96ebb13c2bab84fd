"""Personalised hashtag recommendation from an image, a caption and earlier posts."""

from __future__ import annotations

from importlib import import_module, util
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_loaders import __version__
    from data_loaders.errors import UserError
    from multimodal.default_model import recommend
    from multimodal.ranking.recommendation import Recommendation
    from multimodal.recommender import Recommender

__all__ = ["Recommendation", "Recommender", "UserError", "__version__", "recommend"]

_MODULES = {
    "Recommendation": "multimodal.ranking.recommendation",
    "Recommender": "multimodal.recommender",
    "UserError": "data_loaders.errors",
    "__version__": "data_loaders",
    "recommend": "multimodal.default_model",
}


def __getattr__(name: str) -> Any:
    # Imported on first use, so that `import multimodal` does not import torch.
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'multimodal' has no attribute {name!r}")


def _check_data_loaders() -> None:
    """Raise unless Python finds the `data_loaders` that lies beside this package; nothing of it is imported."""
    spec = util.find_spec("data_loaders")
    found = spec.origin or next(iter(spec.submodule_search_locations or ()), None) if spec else None
    own = Path(__file__).resolve().parents[1] / "data_loaders"
    if found is None or Path(found).resolve() != own / "__init__.py":
        raise ImportError(
            f"multimodal-hashtags needs its own package 'data_loaders' ({own}), but Python finds another one: "
            f"{found or 'none'}. Rename that one, or take its folder off the module search path (sys.path, PYTHONPATH, "
            "the working directory)."
        )


_check_data_loaders()
