"""Prepare posts, train and evaluate hashtag recommenders, and recommend hashtags."""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from data_loaders import __version__
from data_loaders.command_line import PROGRAM
from data_loaders.errors import UserError, full_disk, nearest
from multimodal.commands.answer import MISTAKE, Answer, as_plain
from multimodal.commands.stopping import INTERRUPTED, stoppable

COMMANDS = {
    "make-sample": "write a sample dump to try everything with",
    "validate": "read a dump and say what it holds",
    "prepare": "clean, split and write a dump as a prepared folder",
    "features": "encode posts ahead of training, on several machines",
    "train": "train a System and write a run folder",
    "evaluate": "metrics at K, predictions and charts of a run",
    "recommend": "recommend hashtags for one post",
    "serve": "answer recommendations over HTTP",
    "demo": "a page to try trained models in a browser",
    "export": "predictions of a run for other programs",
    "memory": "look after the posts that a recommender keeps",
    "rules": "what is always or never recommended to a user",
    "compare": "compare evaluated runs by paired tests",
    "benchmark": "train and evaluate Systems side by side",
    "drift": "Systems period by period, frozen, rolling and refitted",
    "ablation": "train a configuration and its variants",
    "audit": "check a run for leaks",
    "gate": "how much the fusion relies on the picture",
    "push": "upload a model to the Hugging Face Hub",
    "doctor": "what is installed, what this machine offers, what to mend",
}
_LONGEST_PATH = 300
_LISTED = "\n".join(f"  {name:<12} {summary}" for name, summary in COMMANDS.items())
_DETAILS = f"""commands:
{_LISTED}

{PROGRAM} COMMAND --help describes a command. Every command takes --json: it then prints one JSON
document on standard output, and everything else on standard error.

exit status: 0 on success, 1 if an audit check or a row of a benchmark failed or doctor found something to mend,
2 for a mistake in the call, 130 for Ctrl-C or SIGTERM"""


class CommandParser(argparse.ArgumentParser):
    """A parser whose errors name the nearest option for each that is unknown.

    Attributes:
        given: the words to parse, set before they are.
    """

    given: Sequence[str] = ()

    def error(self, message: str) -> NoReturn:
        """Print usage and error, and exit with status 2."""
        known = [option for action in self._actions for option in action.option_strings]
        names = [word.partition("=")[0] for word in self.given if word.startswith("--") and word != "--"]
        unknown = [name for name in names if not any(option.startswith(name) for option in known)]
        super().error(message + "".join(f"; {name}:{hint}" for name in unknown if (hint := nearest(name, known))))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the program, which lists all sub-commands."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description=__doc__, epilog=_DETAILS, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    parser.add_argument("command", metavar="COMMAND", help="see below")
    parser.add_argument("arguments", metavar="…", nargs=argparse.REMAINDER, help="its arguments")
    return parser


def command_parser(name: str) -> CommandParser:
    """Return the parser of one sub-command."""
    module = _module(name)
    parser = CommandParser(
        prog=f"{PROGRAM} {name}",
        description=module.__doc__,
        epilog=module.EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document on standard output, all else on standard error"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status: 0, 1 for a failed check or row, 2 for a mistake, 130 when stopped.

    Args:
        arguments: the sub-command and its arguments; None for those of the command line.
    """
    _configure_output()
    # What Pillow repairs or leaves out of damaged pictures, thousands of lines for some.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    # On a busy machine threads that wait by spinning take the processor from those that work.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        with stoppable():
            return _run(list(sys.argv[1:] if arguments is None else arguments))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return MISTAKE
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough; nothing is left to be flushed when Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        # Without a name it is not about what the user gave, but a mistake of this program.
        path = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else ""
        full = full_disk(error, Path(path or os.curdir))
        if not full and not path:
            raise
        problem = f"could not be written.{full}" if full else f"cannot be used: {error.strerror or error}."
        shown = path if len(path) <= _LONGEST_PATH else path[:_LONGEST_PATH] + "…"
        print(f"error: {shown or 'a file'} {problem}", file=sys.stderr)
        return MISTAKE


def _run(words: list[str]) -> int:
    if not words:
        build_parser().print_help(sys.stderr)
        return MISTAKE
    if words[0].startswith("-"):
        build_parser().parse_args(words)
    name, *rest = words
    if name not in COMMANDS:
        raise UserError(f"unknown command {name!r}.{nearest(name, COMMANDS)} Commands: {', '.join(COMMANDS)}.")
    parser = command_parser(name)
    parser.given = rest
    options = parser.parse_intermixed_args(rest, argparse.Namespace(words=words))
    with redirect_stdout(sys.stderr):
        answer: Answer | None = _module(name).run(options)
    if answer is None:
        return 0
    if options.json:
        print(json.dumps(as_plain(answer.document), ensure_ascii=False, indent=1, allow_nan=False))
    else:
        answer.show()
    sys.stdout.flush()
    if answer.problem:
        raise UserError(answer.problem)
    return answer.status


def _module(name: str) -> ModuleType:
    return import_module(f"multimodal.commands.{name.replace('-', '_')}")


def _configure_output() -> None:
    # The names of files need not be UTF-8, and not every terminal shows every hashtag.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    # Only the project's own messages; other libraries are heard from warnings on.
    logging.getLogger().setLevel(logging.WARNING)
    for package in ("data_loaders", "multimodal"):
        logging.getLogger(package).setLevel(logging.INFO)
