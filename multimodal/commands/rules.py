"""Show, set or remove the rules that are kept for all answers to a user."""

from __future__ import annotations

import argparse
import json

from data_loaders.errors import UserError
from multimodal.commands.answer import Answer
from multimodal.commands.kept_memory import require_log
from multimodal.commands.rule_arguments import add_rule_arguments, rules_of

EXAMPLES = """examples:
  multimodal-hashtags rules --run runs/sample --memory memory.sqlite --user-id ann
  multimodal-hashtags rules --run runs/sample --memory memory.sqlite --user-id ann --only mine --never "ad*"
  multimodal-hashtags rules --run runs/sample --memory memory.sqlite --user-id ann --rules rules.json
  multimodal-hashtags rules --run runs/sample --memory memory.sqlite --user-id ann --remove

Rules that are given take the place of all that were kept for the user, in a memory that is made if there is none;
docs/rules.md says what each does."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--run", required=True, help="run folder, its model/ folder, or a Hugging Face Hub id")
    parser.add_argument("--memory", required=True, help="SQLite file or URL of a PostgreSQL database that keeps them")
    parser.add_argument("--user-id", required=True, help="whose rules")
    parser.add_argument("--remove", action="store_true", help="keep none")
    add_rule_arguments(parser)


def run(options: argparse.Namespace) -> Answer:
    """Change the rules if there is something to change, and return those that are kept."""
    from multimodal.recommender import Recommender

    given = rules_of(options)
    if given and options.remove:
        raise UserError(f"--remove keeps no rules, but {', '.join(given)} is given too; leave one of them out.")
    if not given:
        require_log(options.memory)
    recommender = Recommender.from_pretrained(options.run, device="cpu", memory=options.memory)
    try:
        if given or options.remove:
            recommender.set_rules(options.user_id, given)
        kept = recommender.rules(options.user_id)
    finally:
        recommender.close()
    text = json.dumps(kept, ensure_ascii=False, indent=1) if kept else f"no rules are kept for {options.user_id}"
    return Answer({"user_id": options.user_id, "rules": kept}, [text])
