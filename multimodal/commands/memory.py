"""Look after what a recommender keeps of the posts that it observes: a SQLite file or a PostgreSQL database."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from data_loaders.errors import UserError
from multimodal.commands.answer import Answer
from multimodal.commands.kept_memory import require_log

if TYPE_CHECKING:
    from data_loaders.bulk.executor import Executor
    from multimodal.recommender import Recommender

ACTIONS = {
    "info": "what is kept where; needs no --run",
    "export": "all that is held about a user, as JSON",
    "forget": "forget a user, at once for answers",
    "compact": "erase forgotten users from the disk, write the files that open fast",
    "rebuild": "make the files beside the log again, with --processes or --executor the index too; with --to, a log "
    "for another model",
    "move": "copy the log to --to and compare the copy; needs no --run",
}
_NEEDS_NO_RUN = ("info", "move")
_LISTED = "\n".join(f"  {name:<8} {what}" for name, what in ACTIONS.items())
EXAMPLES = f"""actions:
{_LISTED}

examples:
  multimodal-hashtags memory info --memory memory.sqlite
  multimodal-hashtags memory export --run runs/sample --memory memory.sqlite --user-id ann
  multimodal-hashtags memory forget --run runs/sample --memory memory.sqlite --user-id ann
  multimodal-hashtags memory compact --run runs/sample --memory memory.sqlite
  multimodal-hashtags memory rebuild --run runs/sample --memory memory.sqlite
  multimodal-hashtags memory rebuild --run runs/sample --memory memory.sqlite --processes 8
  multimodal-hashtags memory rebuild --run runs/new --memory memory.sqlite --to new.sqlite
  multimodal-hashtags memory move --memory memory.sqlite --to postgresql://ann:secret@server/memory"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("action", choices=ACTIONS, help="see below")
    parser.add_argument("--memory", required=True, help="path of the SQLite file, or URL of the PostgreSQL database")
    parser.add_argument("--run", help="the model: run folder, its model/ folder, or a Hugging Face Hub id")
    parser.add_argument("--user-id", help="of export and forget: whose data")
    parser.add_argument("--to", help="of move and rebuild: path or URL of the new log, which must be empty")
    parser.add_argument("--processes", type=int, metavar="N", help="of rebuild: processes that build the index")
    parser.add_argument(
        "--executor", metavar="WHO",
        help="of rebuild: who builds the index: local (processes of this machine), ray (the cluster of RAY_ADDRESS, or "
        "one of this machine), ray://HOST:PORT (default: nobody; what is missing is built when a question needs it)",
    )  # fmt: skip


def run(options: argparse.Namespace) -> Answer:
    """Do one action."""
    action = options.action
    if action not in _NEEDS_NO_RUN and not options.run:
        raise UserError(f"memory {action} needs --run, the model whose memory it is.")
    if action in ("export", "forget") and not options.user_id:
        raise UserError(f"memory {action} needs --user-id.")
    if action == "move" and not options.to:
        raise UserError("memory move needs --to, where the log is copied to.")
    if (options.executor or options.processes) and (action != "rebuild" or options.to):
        raise UserError("--processes and --executor belong to memory rebuild without --to; leave them out.")
    require_log(options.memory)
    document = _ACTIONS[action](options)
    text = json.dumps(document, ensure_ascii=False, indent=1) if action == "export" else "\n".join(_lines(document))
    return Answer(document, [text])


def _lines(values: dict[str, Any], indent: str = "") -> list[str]:
    lines = []
    for name, value in values.items():
        if isinstance(value, dict) and value:
            lines += [f"{indent}{name}:", *_lines(value, indent + "  ")]
        else:
            shown = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value
            lines.append(f"{indent}{name}: {'none' if value in (None, {}) else shown}")
    return lines


def _open(options: argparse.Namespace) -> Recommender:
    from multimodal.recommender import Recommender

    return Recommender.from_pretrained(options.run, device="cpu", memory=options.memory)


def _info(options: argparse.Namespace) -> dict[str, Any]:
    from multimodal.memory.live.files_beside import SNAPSHOT, folder_beside
    from multimodal.memory.live.snapshot import describe_snapshot
    from multimodal.memory.log.opening import open_store

    folder = folder_beside(options.memory)
    with open_store(options.memory, None) as store:
        document = {
            "log": store.location,
            "model": store.fingerprint,
            "last event": store.last(),
            "users to erase": len(store.to_erase()),
            "files": str(folder),
            "snapshot": describe_snapshot(folder / SNAPSHOT),
        }
    if options.run:
        recommender = _open(options)
        memory = recommender.memory
        document["posts"], document["users"] = len(memory), len(memory.user_ids)
        recommender.close()
    return document


def _export(options: argparse.Namespace) -> dict[str, Any]:
    recommender = _open(options)
    try:
        return recommender.export(options.user_id)
    finally:
        recommender.close()


def _forget(options: argparse.Namespace) -> dict[str, Any]:
    recommender = _open(options)
    try:
        posts = recommender.forget(options.user_id)
    finally:
        recommender.close()
    return {"posts forgotten": posts, "erased from the disk": "with the next `multimodal-hashtags memory compact`"}


def _compact(options: argparse.Namespace) -> dict[str, Any]:
    from multimodal.systems.span_building import build_spans

    executor = _executor(options)
    recommender = _open(options)
    try:
        done = asdict(recommender.compact())
        spans = {} if executor is None else {"spans built": build_spans(recommender.live, options.run, executor)}
    finally:
        recommender.close()
    names = {"users": "users erased", "entries": "entries erased", "posts": "posts left", "number": "last event"}
    return {names[name]: value for name, value in done.items()} | spans


def _executor(options: argparse.Namespace) -> Executor | None:
    """Return who builds the index; None if it is built when a question needs it."""
    if not options.executor and options.processes is None:
        return None
    from data_loaders.bulk.executors import executor_named
    from multimodal.distributed.processors import use_threads

    return executor_named(options.executor or "local", options.processes, partial(use_threads, 1))


def _rebuild(options: argparse.Namespace) -> dict[str, Any]:
    if options.to:
        return _encode_again(options)
    from multimodal.memory.live.files_beside import SNAPSHOT, folder_beside, remove_caches
    from multimodal.memory.live.opening import refuse_lost
    from multimodal.memory.log.opening import open_store

    folder = folder_beside(options.memory)
    with open_store(options.memory, None) as store:
        refuse_lost(store, folder / SNAPSHOT)
        store.check()
    remove_caches(folder)
    return _compact(options)


def _encode_again(options: argparse.Namespace) -> dict[str, Any]:
    from multimodal.distributed.progress import shared_progress
    from multimodal.memory.live.encoding_again import encode_log_again
    from multimodal.memory.log.opening import open_store
    from multimodal.systems.model_folder import load_model
    from multimodal.systems.model_origin import origin_of

    model = load_model(options.run)
    with open_store(options.memory, None) as source, open_store(options.to, origin_of(model).fingerprint) as target:
        source.check()
        with shared_progress("Encoding posts again", source.last(), "events") as advance:
            done = encode_log_again(source, target, model.system.new_memory(), model.system.add_posts, advance)
        return {
            "log": target.location,
            "model": target.fingerprint,
            "events": done.events,
            "posts": done.posts,
            "posts without a caption": done.without_caption,
        }


def _move(options: argparse.Namespace) -> dict[str, Any]:
    from multimodal.distributed.progress import shared_progress
    from multimodal.memory.live.moving import copy_log
    from multimodal.memory.log.opening import open_store

    with open_store(options.memory, None) as source, open_store(options.to, source.fingerprint) as target:
        with shared_progress("Copying the log", source.last(), "events") as advance:
            moved = copy_log(source, target, advance)
        return {"from": source.location, "to": target.location, "copied": moved.copied, "compared": dict(moved.kinds)}


_ACTIONS = {
    "info": _info,
    "export": _export,
    "forget": _forget,
    "compact": _compact,
    "rebuild": _rebuild,
    "move": _move,
}
