"""Notes on a review: for their author, for whoever has the final word, and for the lead."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.review_queue.people import audit
from shared.auth.principal import Person
from shared.errors import NotFound
from shared.storage.database import Database

_INSERT = """
INSERT INTO review_queue.notes (review_id, author, text)
SELECT $1, $2, $3 WHERE $4 OR EXISTS (
    SELECT FROM review_queue.assignments WHERE review_id = $1 AND reviewer = $2)
RETURNING note_id
"""
_SELECT = """
SELECT text, written_at, author = $2 AS own FROM review_queue.notes
WHERE review_id = $1 AND ($3 OR author = $2) ORDER BY note_id
"""


@dataclass(frozen=True)
class WrittenNote:
    """A note as the reviewer reads it: what counts is what it says, not who wrote it."""

    text: str
    written_at: datetime
    own: bool


class Notes:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def write(self, review_id: str, text: str, *, by: Person) -> None:
        """Add a note; `NotFound` unless the author has had the case, or may read all."""
        async with self.database.transaction() as connection:
            known = await connection.fetchval(
                "SELECT true FROM review_queue.reviews WHERE review_id = $1", review_id
            )
            written = known and await connection.fetchval(
                _INSERT, review_id, by.name, text, by.may("read_cases")
            )
            if not written:
                raise NotFound("you have no such review")
            await audit.record(connection, by, "noted", review_id)

    async def read(self, review_id: str, *, by: Person, all_of_them: bool) -> Sequence[WrittenNote]:
        """The reader's own notes, or everybody's, the oldest first."""
        async with self.database.transaction() as connection:
            rows = await connection.fetch(_SELECT, review_id, by.name, all_of_them)
        return [WrittenNote(**row) for row in rows]
