"""What counts as the number of a prior authorization.

Every word of it has a digit and at most three letters in a row. A title such as PA or AUTH says
that it is one, and so does a letter in front, which payers' numbers have. Without either it has six
digits, and no marks between them: those make a date, a telephone or a tax number of it. A sentence
with a number in it is none, in whichever language, and no date, amount or telephone number is. What
is none stays in the claim for people to read.
"""

import re

from shared.tasks.fields import means_nothing, visible

LEAST_CHARACTERS = 4  # letters and digits
LEAST_DIGITS = 6  # where nothing else says that it is one

_TITLE = re.compile(r"^(?:(?:(?:prior|pre)[ -]?)?(?:auth(?:ori[sz]ation)?|pa|ref)|#)[ :#-]*")
_WORD = re.compile(r"(?=.*[0-9])(?:[-/_#]*(?:[0-9]+|[a-z]{1,3}(?![a-z])))+")
_YEAR, _MONTH, _DAY = "(?:19|20)[0-9]{2}", "(?:0[1-9]|1[0-2])", "(?:0[1-9]|[12][0-9]|3[01])"
_NAMED_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_DATE = re.compile(
    rf"(?<![0-9a-z])(?:{_YEAR}([-/.])[0-9]{{1,2}}\1[0-9]{{1,2}}"
    rf"|[0-9]{{1,2}}([-/.])[0-9]{{1,2}}\2(?:[0-9]{{2}}|{_YEAR})"
    rf"|(?:[0-9]{{1,2}}[-/]?)?{_NAMED_MONTH}[-/]?(?:[0-9]{{2}}|{_YEAR})"
    rf"|{_YEAR}{_MONTH}{_DAY}|{_MONTH}{_DAY}{_YEAR})(?![0-9])"
)
# A year alone, or with its month or quarter, and nothing behind it.
_PERIOD = re.compile(
    rf"(?<![0-9a-z])(?:{_YEAR}(?:[-/.]{_MONTH}|[-/.]?(?:q[1-4]|{_NAMED_MONTH}))?"
    rf"|(?:{_MONTH}[-/.]|q[1-4][-/.]?|fy[-/.]?){_YEAR})(?![-/.]?[0-9a-z])"
)
_TELEPHONE = re.compile(
    r"(?<![-0-9])(?:1[- /])?(?:[2-9][0-9]{2}[- /])?[2-9][0-9]{2}[- /][0-9]{4}(?![-0-9])"
)
# Without marks, what is as likely a telephone number, or a date of six digits.
_BARE = re.compile(
    r"1?[2-9][0-9]{2}[2-9][0-9]{6}"
    rf"|{_YEAR}{_MONTH}|{_MONTH}{_DAY}[0-9]{{2}}|[0-9]{{2}}{_MONTH}{_DAY}"
)


def is_authorization_number(text: str) -> bool:
    said = visible(text).casefold()
    number = _TITLE.sub("", said)
    return (
        _is_written_like_one(said, number)
        and not any(other.search(number) for other in (_DATE, _PERIOD, _TELEPHONE))
        and (number != said or _says_itself(number))
    )


def _is_written_like_one(said: str, number: str) -> bool:
    signs = [sign for sign in said if sign.isalnum()]
    return (
        len(signs) >= LEAST_CHARACTERS
        and len(set(signs)) > 1
        and any(sign in "123456789" for sign in signs)
        and all(map(_WORD.fullmatch, number.split()))
        and not any(map(means_nothing, re.findall("[a-z]{2,}", number)))
    )


def _says_itself(number: str) -> bool:
    """Whether a number without a title is one; 500mg, 90210 and 9am-5pm may be anything."""
    if number[0].isalpha():
        return True
    digits = sum(sign.isdigit() for sign in number)
    bare = number.isdigit() and not _BARE.fullmatch(number)
    return digits >= LEAST_DIGITS and (bare or re.search("[a-z]", number) is not None)
