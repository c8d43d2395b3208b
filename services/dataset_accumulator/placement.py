"""On which side of the data a label lies: that of its group, and that of its content, which is the
text that a model reads of it.

Whatever is fixed first stays. A new group goes where its content lies; where group and content are
fixed to different sides, the label is withheld, so that neither lies on both.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from services.dataset_accumulator.labels import CaseLabel
from services.dataset_accumulator.splits import Shares, split_of
from shared.events import Split
from shared.sampling import DrawKey
from shared.storage.database import Connection

Withheld = Literal["held_out", "two_sides", "repeated"]
Key = tuple[str, str]  # a task, and a group or a content of it

_READ_GROUPS = """
SELECT task, group_id AS name, split FROM dataset_accumulator.groups
JOIN unnest($1::text[], $2::text[]) AS wanted (task, group_id) USING (task, group_id)
"""
_READ_CONTENTS = """
SELECT task, text_sha256 AS name, split FROM dataset_accumulator.contents
JOIN unnest($1::text[], $2::text[]) AS wanted (task, text_sha256) USING (task, text_sha256)
"""
_FIX_GROUPS = """
INSERT INTO dataset_accumulator.groups (task, group_id, split, draw_key)
SELECT *, $4 FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING
"""
_FIX_CONTENTS = """
INSERT INTO dataset_accumulator.contents (task, text_sha256, split)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Placement:
    """`repeated` stands for: on its side, unless another label of its content counts already."""

    split: Split
    withheld: Withheld


@dataclass
class Sides:
    """The split that each group and each content is fixed to, while labels come in.

    `import_splits` are those that imported labels may lie in.
    """

    groups: dict[Key, Split]
    contents: dict[Key, Split]
    key: DrawKey
    import_splits: frozenset[Split]

    def place(self, label: CaseLabel, shares: Shares) -> Placement:
        """Where the label lies; its group and its content are fixed from now on."""
        group, content = (label.task, label.group_id), (label.task, label.text_sha256)
        if (split := self.groups.get(group)) is None:
            split = self.groups[group] = self._draw(label, shares)
        if not self._may_lie(label, split):
            return Placement(split, "held_out")
        on_one_side = self.contents.setdefault(content, split) == split
        return Placement(split, "repeated" if on_one_side else "two_sides")

    def _draw(self, label: CaseLabel, shares: Shares) -> Split:
        fixed = self.contents.get((label.task, label.text_sha256))
        if fixed is not None and self._may_lie(label, fixed):
            return fixed
        return split_of(label.group_id, task=label.task, key=self.key, shares=shares)

    def _may_lie(self, label: CaseLabel, split: Split) -> bool:
        return label.source == "review" or split in self.import_splits


async def read_sides(
    connection: Connection,
    labels: Iterable[CaseLabel],
    *,
    key: DrawKey,
    import_splits: frozenset[Split],
) -> Sides:
    """What is fixed of the groups and contents of these labels."""
    groups = {(label.task, label.group_id) for label in labels}
    contents = {(label.task, label.text_sha256) for label in labels}
    return Sides(
        await _read(connection, _READ_GROUPS, groups),
        await _read(connection, _READ_CONTENTS, contents),
        key,
        import_splits,
    )


async def fix_sides(connection: Connection, sides: Sides) -> None:
    """Record what was fixed since the sides were read."""
    await connection.execute(_FIX_GROUPS, *_rows(sides.groups), sides.key.version)
    await connection.execute(_FIX_CONTENTS, *_rows(sides.contents))


def _rows(fixed: Mapping[Key, Split]) -> tuple[list[str], list[str], list[Split]]:
    return [task for task, _ in fixed], [name for _, name in fixed], list(fixed.values())


async def _read(connection: Connection, query: str, keys: set[Key]) -> dict[Key, Split]:
    tasks, names = [task for task, _ in keys], [name for _, name in keys]
    rows = await connection.fetch(query, tasks, names)
    return {(row["task"], row["name"]): row["split"] for row in rows}
