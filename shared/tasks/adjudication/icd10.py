"""ICD-10-CM codes, titles and chapters, from the data files of the wheel `simple-icd-10-cm`.

The package itself is never imported: that parses everything into 170 MB. The list of codes is
searched as bytes (0.8 MB). Of the tabular file (10 MB) only the places of its categories are
kept, found once in 30 ms; a title is then read from the lines of its category (0.1 ms).
"""

import html
import mmap
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

Standing = Literal["billable", "category", "unknown"]

_CATEGORY = re.compile(rb"<name>([A-Z][0-9A-Z]{2})</name>")
_CHAPTER = re.compile(rb"<chapter>\s*<name>\d+</name>\s*<desc>([^<]* \((\w+)-(\w+)\))</desc>")


@cache
def _data_file(pattern: str) -> Path:
    spec = find_spec("simple_icd_10_cm")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("ICD-10-CM codes need the package simple-icd-10-cm")
    return next((Path(spec.origin).parent / "data").glob(pattern))


@cache
def _code_list() -> bytes:
    """Every code without its dot, one per line, each followed by its children."""
    return b"\n" + b"\n".join(_data_file("code-list-*.txt").read_bytes().split()) + b"\n"


@lru_cache(maxsize=4096)
def standing(code: str) -> Standing:
    """Whether a code can be billed, is only a category of finer codes, or does not exist."""
    plain = code.replace(".", "").encode()
    # From the end: before the code may stand a section of the same name.
    place = _code_list().rfind(b"\n" + plain + b"\n")
    if place < 0:
        return "unknown"
    following = place + len(plain) + 2
    return "category" if _code_list().startswith(plain, following) else "billable"


@lru_cache(maxsize=4096)
def title(code: str) -> str:
    """The official title of an existing code; "" for one that does not exist.

    Only codes up to the sixth character stand in the file by themselves. A seventh character
    (the encounter) is defined once, at the code or category that it extends.
    """
    category = _lines(code[:3])
    if own := _entry(category, code):
        return _description(own)
    if standing(code) == "unknown" or len(code) != 8:
        return ""
    stem = code[:7].rstrip("X").rstrip(".")
    return f"{_description(_entry(category, stem))}, {_encounter(category, stem, code[7])}"


def chapter(code: str) -> str:
    """The title of the chapter that a code belongs to, with its range; "" if there is none."""
    for name, first, last in _chapters():
        if first <= code[:3] <= last:
            return name
    return ""


@contextmanager
def _tabular() -> Iterator[mmap.mmap]:
    with (
        _data_file("icd10c-tabular-*.xml").open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as tabular,
    ):
        yield tabular


@cache
def _places() -> Mapping[str, tuple[int, int]]:
    """Where in the file the lines of each category begin and end."""
    with _tabular() as tabular:
        starts = [(match[1].decode(), match.start()) for match in _CATEGORY.finditer(tabular)]
        ends = [start for _, start in starts[1:]] + [len(tabular)]
    return {name: (start, end) for (name, start), end in zip(starts, ends, strict=True)}


@cache
def _chapters() -> tuple[tuple[str, str, str], ...]:
    """Each chapter's title, first and last category. The ranges sort as their codes do."""
    with _tabular() as tabular:
        chapters = _CHAPTER.findall(tabular)
    return tuple(
        (html.unescape(name.decode()), first.decode(), last.decode())
        for name, first, last in chapters
    )


def _lines(category: str) -> bytes:
    start, end = _places().get(category, (0, 0))
    with _tabular() as tabular:
        return tabular[start:end]


def _entry(category: bytes, code: str) -> bytes:
    """What the file says of a code, up to its first child."""
    start = category.find(f"<name>{code}</name>".encode())
    if start < 0:
        return b""
    ends = (category.find(b"<diag>", start), category.find(b"</diag>", start))
    return category[start : min(end for end in ends if end > 0)]


def _description(entry: bytes) -> str:
    match = re.search(rb"<desc>([^<]*)</desc>", entry)
    return html.unescape(match[1].decode()) if match else ""


def _encounter(category: bytes, stem: str, character: str) -> str:
    wanted = re.compile(rb'<extension char="%s">([^<]*)<' % character.encode())
    for length in range(len(stem), 2, -1):
        if match := wanted.search(_entry(category, stem[:length])):
            return html.unescape(match[1].decode())
    return f"extension {character}"
