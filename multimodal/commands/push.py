"""Upload a model to the Hugging Face Hub: safetensors, JSON and a model card; nothing of users unless asked."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from data_loaders.command_line import command_line
from data_loaders.errors import UserError
from multimodal.commands.answer import Answer

EXAMPLES = """examples:
  multimodal-hashtags push --run runs/sample --to ann/hashtags
  multimodal-hashtags push --run runs/sample --to ann/hashtags --public --license cc-by-4.0 --contact "ann@example.org"
  multimodal-hashtags push --run runs/sample --to ann/hashtags --card card.md --revision v2
  multimodal-hashtags push --run runs/sample --to ann/hashtags --with-users-posts

Log in first (hf auth login), or set HF_TOKEN. Who may read it: multimodal-hashtags recommend --run ann/hashtags …"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--run", required=True, help="run folder, or its model/ folder")
    parser.add_argument(
        "--to", required=True, metavar="OWNER/NAME", help="repository; made if there is none, its content is replaced"
    )
    parser.add_argument(
        "--public", action="store_true", help="make a repository that everybody sees (default: private)"
    )
    parser.add_argument("--revision", help="branch to commit to, made if there is none (default: main)")
    parser.add_argument("--license", help="of the model, for its card, as the Hub names it: cc-by-4.0, apache-2.0 …")
    parser.add_argument("--contact", help="who is responsible for the model, for its card")
    parser.add_argument(
        "--card", type=Path, metavar="FILE", help="your own model card (default: generated, with the run's figures)"
    )
    parser.add_argument(
        "--with-users-posts", action="store_true",
        help="upload the memory too: ids, times, hashtags and vectors of users' posts, their rules and feedback",
    )  # fmt: skip


def run(options: argparse.Namespace) -> Answer:
    """Load the model, and upload it if its parts fit each other."""
    from multimodal.systems.model_card import CardFacts, evaluations_of
    from multimodal.systems.model_folder import load_model
    from multimodal.systems.publishing import upload, write_upload

    model = load_model(options.run)
    memory = model.memory if options.with_users_posts else model.system.new_memory()
    facts = CardFacts(
        hub_id=options.to,
        data=model.info.get("data", {}),
        evaluations=evaluations_of(model.run),
        licence=options.license,
        contact=options.contact,
    )
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "model"
        write_upload(folder, facts, model.system, memory, _card(options.card))
        url = upload(folder, options.to, private=not options.public, revision=options.revision)
    posts = f"{len(memory):,} users' posts were uploaded with it" if len(memory) else "no users' posts were uploaded"
    name = options.to if options.revision is None else f"{options.to}@{options.revision}"
    document = {"url": url, "posts": len(memory), "evaluations": len(facts.evaluations), "model": name}
    recommend = command_line("recommend", "--run", name, "--caption", "Low tide at dusk")
    return Answer(document, [f"{url}: {model.system.name}; {posts}", f"next: {recommend}"])


def _card(path: Path | None) -> str | None:
    try:
        return None if path is None else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--card {path} cannot be read: {error}.") from None
