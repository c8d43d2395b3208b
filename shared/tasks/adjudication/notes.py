"""What a clinical note can say that takes a claim from any model, whatever the model makes of it.

A note that takes the service back, that speaks to whoever decides, or that reads otherwise than it
is written. The phrases are few and plain: a note that none of them fits is not thereby sound.
"""

import re

from shared.tasks.fields import visible

_REVERSED = re.compile("[\u202a-\u202e\u2066-\u2069]")
_TAKEN_BACK = re.compile(
    r"\bwrong (patient|member|person|chart|claim)\b"
    r"|\b(another|a different|some other) (patient|member|person)\b"
    r"|\b(never|not)( \w+)? (performed|rendered|provided|delivered|carried out)\b"
    r"|\b(claim|service|visit|procedure|treatment|surgery|appointment)( \w+){0,2} "
    r"(cancell?ed|withdrawn|voided|retracted)\b"
    r"|\b(cancel|withdraw|void|retract|disregard)( \w+)? (claim|bill)\b"
    r"|\bno[- ]show\b|\bdid not (show up|attend|appear|arrive)\b"
    r"|\b(entered|billed|filed|submitted|charted|sent)( \w+)? (in error|by mistake|erroneously)\b"
)
_ADDRESSED = re.compile(
    r"<\|.{0,40}?\|>|\[/?inst\]|<</?sys>>|</?s>|<(start|end)_of_turn>"
    r"|\bedits ?: |\b(assistant|answer|decision|label) ?: ?\W*(approved|denied|pending)\b"
    r"|\b(ignore|disregard|forget|override)\b.{0,40}\b(rules?|instructions?|edits?|prompt)\b"
    r"|\b(answer|reply|respond|output|say|decide)( \w+){0,2} \W?(approved|denied|pending)\b"
)


def objection_to(note: str) -> str | None:
    """Why no model may decide a claim with this note; None if nothing here says so."""
    if _REVERSED.search(note):
        return "the note has characters that turn its reading direction"
    text = visible(note).casefold()
    if _TAKEN_BACK.search(text):
        return "the note says that the service was not performed, or is about somebody else"
    if _ADDRESSED.search(text):
        return "the note speaks to whoever decides"
    return None
