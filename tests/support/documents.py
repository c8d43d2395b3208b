"""Reading the repository's Markdown: what it links to, and what it names as code."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def without_blocks(text: str) -> str:
    """The text without its code blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def code_words(text: str) -> list[str]:
    """What stands in backticks, outside of code blocks."""
    return re.findall(r"`([^`\n]+)`", without_blocks(text))


def links(text: str) -> list[str]:
    """The targets of links and pictures, outside of code blocks."""
    return re.findall(r"\]\(([^)\s]+)\)", without_blocks(text))
