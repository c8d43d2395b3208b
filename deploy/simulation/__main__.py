"""Writes a history file: `python -m deploy.simulation --claims 500 --seed 1 --out history.csv`."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.simulation import Drift, determinations, simulated_claims, write_history
from shared.tasks import get_task


def main(
    *,
    out: Annotated[Path, typer.Option(help="The CSV file to write.")],
    claims: Annotated[int, typer.Option(min=0, help="How many; 0 is all of a file.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same claims.")] = 1,
    start: Annotated[int, typer.Option(min=0, help="Number of the first claim.")] = 0,
    bulletin: Annotated[
        list[str] | None, typer.Option(help="Service category that experts deny after a drift.")
    ] = None,
    drift_from: Annotated[int, typer.Option(min=0, help="First claim after the drift.")] = 0,
    from_file: Annotated[
        Path | None, typer.Option(help="Take determinations from the state's file instead.")
    ] = None,
) -> None:
    if from_file:
        written = write_history(
            out, get_task("independent_review"), determinations(from_file, limit=claims, seed=seed)
        )
    else:
        drift = Drift(drift_from, bulletin=frozenset(bulletin)) if bulletin else None
        stream = simulated_claims(seed=seed, count=claims, start=start, drift=drift)
        written = write_history(out, get_task("adjudication"), stream)
    typer.echo(f"{written} cases written to {out}")


if __name__ == "__main__":
    typer.run(main)
