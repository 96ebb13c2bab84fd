"""What mkdocs adds to the pages of this folder: the documents at the repository's top, and the API reference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from posixpath import dirname, normpath, relpath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
TOP_DOCUMENTS = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "BENCHMARKS.md": "benchmarks.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "LICENSE": "license.md",
}
LIBRARIES = ("multimodal", "data_loaders")
# [text](target#anchor); the text may hold a picture.
LINK = re.compile(r"\[((?:!?\[[^\]]*\]\([^)]*\)|[^\[\]])*)\]\(([^)#\s]+)((?:#[^)\s]*)?)\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List the pages of the API reference in the navigation."""
    for entry in config.nav or []:
        if "API reference" in entry:
            entry["API reference"] = [
                {library: [{package: page_of(package)} for package in packages(library)]} for library in LIBRARIES
            ]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for name, page in TOP_DOCUMENTS.items():
        files.append(File.generated(config, page, content=top_document(name)))
    for library in LIBRARIES:
        for package in packages(library):
            files.append(File.generated(config, page_of(package), content=reference(package)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files, **_: Any) -> str:
    """Turn links between files of the repository into links between pages of the site."""
    sources = {page: name for name, page in TOP_DOCUMENTS.items()}
    here = sources.get(page.file.src_uri, f"docs/{page.file.src_uri}")

    def link(match: re.Match[str]) -> str:
        text, target, anchor = match.groups()
        text = LINK.sub(link, text)
        if "://" in target:
            return f"[{text}]({target}{anchor})"
        path = normpath(f"{dirname(here) or '.'}/{target}")
        path = "index.md" if path == "docs/README.md" else TOP_DOCUMENTS.get(path, path.removeprefix("docs/"))
        if files.get_file_from_path(path) is None:
            return text  # a file that the site does not show
        return f"[{text}]({relpath(path, dirname(page.file.src_uri) or '.')}{anchor})"

    return LINK.sub(link, markdown)


def top_document(name: str) -> str:
    """Return a document of the repository's top as a page; the table of contents is that of the site."""
    text = (ROOT / name).read_text(encoding="utf-8")
    if not name.endswith(".md"):
        return f"# Licence\n\n```text\n{text.rstrip()}\n```\n"
    return re.sub(r"<!-- contents -->.*?<!-- /contents -->\n*", "", text, flags=re.DOTALL)


def packages(library: str) -> list[str]:
    """Return a library and its packages, one page each."""
    return [library, *sorted(f"{library}.{path.parent.name}" for path in (ROOT / library).glob("*/__init__.py"))]


def modules(package: str) -> Iterator[str]:
    """Yield the modules of a package; of a library itself, without its packages."""
    folder = ROOT.joinpath(*package.split("."))
    for path in sorted(folder.glob("*.py") if package in LIBRARIES else folder.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if not any(part.startswith("_") and part != "__init__" for part in parts):
            yield ".".join(parts).removesuffix(".__init__")


def page_of(package: str) -> str:
    """Return the page of a package."""
    return f"api/{package}.md"


def reference(package: str) -> str:
    """Return a page that mkdocstrings fills from the docstrings of a package."""
    return "\n\n".join([f"# {package}", *(f"::: {module}" for module in modules(package))]) + "\n"
