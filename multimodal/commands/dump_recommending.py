"""`recommend --source`: hashtags for every post of a dump."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_loaders.command_line import command_line
from data_loaders.errors import UserError
from multimodal.commands.answer import Answer
from multimodal.commands.dump_arguments import (
    SOURCE_HELP,
    add_dump_arguments,
    reader_options,
    refusals,
    source_of,
)

if TYPE_CHECKING:
    from data_loaders.bulk.executor import Executor
    from multimodal.evaluation.files.text_table import TextTable
    from multimodal.serving.dumps.opening import Opening
    from multimodal.serving.dumps.recommending import DumpAnswers

_OF_ONE_POST = ("image", "caption", "timestamp", "explain")
_OF_DUMPS = ("output", "executor", "processes", "format", "columns", "owner_comments", "number_rows", "encoding")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for whole dumps."""
    dump = parser.add_argument_group("whole dumps", "hashtags for every post; docs/predictions.md describes the file")
    dump.add_argument("--source", type=Path, nargs="+", metavar="PATH", help=SOURCE_HELP)
    dump.add_argument(
        "--output", type=Path, metavar="FILE", help="file to write: .parquet, .csv or .jsonl; replaced once complete"
    )
    dump.add_argument(
        "--processes", type=int, metavar="N",
        help="how many answer, each on one processor; changes no answer (default: as many as there are processors)",
    )  # fmt: skip
    dump.add_argument(
        "--executor", metavar="WHO",
        help="who answers: local (processes of this machine), ray (the cluster of RAY_ADDRESS, or one of this "
        "machine), ray://HOST:PORT (default: local)",
    )  # fmt: skip
    add_dump_arguments(dump, user_id=False)


def check(options: argparse.Namespace) -> None:
    """Refuse arguments that belong to one post with a dump, and the other way around.

    Raises:
        UserError: there are such arguments; the message names the first.
    """
    whole = options.source is not None
    wrong = [name for name in (_OF_ONE_POST if whole else _OF_DUMPS) if getattr(options, name)]
    if wrong:
        option = "--" + wrong[0].replace("_", "-")
        raise UserError(
            f"{option} is for one post; leave it out with --source." if whole
            else f"{option} is for whole dumps; give --source, the dump, or leave it out."
        )  # fmt: skip
    if whole and options.output is None:
        raise UserError("--source needs --output, the file to write, for instance --output recommendations.parquet.")


def run(options: argparse.Namespace, opening: Opening, asked: Mapping[str, Any]) -> Answer:
    """Recommend for every post of the dump.

    Args:
        options: of the command.
        opening: how the recommender is opened that answers.
        asked: the arguments of `recommend_many`.
    """
    from data_loaders.readers import open_dump
    from multimodal.serving.dumps.recommending import recommend_dump

    executor, opening = _executor(options, opening)
    recommender = opening.open()
    reader = open_dump(source_of(options), options.format, reader_options(options))
    known = {"memory": options.memory, "observe": None if options.observe is None else str(options.observe)}
    call = {"model": _fingerprint(options.run), **known}
    try:
        done = recommend_dump(recommender, reader, options.output, asked, executor=executor, opening=opening, call=call)
    except KeyboardInterrupt:
        print(f"to go on: {command_line(*options.words)}", file=sys.stderr)
        raise
    none = f"{reader.path} holds no post that can be answered. What was refused, and why, is listed above."
    document = {one.name: getattr(done, one.name) for one in fields(done)}
    return Answer(document, _describe(done, options), "" if done.posts else none)


def _fingerprint(run: str) -> str:
    """Return what changes with every file of a model."""
    from multimodal.systems.model_folder import find_model

    return hashlib.sha256((find_model(run) / "model.json").read_bytes()).hexdigest()


def _executor(options: argparse.Namespace, opening: Opening) -> tuple[Executor, Opening]:
    """Return who answers, and how they open the recommender; only this process can use a GPU."""
    from data_loaders.bulk.executor import InProcess
    from data_loaders.bulk.executors import executor_named
    from data_loaders.bulk.processes import can_fork
    from multimodal.distributed.devices import choose_device
    from multimodal.distributed.processors import processors, use_threads

    given: int | None = options.processes
    if given is not None and given < 1:
        raise UserError(f"--processes {given}: give at least 1.")
    one_thread = partial(use_threads, 1)
    if options.executor not in (None, "local"):
        return executor_named(options.executor, begin=one_thread), _on_all_machines(options, opening)
    device = choose_device(options.device)
    if device.type == "cpu" and can_fork():
        return executor_named("local", given or processors(), one_thread), opening
    if given not in (None, 1):
        where = device if device.type != "cpu" else "this system, which cannot fork processes"
        raise UserError(f"--processes {given}: one process answers on {where}; give 1, or --device cpu.")
    return InProcess(), opening


def _on_all_machines(options: argparse.Namespace, opening: Opening) -> Opening:
    """Return how the recommender is opened so that it answers alike on every machine."""
    if options.memory is not None:
        raise UserError(
            "--memory may grow while other machines open it, which would then not answer alike; leave out --executor, "
            "or save the model with what it remembers (Recommender.save_pretrained) and give that as --run."
        )
    if options.compute not in (None, "fp32"):
        raise UserError(
            f"--compute {options.compute}: what it computes depends on the processor, so machines would not answer "
            "alike; leave out --compute or --executor."
        )
    if options.device not in (None, "cpu"):
        raise UserError(f"--device {options.device}: machines of a cluster answer on the CPU; leave out --executor.")
    return replace(opening, device="cpu")


def _describe(done: DumpAnswers, options: argparse.Namespace) -> list[str | TextTable]:
    lengths = ", ".join(f"{length} ({count:,} posts)" for length, count in sorted(done.lengths.items(), reverse=True))
    parts: list[str | TextTable] = [f"{done.output}: {done.posts:,} posts; hashtags each: {lengths or 'none'}"]
    if done.resumed:
        parts.append(f"{done.resumed:,} records were read by an earlier call that was interrupted")
    parts += [f"note: {note}" for note in done.notes]
    if done.listed is not None:
        parts += [refusals(done.refused, done.kept), f"listed in {done.listed}"]
    words = ["--predictions", str(done.output), "--data", "data/prepared", "--name", done.output.stem]
    if not options.include_caption_hashtags:
        parts.append(
            "hashtags that a caption has are not recommended again, so where captions have them this is not to be "
            "evaluated; with --include-caption-hashtags it is"
        )
    return [*parts, f"next, where the dump was prepared too: {command_line('evaluate', *words)}"]
