"""An amount has one reading, or it is refused with both: `118,50` is never 11,850.00."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Rejected
from shared.tasks.amounts import read_amount

SPACES = [" ", "\u00a0", "\u202f", "'", "\u2019"]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("118.50", "118.50"),
        ("118", "118"),
        ("0.99", "0.99"),
        ("1,234.50", "1234.50"),
        ("1.234,56", "1234.56"),
        ("1,234,567", "1234567"),
        ("1.234.567", "1234567"),
        ("1,18,500.00", "118500.00"),
        *((f"1{space}234{mark}50", "1234.50") for space in SPACES for mark in ".,"),
        ("$1,234.50", "1234.50"),
        ("USD 118.50", "118.50"),
        ("118.50 usd", "118.50"),
        ("US$118.50", "118.50"),
        ("$ 118.50", "118.50"),
        (" 118.50 ", "118.50"),
        ("+118.50", "118.50"),
        ("118.50-", "-118.50"),
        ("-$118.50", "-118.50"),
        ("$-118.50", "-118.50"),
        ("\u2212118.50", "-118.50"),
        ("(118.50)", "-118.50"),
        ("($118.50)", "-118.50"),
        ("１１８.５０", "118.50"),
    ],
)
def test_what_has_one_reading_needs_no_statement(text: str, amount: str) -> None:
    assert read_amount(text, decimal=None) == amount


@pytest.mark.parametrize(
    ("text", "period", "comma"),
    [
        ("1,234", "1234", "1.234"),
        ("1.234", "1.234", "1234"),
        ("118,50", None, "118.50"),
        ("1,5", None, "1.5"),
        ("0,99", None, "0.99"),
    ],
)
def test_what_has_two_is_refused_with_both_and_read_as_stated(
    text: str, period: str | None, comma: str
) -> None:
    with pytest.raises(Rejected, match=r"can be read as .* and as .*--decimal ,") as refused:
        read_amount(text, decimal=None)

    assert comma in refused.value.reason
    assert text.replace(",", "").replace(".", "").lstrip("0") in refused.value.reason
    assert read_amount(text, decimal=",") == comma
    if period is None:
        with pytest.raises(Rejected, match=r"not written with the decimal mark \."):
            read_amount(text, decimal=".")
    else:
        assert read_amount(text, decimal=".") == period


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("€118.50", "another currency"),
        ("118.50 EUR", "another currency"),
        ("1.1E+2", "not an amount"),
        ("1_000.00", "not an amount"),
        ("free", "not an amount"),
        ("", "not an amount"),
        ("12.34.5", "not an amount"),
        ("1,23,4.5", "not an amount"),
        ("1 23.50", "not an amount"),
        ("nan", "not an amount"),
        ("--5", "more than one sign"),
        ("-118.50-", "more than one sign"),
        ("(-118.50)", "more than one sign"),
        ("(118.50", "half a pair"),
    ],
)
@pytest.mark.parametrize("decimal", [None, "."])
def test_what_is_no_amount_is_refused(text: str, why: str, decimal: Any) -> None:
    with pytest.raises(Rejected, match=f"{why}|not written with the decimal mark"):
        read_amount(text, decimal=decimal)


@given(cents=st.integers(0, 10**12), decimal=st.sampled_from([".", ","]), grouped=st.booleans())
def test_what_is_written_by_a_rule_is_read_back_by_it(
    cents: int, decimal: Any, grouped: bool
) -> None:
    amount = Decimal(cents) / 100
    text = f"{amount:,.2f}" if grouped else f"{amount:.2f}"
    if decimal == ",":
        text = text.translate(str.maketrans(",.", ".,"))

    assert Decimal(read_amount(text, decimal=decimal)) == amount


@given(text=st.text(alphabet="0123456789.,' -()$", max_size=12))
def test_without_a_statement_nothing_is_read_that_a_statement_contradicts(text: str) -> None:
    try:
        amount = read_amount(text, decimal=None)
    except Rejected:
        return
    for decimal in (".", ","):
        try:
            assert read_amount(text, decimal=decimal) == amount
        except Rejected as refused:
            assert "not written with the decimal mark" in refused.reason  # noqa: PT017
