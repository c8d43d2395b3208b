"""Amounts as people write them in files: read by a stated decimal mark, and never guessed.

`118,50` is 118.50 in one country and badly written in the other; `1,234` is a number in both, and
not the same one. What has two readings is refused with both.
"""

import re
import unicodedata
from typing import Literal

from shared.errors import Rejected

DecimalMark = Literal[".", ","]

_CURRENCY = r"(?:US\$|USD|\$)"
_AMOUNT = re.compile(
    rf"""(?P<opened>\()?\s*(?P<sign>[-+])?\s*{_CURRENCY}?\s*(?P<inner>[-+])?\s*
    (?P<digits>\d(?:[\d.,'\ ]*\d)?)
    \s*{_CURRENCY}?\s*(?P<behind>-)?\s*(?P<closed>\))?""",
    re.VERBOSE | re.IGNORECASE,
)
_OTHER_CURRENCY = re.compile(
    r"[€£¥₹₽₩]|\b(?:EUR|GBP|CHF|CAD|AUD|NZD|JPY|CNY|INR|MXN|BRL|SEK|NOK|DKK|PLN|CZK)\b",
    re.IGNORECASE,
)
# Grouped by threes, or by twos and a three at the end, as in India.
_GROUPED = r"[1-9]\d{{0,2}}(?:{mark}\d{{3}})+|[1-9]\d?(?:{mark}\d{{2}})+{mark}\d{{3}}"
_STATE_IT = "state the file's decimal mark (--decimal . or --decimal ,)"


def read_amount(text: str, *, decimal: DecimalMark | None) -> str:
    """The amount with a period and without anything else, such as -1234.50.

    `Rejected` if it is no number of US dollars, or if it has two readings and the file's decimal
    mark is not stated. The digits are repeated in the refusal; they are no member's data.
    """
    plain = unicodedata.normalize("NFKC", text).replace("\u2212", "-").replace("\u2019", "'")
    match = _AMOUNT.fullmatch(plain.strip())
    if match is None:
        raise Rejected(_why_not(plain))
    signs = [match["sign"], match["inner"], match["behind"], match["opened"]]
    if bool(match["opened"]) != bool(match["closed"]) or sum(map(bool, signs)) > 1:
        raise Rejected("has more than one sign, or half a pair of parentheses")
    negative = any(sign in ("-", "(") for sign in signs)
    return ("-" if negative else "") + _digits(match["digits"], decimal)


def _why_not(plain: str) -> str:
    if _OTHER_CURRENCY.search(plain):
        return "is in another currency; amounts are US dollars"
    return "is not an amount, such as 1234.50"


def _digits(digits: str, decimal: DecimalMark | None) -> str:
    if decimal is not None:
        if (reading := _read_by(digits, decimal)) is None:
            raise Rejected(f"is not written with the decimal mark {decimal}")
        return reading
    if digits.count(",") == 1 and not re.search(r"[.' ]", digits):
        raise Rejected(_both(digits.replace(",", "."), digits.replace(",", "").lstrip("0")))
    readings = [reading for mark in (".", ",") if (reading := _read_by(digits, mark)) is not None]
    if not readings:
        raise Rejected("is not an amount, such as 1234.50")
    if len(set(readings)) > 1:
        raise Rejected(_both(*readings))
    return readings[0]


def _read_by(digits: str, decimal: str) -> str | None:
    """What the digits say where this is the decimal mark; None if they are not written so."""
    for mark in ("," if decimal == "." else ".", "'", " "):
        grouped = _GROUPED.format(mark=re.escape(mark))
        if match := re.fullmatch(rf"(\d+|{grouped})(?:{re.escape(decimal)}(\d+))?", digits):
            whole = re.sub(r"\D", "", match[1])
            return f"{whole}.{match[2]}" if match[2] else whole
    return None


def _both(one: str, other: str) -> str:
    return f"can be read as {one} and as {other}: {_STATE_IT}"
