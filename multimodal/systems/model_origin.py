"""What binds the log of a memory to a model: whose vectors it holds, and which posts came with the model."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from multimodal.memory.live.snapshot import Origin
from multimodal.memory.memory_files import ARRAYS_FILE, POSTS_FILE
from multimodal.storage.checksums import KEY, with_checksums
from multimodal.systems.model_folder import LoadedModel

_WEIGHTS, _VOCABULARY = ".safetensors", "vocabulary.json"
_SHOWN = 32


def origin_of(model: LoadedModel, precision: str = "fp32") -> Origin:
    """Return the origin of a model's memory.

    The fingerprint is of the system, of what its configuration sets, of the vocabulary and of the weights. So the same
    model saved again, with more posts or by a later version, has the same; one trained again has another.
    """
    files = model.info.get(KEY) or with_checksums(model.folder, "model.json", {})[KEY]
    own = {ARRAYS_FILE, POSTS_FILE}
    weights = {name: value for name, value in files.items() if name.endswith(_WEIGHTS) or name == _VOCABULARY}
    facts: dict[str, Any] = {
        "config": model.config.model_dump(mode="json", exclude_defaults=True),
        "weights": {name: value for name, value in weights.items() if name not in own},
        # Other precisions give other vectors.
        **({} if precision == "fp32" else {"precision": precision}),
    }
    return Origin(f"{model.config.system}-{_digest(facts)}", _digest({name: files.get(name) for name in sorted(own)}))


def _digest(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:_SHOWN]
