"""The terminal that every command prints to. It shows text as it is: none of it is markup.

Records and services may say anything: `[/x]` stays `[/x]`, an escape sequence is written out.
"""

from typing import Any

from rich.console import Console
from rich.text import Text

_CONTROLS = {
    number: f"\\x{number:02x}"
    for number in (*range(32), *range(127, 160))
    if chr(number) not in "\n\t"
}


class Terminal(Console):
    """Colors are given as a style or a `Text`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(text.translate(_CONTROLS), **options)
