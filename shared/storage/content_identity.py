"""A case id stands for one content, forever: what every table of cases checks after an insert."""

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

from shared.errors import Conflict

Content = TypeVar("Content", bound=Hashable)


def refuse_other_content(
    given: Iterable[tuple[str, Content]],
    stored: Mapping[str, Content],
    *,
    because: str,
    field: str = "case_id",
) -> None:
    """`Conflict` for the first case that is stored with another content than the one given now.

    `given` pairs case ids with what identifies their content, `stored` has the same of the rows
    that are there, whoever wrote them. `because` ends the sentence that begins with the case.
    """
    for case_id, content in given:
        if stored.get(case_id) != content:
            raise Conflict(
                f"the case {because}; a new attempt needs a case id of its own", field=field
            )
