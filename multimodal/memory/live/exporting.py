"""All that a memory and its log hold about a user, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from multimodal.memory.live.events_of_posts import spaces_of
from multimodal.memory.live.live_memory import LiveMemory
from multimodal.memory.log.event_coding import encode
from multimodal.memory.log.events import Event, FeedbackGiven, PostObserved, RulesSet, Terms
from multimodal.memory.post_memory import PostMemory

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def export_user(live: LiveMemory, user_id: str) -> dict[str, Any]:
    """Return all that is held about a user, as JSON can hold it.

    `rules` are those that count for the user now, if there are any. `events` are the entries of the log about the user.
    `model_posts` are the posts that came with the model, which the log does not have. Instants are given in
    microseconds since 1970 and, where there is a calendar for them, as text.

    Raises:
        StoreUnavailableError: the log cannot be reached at the moment.
        StoreDamagedError: an entry cannot be read.
    """
    live.refresh()
    events = live.store.of_user(user_id)
    logged = {event.post_id for _, event in events if isinstance(event, PostObserved)}
    memory = live.memory
    rules = memory.notes.of(user_id).rules
    own = [position for position in live.positions_of(user_id) if memory.post_ids[position] not in logged]
    return {
        "user_id": user_id,
        **({"rules": dict(rules)} if rules else {}),
        "model_posts": [_model_post(memory, position) for position in own],
        "events": [{"number": number, "kind": encode(event).kind, **_plain_event(event)} for number, event in events],
    }


def _model_post(memory: PostMemory, position: int) -> dict[str, Any]:
    at = np.array([position])
    record: dict[str, Any] = {
        "post_id": memory.post_ids[position],
        **_instant(int(memory.instants_us[position])),
        "hashtags": [memory.id_map[index] for index in memory.hashtags_of(position).tolist()],
    }
    if memory.languages:
        record["language"] = memory.languages_at(at)[0]
    if memory.keep_mentions:
        record["mentions"] = memory.mentions_at(at)[0]
    if memory.slots:
        row = memory.terms_at(at)
        record["terms"] = {"slots": row.indices.tolist(), "weights": row.data.tolist()}
    record["vectors"] = {space: memory.vectors_at(space, at)[0].tolist() for space in spaces_of(memory)}
    return record


def _plain_event(event: Event) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for field in fields(event):
        value = getattr(event, field.name)
        if field.name == "instant_us":
            record.update(_instant(value))
        elif isinstance(value, Terms):
            record["terms"] = {"slots": value.slots.tolist(), "weights": value.weights.tolist()}
        elif isinstance(event, (RulesSet, FeedbackGiven)) and isinstance(value, Mapping):
            record[field.name] = value
        elif isinstance(value, Mapping):
            record[field.name] = {space: vector.tolist() for space, vector in value.items()}
        else:
            record[field.name] = list(value) if isinstance(value, tuple) else value
    return record


def _instant(instant_us: int) -> dict[str, Any]:
    try:
        text = (_EPOCH + timedelta(microseconds=instant_us)).isoformat()
    except OverflowError:
        return {"instant_us": instant_us}
    return {"instant_us": instant_us, "timestamp": text}
