"""What counts as the number of a prior authorization.

Every word of it has a digit and at most three letters in a row, behind a title such as PA or AUTH.
A sentence with a number in it is none, in whichever language, and no date or amount is. What is
none stays in the claim for people to read.
"""

import re

from shared.tasks.fields import means_nothing, visible

LEAST_CHARACTERS = 4  # letters and digits

_TITLE = re.compile(r"^(?:(?:prior|pre)[ -]?)?(?:auth(?:ori[sz]ation)?|pa|ref)[ :#-]*")
_WORD = re.compile(r"(?=.*[0-9])(?:[-/_#]*(?:[0-9]+|[a-z]{1,3}(?![a-z])))+")
_YEAR, _MONTH, _DAY = "(?:19|20)[0-9]{2}", "(?:0[1-9]|1[0-2])", "(?:0[1-9]|[12][0-9]|3[01])"
_NAMED_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DATE = re.compile(
    rf"(?<![0-9a-z])(?:{_YEAR}([-/.])[0-9]{{1,2}}\1[0-9]{{1,2}}"
    rf"|[0-9]{{1,2}}([-/.])[0-9]{{1,2}}\2(?:[0-9]{{2}}|{_YEAR})"
    rf"|[0-9]{{1,2}}[-/]?(?:{_NAMED_MONTH})[-/]?(?:[0-9]{{2}}|{_YEAR})"
    rf"|{_YEAR}{_MONTH}{_DAY}|{_MONTH}{_DAY}{_YEAR})(?![0-9])"
)


def is_authorization_number(text: str) -> bool:
    said = visible(text).casefold()
    number = _TITLE.sub("", said)
    signs = [sign for sign in said if sign.isalnum()]
    return (
        len(signs) >= LEAST_CHARACTERS
        and len(set(signs)) > 1
        and any(sign in "123456789" for sign in signs)
        and all(map(_WORD.fullmatch, number.split()))
        and not _DATE.search(number)
        and not any(map(means_nothing, re.findall("[a-z]{2,}", number)))
    )
