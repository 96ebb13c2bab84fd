"""Read fields of Instaloader's JSON, which stores what Instagram returned at the time: every field has fallbacks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from data_loaders.readers.json_values import at, identifier
from data_loaders.readers.records import well_formed

_KINDS = {"GraphImage": "image", "GraphVideo": "video", "GraphSidecar": "carousel"}
_LONGEST_TYPE = 40
_MEDIA_TYPES = {1: "image", 2: "video", 8: "carousel"}
_CAPTIONS: tuple[tuple[str | int, ...], ...] = (
    ("edge_media_to_caption", "edges", 0, "node", "text"),
    ("caption",),
    ("caption", "text"),
    ("iphone_struct", "caption", "text"),
)
_TIMES = (("date",), ("taken_at_timestamp",), ("taken_at",), ("iphone_struct", "taken_at"))
_IDS = (("shortcode",), ("code",), ("id",), ("pk",))
_OWNER_IDS = (("owner", "id"), ("user", "pk"), ("user", "id"), ("iphone_struct", "user", "pk"))
_OWNER_NAMES = (("owner", "username"), ("user", "username"), ("iphone_struct", "user", "username"))


def post_node(structure: Any) -> tuple[dict[str, Any] | None, str]:
    """Return the node of a post (None if the file is not a post), and the node type."""
    if not isinstance(structure, dict):
        return None, "unknown"
    node, header = structure.get("node"), structure.get("instaloader")
    if isinstance(node, dict) and isinstance(header, dict):
        node_type = well_formed(str(header.get("node_type") or "unknown"))[:_LONGEST_TYPE]
        return (node if node_type == "Post" else None), node_type
    if "shortcode" in structure:  # Instaloader 3
        return structure, "Post"
    return None, "unknown"


def post_id(node: dict[str, Any]) -> str | int | None:
    """Return the shortcode, or the media id without one."""
    return next(iter(_identifiers(node, _IDS)), None)


def owner(node: dict[str, Any]) -> str | int | None:
    """Return the owner's id, or the user name without one."""
    return next(iter(_identifiers(node, _OWNER_IDS + _OWNER_NAMES)), None)


def caption(node: dict[str, Any]) -> str | None:
    """Return the caption, or None."""
    return next((text for path in _CAPTIONS if isinstance(text := at(node, *path), str) and text.strip()), None)


def timestamp(node: dict[str, Any]) -> float | str | None:
    """Return the time of posting, in seconds since 1970, or None."""
    for path in _TIMES:
        value = at(node, *path)
        if isinstance(value, (int, float, str)) and not isinstance(value, bool):
            return value
    return None


def kind(node: dict[str, Any]) -> str | None:
    """Return `"image"`, `"video"` or `"carousel"`; None when the node does not say."""
    named = _KINDS.get(str(node.get("__typename")).removeprefix("XDT"))
    if named is None and isinstance(node.get("media_type"), int):
        named = _MEDIA_TYPES.get(node["media_type"])
    if named is None and _children(node):
        named = "carousel"
    if named is None and isinstance(node.get("is_video"), bool):
        named = "video" if node["is_video"] else "image"
    return named


def video_positions(node: dict[str, Any]) -> set[int]:
    """Return the positions of a carousel, counted from 1, that are videos."""
    return {
        position
        for position, child in enumerate(_children(node), start=1)
        if child.get("is_video") is True or child.get("media_type") == 2
    }


def children_count(node: dict[str, Any]) -> int:
    """Return the number of pictures and videos of a carousel; 0 when the node does not say."""
    return len(_children(node))


def owners_first_comment(comments: Any, node: dict[str, Any]) -> str | None:
    """Return the text of the owner's earliest comment on the post, not counting replies; None without one."""
    ids, names = (set(map(str, _identifiers(node, paths))) for paths in (_OWNER_IDS, _OWNER_NAMES))
    own = [
        comment
        for comment in (comments if isinstance(comments, list) else [])
        if isinstance(comment, dict)
        and isinstance(comment.get("text"), str)
        and (str(at(comment, "owner", "id")) in ids or str(at(comment, "owner", "username")) in names)
    ]
    return min(own, key=_comment_time)["text"] if own else None


def _comment_time(comment: dict[str, Any]) -> float:
    value = comment.get("created_at")
    return float(value) if isinstance(value, (int, float)) else float("inf")


def _children(node: dict[str, Any]) -> list[dict[str, Any]]:
    edges = at(node, "edge_sidecar_to_children", "edges")
    if isinstance(edges, list):
        return [child if isinstance(child := at(edge, "node"), dict) else {} for edge in edges]
    for path in (("carousel_media",), ("iphone_struct", "carousel_media")):
        media = at(node, *path)
        if isinstance(media, list):
            return [item if isinstance(item, dict) else {} for item in media]
    return []


def _identifiers(node: dict[str, Any], paths: Iterable[tuple[str, ...]]) -> list[str | int]:
    return [value for path in paths if (value := identifier(at(node, *path))) is not None]
