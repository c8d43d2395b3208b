"""Notes on a review: for its author, for whoever has the final word, and for the lead."""

from services.review_queue import audit
from services.review_queue.access import Actor
from services.review_queue.line import NotFound
from shared.database import Database

_WRITE = """
INSERT INTO review_queue.notes (review_id, author, text)
SELECT $1, $2, $3 WHERE $4 OR EXISTS (
    SELECT FROM review_queue.assignments WHERE review_id = $1 AND reviewer = $2)
RETURNING note_id
"""


class Notes:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def write(self, review_id: str, text: str, *, by: Actor) -> None:
        """Add a note; `NotFound` unless the author has had the case, or may read all."""
        async with self.database.transaction() as connection:
            known = await connection.fetchval(
                "SELECT true FROM review_queue.reviews WHERE review_id = $1", review_id
            )
            written = known and await connection.fetchval(
                _WRITE, review_id, by.name, text, by.may("read_cases")
            )
            if not written:
                raise NotFound("you have no such review")
            await audit.record(connection, by, "noted", review_id)
