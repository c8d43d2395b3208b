"""ICD-10-CM codes and titles, read from the data files of the wheel `simple-icd-10-cm`.

The package itself is never imported: that parses everything into 170 MB. The list of codes is
searched as bytes (0.8 MB), and a title is found by a search of the mapped tabular file (3 ms).
"""

import html
import mmap
import re
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

Standing = Literal["billable", "category", "unknown"]


def _data_file(pattern: str) -> Path:
    spec = find_spec("simple_icd_10_cm")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("ICD-10-CM codes need the package simple-icd-10-cm")
    return next((Path(spec.origin).parent / "data").glob(pattern))


@cache
def _code_list() -> bytes:
    """Every code without its dot, one a line, each followed by its children."""
    return b"\n" + b"\n".join(_data_file("code-list-*.txt").read_bytes().split()) + b"\n"


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
    with (
        _data_file("icd10c-tabular-*.xml").open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as tabular,
    ):
        if own := _entry(tabular, code):
            return _description(own)
        if standing(code) == "unknown" or len(code) != 8:
            return ""
        stem = code[:7].rstrip("X").rstrip(".")
        return f"{_description(_entry(tabular, stem))}, {_encounter(tabular, stem, code[7])}"


def _entry(tabular: mmap.mmap, code: str) -> bytes:
    """What the file says of a code, up to its first child."""
    start = tabular.find(f"<name>{code}</name>".encode())
    if start < 0:
        return b""
    ends = (tabular.find(b"<diag>", start), tabular.find(b"</diag>", start))
    return tabular[start : min(end for end in ends if end > 0)]


def _description(entry: bytes) -> str:
    found = re.search(rb"<desc>([^<]*)</desc>", entry)
    return html.unescape(found[1].decode()) if found else ""


def _encounter(tabular: mmap.mmap, stem: str, character: str) -> str:
    wanted = re.compile(rb'<extension char="%s">([^<]*)<' % character.encode())
    for length in range(len(stem), 2, -1):
        if found := wanted.search(_entry(tabular, stem[:length])):
            return html.unescape(found[1].decode())
    return f"extension {character}"
