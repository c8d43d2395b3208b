"""The registry: which versions there are and how each was judged. What was noted first stays: a
record that says otherwise is refused, whoever wrote it."""

from collections.abc import Collection

import asyncpg

from services.promoter.state import VersionState
from shared.errors import Conflict
from shared.events import ModelEvaluated
from shared.storage.database import Connection


async def unregistered(connection: Connection, versions: Collection[str]) -> set[str]:
    """Those of the versions that are not registered."""
    rows = await connection.fetch(
        "SELECT version FROM promoter.versions WHERE version = ANY($1::text[])", sorted(versions)
    )
    return set(versions) - {row["version"] for row in rows}


async def is_new(connection: Connection, evaluation: ModelEvaluated) -> bool:
    """Note that the version was compared with this champion; False if that is known. `Conflict` if
    it was judged otherwise then."""
    pair = (evaluation.model.version, evaluation.champion)
    result = await connection.execute(
        "INSERT INTO promoter.evaluations (version, champion, verdict, evaluation) "
        "VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        *pair,
        evaluation.verdict,
        evaluation.model_dump_json(),
    )
    if result == "INSERT 0 1":
        return True
    known = await connection.fetchrow(
        "SELECT verdict, (evaluation ->> 'threshold')::float8 AS threshold "
        "FROM promoter.evaluations WHERE version = $1 AND champion IS NOT DISTINCT FROM $2",
        *pair,
    )
    _refuse_other_judgment(known, evaluation)
    return False


def _refuse_other_judgment(known: asyncpg.Record | None, evaluation: ModelEvaluated) -> None:
    """Of older evaluations the verdict alone is known."""
    if known is None:
        raise AssertionError("rows of evaluations are never deleted")
    if known["verdict"] != evaluation.verdict:
        raise Conflict("was another one against the same champion", field="verdict")
    if known["threshold"] not in (None, evaluation.threshold):
        raise Conflict("was another one against the same champion", field="threshold")


async def refuse_other_model(connection: Connection, evaluation: ModelEvaluated) -> None:
    """`Conflict` if the version is registered as another model than it was evaluated as."""
    known = await connection.fetchval(
        "SELECT evaluation FROM promoter.versions WHERE version = $1", evaluation.model.version
    )
    if known and ModelEvaluated.model_validate_json(known).model != evaluation.model:
        raise Conflict("the version is registered as another model", field="model")


async def register(connection: Connection, evaluation: ModelEvaluated) -> VersionState | None:
    """Note the evaluation; the version's state so far."""
    model = evaluation.model
    known: VersionState | None = await connection.fetchval(
        "SELECT state FROM promoter.versions WHERE version = $1", model.version
    )
    await connection.execute(
        "INSERT INTO promoter.versions (version, task, manifest_sha256, evaluation, evaluated_at) "
        "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (version) DO UPDATE "
        "SET evaluation = excluded.evaluation, evaluated_at = excluded.evaluated_at",
        model.version,
        evaluation.task,
        model.manifest.sha256,
        evaluation.model_dump_json(),
        evaluation.occurred_at,
    )
    return known
