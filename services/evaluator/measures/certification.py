"""Whether a version may accept at its proposed threshold: confirmed on the test split, or nothing.

The threshold was proposed without the test split, which says yes or no to this one: a version of
which more than is tolerated is wrong is confirmed in at most 5 % of all cases.
"""

from dataclasses import dataclass

from services.evaluator.measures.bootstrap import EvaluatedVersion
from services.evaluator.measures.error_bound import AcceptedError, bound_accepted_error
from services.evaluator.measures.held_out import HeldOut
from services.evaluator.measures.threshold import ACCEPTS_NOTHING


@dataclass(frozen=True)
class Certification:
    """What the held-out cases say of a version at its proposed threshold."""

    proposed: EvaluatedVersion
    found: AcceptedError | None  # none if it accepts none of them
    tolerated: float

    @property
    def confirmed(self) -> bool:
        return self.found is not None and self.found.upper <= self.tolerated

    @property
    def version(self) -> EvaluatedVersion:
        """The version with the threshold that it may serve with, by whomever it is promoted."""
        if self.confirmed:
            return self.proposed
        return EvaluatedVersion(self.proposed.answers, ACCEPTS_NOTHING)


def certify(held_out: HeldOut, proposed: EvaluatedVersion, *, tolerated: float) -> Certification:
    return Certification(proposed, bound_accepted_error(held_out, proposed), tolerated)
