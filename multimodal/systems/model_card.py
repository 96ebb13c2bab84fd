"""The README of a model on the Hugging Face Hub: what it is, its figures, what it remembers, its limits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from data_loaders import __version__
from multimodal.memory.post_memory import PostMemory
from multimodal.storage.run_folder import RunFolder, read_json
from multimodal.systems.base import System

_SHOWN_KS = (1, 3, 5, 10)
_COLUMNS = {"hit_rate": "hit rate", "precision": "precision", "recall": "recall", "f1": "F1"}
_UNKNOWN = "not stated"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """What a model card says that is not in the model.

    Attributes:
        hub_id: `owner/name`.
        data: what it was trained on: `posts` by split and `hashtags`, as in `model.json`.
        evaluations: contents of `metrics.json`, one for each evaluation of this very model.
        licence: identifier of the Hub, such as `cc-by-4.0`; None to state none.
        contact: who is responsible; None to state nobody.
    """

    hub_id: str
    data: Mapping[str, Any] = field(default_factory=dict)
    evaluations: tuple[Mapping[str, Any], ...] = ()
    licence: str | None = None
    contact: str | None = None


def evaluations_of(run: RunFolder) -> tuple[Mapping[str, Any], ...]:
    """Return what was measured of the model that is in a run folder now.

    Raises:
        RunError: a file is damaged.
    """
    if not (run.model / "model.json").is_file():
        return ()
    own = hashlib.sha256((run.model / "model.json").read_bytes()).hexdigest()
    paths = sorted((run.path / "evaluation").glob("*/metrics.json"))
    summaries = [read_json(path, "metrics of an evaluation") for path in paths]
    return tuple(one for one in summaries if one.get("made_from", {}).get("model") == own)


def model_card(facts: CardFacts, system: System, memory: PostMemory) -> str:
    """Return the card in Markdown, with the sections of `docs/model-card-template.md`.

    Args:
        facts: see `CardFacts`.
        system: fitted.
        memory: what is uploaded of it.
    """
    sections = {
        "What it is": _what_it_is(facts, system),
        "How to use it": _how_to_use_it(facts.hub_id),
        "Intended use": _INTENDED_USE,
        "Figures": _figures(facts.evaluations),
        "Where it is weaker": _WEAKER,
        "What it remembers": _remembered(memory),
        "Risks": _RISKS,
        "Contact": facts.contact or f"Nobody is named: {_UNKNOWN}.",
    }
    texts = [f"## {title}\n\n{text.strip()}\n" for title, text in sections.items()]
    return "\n".join([_front_matter(facts), f"# Model card: {facts.hub_id.partition('/')[2]}\n", *texts])


def _front_matter(facts: CardFacts) -> str:
    licence = [f"license: {facts.licence}"] if facts.licence else []
    lines = ["library_name: multimodal-hashtags", *licence, "tags:", "- hashtag-recommendation", "- multimodal"]
    return "\n".join(["---", *lines, "---\n"])


def _what_it_is(facts: CardFacts, system: System) -> str:
    posts = facts.data.get("posts", {})
    counts = ", ".join(f"{count:,} {split}" for split, count in posts.items()) or _UNKNOWN
    vocabulary = system.id_map.vocabulary_size
    return f"""
- System and configuration: `{system.name}` (`model.json`), written by multimodal-hashtags {__version__}
- Output: K hashtags for a picture, a caption and a user, each optional
- Trained on: {counts} posts; the data set is {_UNKNOWN} here
- Vocabulary: {vocabulary:,} hashtags of the train posts
- Licence of this model: {facts.licence or _UNKNOWN}
"""


def _how_to_use_it(hub_id: str) -> str:
    return f"""
```python
from multimodal import Recommender

recommender = Recommender.from_pretrained("{hub_id}")
recommender.recommend(image="photo.jpg", caption="Low tide at dusk", user_id="ann", k=5)
```
"""


def _figures(evaluations: tuple[Mapping[str, Any], ...]) -> str:
    return "\n".join(map(_evaluated, evaluations)) or "No evaluation of this model was at hand when it was uploaded."


def _evaluated(summary: Mapping[str, Any]) -> str:
    settings, rows = summary["settings"], summary["table"]
    shown = [row for row in rows if row["k"] in _SHOWN_KS] or rows[:1]
    lines = [
        f"| {row['k']} | {' | '.join('–' if row.get(name) is None else f'{row[name]:.3f}' for name in _COLUMNS)} |"
        for row in shown
    ]
    counts = summary.get("counts", {})
    about = f"Split: {settings['split']}; history: {settings['history']}; seed {settings.get('seed', _UNKNOWN)}; "
    heading = f"| K | {' | '.join(_COLUMNS.values())} |\n|{'---|' * (len(_COLUMNS) + 1)}"
    excluded = (
        f"{counts.get('posts', 0):,} posts; {counts.get('posts_without_truth', 0):,} without true hashtags, excluded."
    )
    return "\n".join([about + excluded, "", heading, *lines, ""])


def _remembered(memory: PostMemory) -> str:
    if not len(memory):
        return (
            "Nothing: no post of any user was uploaded. It knows no user's history until it observes posts "
            "(`Recommender.observe`), and Systems that rank by similar earlier posts need some first."
        )
    held = f"{len(memory):,} posts of {len(memory.user_ids):,} users"
    return (
        f"`memory.json` and `memory.safetensors` hold, for each of {held}, its id, its user's id, its time, its "
        "hashtags, a vector and hashed caption terms, but no text and no picture. Whoever has the model has these."
    )


_INTENDED_USE = """
- Intended: suggesting hashtags to the author of a post, who chooses among them.
- Not intended: posting without review; identifying people; judging what or whom a picture shows.
"""
_WEAKER = """
Posts without caption or picture, posts by new users, rare hashtags, writing systems with few posts. `evaluate` measures
each on your own data (`slices.md`).
"""
_RISKS = """
- It repeats the train posts: their stereotypes, spam and slurs, and above all the habits of frequent posters.
- Recommending popular hashtags makes them more popular.
- A user's history shows in the answers given to that user, or to anyone who passes the same id.
"""
