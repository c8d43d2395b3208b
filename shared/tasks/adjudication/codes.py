"""The codes of a claim, by the shape that each code set gives them, and written in one way.

Whether a code exists is not asked here: one that nobody knows is taken, and the edits say so.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from shared.tasks.fields import visible

ProcedureKind = Literal["CPT", "HCPCS", "revenue", "ICD-10-PCS"]

# ICD-10-CM. The second character is a digit, except in the chapter QA of 2026 (QA0.0149).
_DIAGNOSIS = re.compile(r"([A-Z][0-9]|QA)[0-9A-Z](\.[0-9A-Z]{1,4})?")
_PROCEDURES: dict[ProcedureKind, re.Pattern[str]] = {
    # Five digits; or four and A (vaccine), F (category II), T (III), U (PLA) or M (MAAA).
    "CPT": re.compile(r"[0-9]{4}[0-9AFMTU]"),
    "HCPCS": re.compile(r"[A-Z][0-9]{4}"),  # level II, and the local codes from W on
    # UB-04. With its leading zero, or it could be a CPT code that lost one.
    "revenue": re.compile(r"0[0-9]{3}|(100|210|310)[0-9]"),
    # Seven characters without I and O. Digits only where no CPT code with a modifier is meant.
    "ICD-10-PCS": re.compile(r"(?=0|.*[A-Z])[0-9B-DF-HX][0-9A-HJ-NP-Z]{6}"),
}
# Not behind a space: 97110 X3 is three units for some, and a modifier for others.
_MODIFIED = re.compile(r"(?:HC:)?([^-:]+)((?:[-:][0-9A-Z]{2}){0,4})")
_NPI = re.compile(r"[0-9]{10}")


def procedure_kind(code: str) -> ProcedureKind | None:
    """The code set of a procedure code by its shape; None if no set writes codes like that."""
    bare = without_modifiers(code)
    return next((kind for kind, shape in _PROCEDURES.items() if shape.fullmatch(bare)), None)


def without_modifiers(code: str) -> str:
    return code.split("-")[0]


def modifiers(code: str) -> tuple[str, ...]:
    """The modifiers of a procedure code, such as 59 and GP of 97110-59-GP."""
    return tuple(code.split("-")[1:])


def _diagnosis_code(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    code = visible(value).upper()
    if len(code) > 3 and "." not in code:
        code = f"{code[:3]}.{code[3:]}"
    if not _DIAGNOSIS.fullmatch(code):
        raise PydanticCustomError("diagnosis_code", "is not written as an ICD-10-CM code (M54.50)")
    return code


def _procedure_code(value: Any) -> Any:
    """97110:59 and HC:97110:59 are 97110-59. Only CPT and HCPCS codes have modifiers."""
    if not isinstance(value, str):
        return value
    written = _MODIFIED.fullmatch(visible(value).upper())
    bare = written[1] if written else ""
    more = re.split("[-:]", written[2])[1:] if written else []
    kind = procedure_kind(bare)
    if kind is None or (more and kind not in ("CPT", "HCPCS")):
        raise PydanticCustomError(
            "procedure_code",
            "is not written as a CPT or HCPCS code (97110, 97110-59, G0438), a revenue code of "
            "four digits (0450) or an ICD-10-PCS code (0DTJ4ZZ)",
        )
    return "-".join((bare, *more))


def _npi(value: Any) -> Any:
    if isinstance(value, str) and not _NPI.fullmatch(value.strip()):
        raise PydanticCustomError("provider_npi", "must be ten digits")
    return value.strip() if isinstance(value, str) else value


DiagnosisCode = Annotated[str, BeforeValidator(_diagnosis_code)]
ProcedureCode = Annotated[str, BeforeValidator(_procedure_code)]
Npi = Annotated[str, BeforeValidator(_npi)]
