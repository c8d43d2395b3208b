"""What counts as the number of a prior authorization.

It has at least four letters and digits, a digit among them, more than one kind of them, and is no
date; no word beside it may say that the authorization was not given. Anything else stays in the
claim for people to read, and is none.
"""

import re

LEAST_CHARACTERS = 4

_DATE = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}")
_NOT_GIVEN = re.compile(
    "applied|asked|awaiting|cancell?ed|closed|declined|denied|expired|invalid|missing|no|none|not|"
    "open|pending|refused|rejected|requested|revoked|submitted|unknown|void|withdrawn"
)


def is_authorization_number(text: str) -> bool:
    signs = [sign for sign in text.casefold() if sign.isalnum()]
    words = re.findall(r"[^\W\d_]+", text.casefold())
    return (
        len(signs) >= LEAST_CHARACTERS
        and len(set(signs)) > 1
        and any(sign.isdigit() for sign in signs)
        and not _DATE.fullmatch(text.strip())
        and not any(map(_NOT_GIVEN.fullmatch, words))
    )
