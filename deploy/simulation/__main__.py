"""Writes a history file: `python -m deploy.simulation --claims 500 --seed 1 --out history.csv`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from deploy.simulation import DecidedCase, Drift, determinations, simulated_claims, write_history
from shared.errors import Rejected
from shared.tasks.adjudication import ADJUDICATION
from shared.tasks.independent_review import INDEPENDENT_REVIEW


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
    cases: Iterator[DecidedCase]
    if from_file:
        task, cases = INDEPENDENT_REVIEW, determinations(from_file, limit=claims, seed=seed)
    else:
        drift = Drift(drift_from, bulletin=frozenset(bulletin)) if bulletin else None
        task = ADJUDICATION
        cases = simulated_claims(seed=seed, count=claims, start=start, drift=drift)
    try:
        written = write_history(out, task, cases)
    except (Rejected, OSError) as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{written} cases written to {out}")


if __name__ == "__main__":
    typer.run(main)
