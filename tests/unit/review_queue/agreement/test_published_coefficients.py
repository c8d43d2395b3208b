"""The coefficients of agreement against the examples of those who published them."""

from collections.abc import Sequence

import pytest

from services.review_queue.agreement.coefficients import (
    SpecificAgreement,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    raw_agreement,
    specific_agreement,
)


def by_observer(*rows: str) -> list[list[str]]:
    """Units from one row of values an observer; `.` is a missing one."""
    columns = zip(*(row.split() for row in rows), strict=True)
    return [[value for value in column if value != "."] for column in columns]


def from_counts(rows: str) -> list[list[str]]:
    """Units from one row of counts each, one count a category."""
    return [
        [str(category) for category, count in enumerate(row.split()) for _ in range(int(count))]
        for row in rows.strip().splitlines()
    ]


def from_table(table: Sequence[Sequence[int]]) -> list[tuple[str, str]]:
    """Pairs from counts by what the left and the right one said."""
    return [
        (str(row), str(column))
        for row, counts in enumerate(table)
        for column, count in enumerate(counts)
        for _ in range(count)
    ]


# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", parts A to C.
KRIPPENDORFF = [
    (by_observer("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0"), 0.095),
    (by_observer("a a b b d c c c e d d a", "b a b b b c c c e d d d"), 0.692),
    (
        by_observer(
            "1 2 3 3 2 1 4 1 2 . . .",
            "1 2 3 3 2 2 4 1 2 5 . 3",
            ". 3 3 3 2 3 4 2 2 5 1 .",
            "1 2 3 3 2 4 4 1 2 5 1 .",
        ),
        0.743,
    ),
]


@pytest.mark.parametrize(("units", "published"), KRIPPENDORFF)
def test_alpha_as_krippendorff_published_it(units: list[list[str]], published: float) -> None:
    alpha = krippendorff_alpha(units)

    assert alpha is not None
    assert round(alpha, 3) == published


def test_alpha_of_three_coders_who_missed_many_units() -> None:
    # The computational example of Wikipedia's "Krippendorff's alpha".
    units = by_observer(
        ". . . . . 3 4 1 2 1 1 3 3 . 3",
        "1 . 2 1 3 3 4 3 . . . . . . .",
        ". . 2 1 3 4 4 . 2 1 1 3 3 . 4",
    )

    assert krippendorff_alpha(units) == pytest.approx(0.691, abs=5e-4)


@pytest.mark.parametrize(
    ("table", "published"),
    [
        # Cohen 1968, "Weighted kappa", table 1 in counts of 200; unweighted kappa.
        ([[88, 10, 2], [14, 40, 6], [18, 10, 12]], 0.492),
        # Fleiss, Levin & Paik 2003, "Statistical Methods for Rates and Proportions", table 18.1.
        ([[75, 1, 4], [5, 4, 1], [0, 0, 10]], 0.676),
        # The examples of Wikipedia's "Cohen's kappa".
        ([[20, 5], [10, 15]], 0.4),
        ([[45, 15], [25, 15]], 0.1304),
        ([[25, 35], [5, 35]], 0.2593),
    ],
)
def test_cohens_kappa_as_published(table: list[list[int]], published: float) -> None:
    assert cohen_kappa(from_table(table)) == pytest.approx(published, abs=5e-4)


def test_fleiss_kappa_as_fleiss_published_it() -> None:
    # Fleiss 1971, "Measuring nominal scale agreement among many raters", table 1: 30 patients,
    # 6 psychiatrists each, 5 diagnoses.
    units = from_counts(
        """
        0 0 0 6 0\n0 3 0 0 3\n0 1 4 0 1\n0 0 0 0 6\n0 3 0 3 0\n2 0 4 0 0\n0 0 4 0 2\n2 0 3 1 0
        2 0 0 4 0\n0 0 0 0 6\n1 0 0 5 0\n1 1 0 4 0\n0 3 3 0 0\n1 0 0 5 0\n0 2 0 3 1\n0 0 5 0 1
        3 0 0 1 2\n5 1 0 0 0\n0 2 0 4 0\n1 0 2 0 3\n0 0 0 0 6\n0 1 0 5 0\n0 2 0 1 3\n2 0 0 4 0
        1 0 0 4 1\n0 5 0 1 0\n4 0 0 0 2\n0 2 0 4 0\n1 0 5 0 0\n0 0 0 0 6
        """
    )

    assert fleiss_kappa(units) == pytest.approx(0.430, abs=5e-4)
    assert raw_agreement(units) == pytest.approx(0.556, abs=5e-4)


def test_fleiss_kappa_of_fourteen_raters() -> None:
    # The worked example of Wikipedia's "Fleiss' kappa".
    units = from_counts(
        "0 0 0 0 14\n0 2 6 4 2\n0 0 3 5 6\n0 3 9 2 0\n2 2 8 1 1\n"
        "7 7 0 0 0\n3 2 6 3 0\n2 5 3 2 2\n6 5 2 1 0\n0 2 2 3 7"
    )

    assert fleiss_kappa(units) == pytest.approx(0.210, abs=5e-4)


def test_specific_agreement_is_twice_the_agreeing_over_all_that_were_given() -> None:
    # By the formula of Cicchetti & Feinstein 1990: 2a / (2a + b + c).
    found = specific_agreement(from_table([[20, 5], [10, 15]]))

    assert found == {"0": SpecificAgreement(40 / 55, 35), "1": SpecificAgreement(30 / 45, 30)}
