"""The user's own rules as arguments of a command."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from data_loaders.errors import UserError, short_repr
from multimodal.commands.answer import split_names


def add_rule_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the rules."""
    rules = parser.add_argument_group(
        "rules", "hashtags with commas between them; * and ? are wildcards, so quote them"
    )
    rules.add_argument("--only", help="recommend nothing else; mine: those the user has used; known: those anybody has")
    rules.add_argument("--never", help="do not recommend these")
    rules.add_argument("--always", help="recommend these first")
    rules.add_argument(
        "--replace", metavar="FROM=TO", help="recommend one in place of another, with commas between pairs"
    )
    rules.add_argument("--language", help="recommend only hashtags used in posts of that language: en, de …")
    rules.add_argument(
        "--rules", type=Path, metavar="FILE", help="JSON with only, never, always, replace, language; options above win"
    )


def rules_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the rules of a call, those that were not given left out.

    Raises:
        UserError: the file cannot be read, or a pair has no place for another hashtag.
    """
    given = {
        "only": options.only if options.only in ("mine", "known", "any") else split_names(options.only),
        "never": split_names(options.never),
        "always": split_names(options.always),
        "replace": _pairs(options.replace),
        "language": options.language,
    }
    stored = {} if options.rules is None else _read(options.rules)
    return {**stored, **{name: value for name, value in given.items() if value is not None}}


def _pairs(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    pairs = [pair.partition("=") for pair in text.split(",")]
    wrong = next(("".join(pair) for pair in pairs if not pair[1]), None)
    if wrong is not None:
        raise UserError(f"--replace: {wrong!r} has no =; give what to replace and by what, for instance nyc=newyork.")
    sources = [source.strip() for source, _, _ in pairs]
    twice = next((source for source in sources if sources.count(source) > 1), None)
    if twice is not None:
        raise UserError(f"--replace: {twice!r} has several replacements; give one.")
    return {source: place.strip() for source, (_, _, place) in zip(sources, pairs, strict=True)}


def _read(path: Path) -> dict[str, Any]:
    try:
        rules = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"--rules: there is no file {path}.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"--rules: {path} is not JSON that can be read: {error}.") from None
    if not isinstance(rules, dict):
        raise UserError(f'--rules: {path} holds {short_repr(rules, 60)}; give an object such as {{"never": ["ad*"]}}.')
    from multimodal.ranking.rules.rules import read_rules

    read_rules(rules)
    return rules
