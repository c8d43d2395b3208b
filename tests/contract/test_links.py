"""Every link and every path that a document names leads to something."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.documents import ROOT, code_words, links

_FOLDERS = ("services", "shared", "deploy", "tests", "docs", "examples")
_FILES = re.compile(r"[\w./*-]+\.(py|html|js|css|sql|toml|ya?ml|md)")
# A log tells what was so when it was written.
_DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "services/*/README.md", "deploy/*/README.md")
    for path in ROOT.glob(pattern)
    if path.name != "log.md"
)

documents = pytest.mark.parametrize(
    "document", _DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)


def anchors(path: Path) -> set[str]:
    """The headings of a document as GitHub names them in addresses."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def named_paths(text: str) -> Iterator[str]:
    """Backticked words that are a path of the repository or a file's name."""
    for word in code_words(text):
        begins = any(word.startswith(f"{folder}/") for folder in _FOLDERS)
        if (begins and re.fullmatch(r"[\w./*-]+", word)) or _FILES.fullmatch(word):
            yield word


@documents
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in links(document.read_text()):
        if re.match(r"https?://", link):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name) if name else document
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@documents
def test_every_path_that_is_named_exists(document: Path) -> None:
    """From the root, or from the document's own folder; in `docs/` a bare name is any file's.

    Pages about adding something name files that are not there yet; tests follow those pages.
    """
    if document.name.startswith("adding-"):
        return
    bare = document.parent in (ROOT, ROOT / "docs")
    for name in named_paths(document.read_text()):
        anywhere = bare and "/" not in name and any(map(any, _named(name)))
        assert anywhere or any(ROOT.glob(name)) or any(document.parent.glob(name)), name


def _named(name: str) -> Iterator[Iterator[Path]]:
    return (ROOT.glob(f"{folder}/**/{name}") for folder in _FOLDERS)


@documents
def test_every_make_command_is_a_target(document: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.M))
    named = re.findall(r"(?:^|`)make ([a-z][a-z-]*)", document.read_text(), re.M)

    assert set(named) <= targets


def test_links_and_paths_are_found() -> None:
    text = "".join(path.read_text() for path in _DOCUMENTS)

    assert len(links(text)) > 20
    assert len(list(named_paths(text))) > 40
