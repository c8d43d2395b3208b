"""An evaluation stands only if object storage holds a report that judges alike."""

from typing import Any

import pytest

from shared.errors import Conflict, NotFound, Rejected
from shared.events import ModelEvaluated
from shared.settings import EngineSettings
from shared.storage.artifacts import Artifacts
from shared.storage.evaluation_reports import refuse_unreported
from tests.connected.behavior.consumers import CONSUMERS, PAGE, report_of

_VERSION = "adjudication-v9"


def evaluated() -> ModelEvaluated:
    promoter = next(each for each in CONSUMERS if each.service == "promoter")
    event = promoter.event(_VERSION)
    assert isinstance(event, ModelEvaluated)
    return event


@pytest.fixture
def artifacts(settings: EngineSettings) -> Artifacts:
    """With the report of that evaluation."""
    found = Artifacts(settings)
    found.put(evaluated().report_json.uri, report_of(evaluated()))
    found.put(evaluated().report_html.uri, PAGE)
    return found


def test_what_its_report_says_stands(artifacts: Artifacts) -> None:
    refuse_unreported(artifacts, evaluated())


@pytest.mark.parametrize(
    ("forged", "error", "says"),
    [
        ({"verdict": "PASS"}, Conflict, "judges otherwise"),
        ({"threshold": 0.5}, Conflict, "judges otherwise"),
        ({"champion": "adjudication-v8"}, Conflict, "not where such a file lies"),
        ({"report_json": {"sha256": "f" * 64}}, Conflict, "not where such a file lies"),
        ({"report_html": {"sha256": "f" * 64}}, NotFound, "report_html: object storage holds no"),
        ({"model": {"temperature": 9.0}}, Conflict, "judges otherwise"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_its_report_does_not_say_is_refused(
    artifacts: Artifacts, forged: dict[str, Any], error: type[Rejected], says: str
) -> None:
    [(field, value)] = forged.items()
    if isinstance(value, dict):
        value = getattr(evaluated(), field).model_copy(update=value)
    with pytest.raises(error, match=says):
        refuse_unreported(artifacts, evaluated().model_copy(update={field: value}))


def test_a_file_of_another_kind_is_no_report(artifacts: Artifacts) -> None:
    genuine = evaluated()
    place = genuine.report_json.uri.rpartition("-")[0]
    other = artifacts.put("s3://reports/elsewhere.json", b"{}")
    there = artifacts.put(f"{place}-{other.sha256[:12]}.json", b"{}")
    page = artifacts.put(there.uri.replace(".json", ".html"), PAGE)
    forged = genuine.model_copy(update={"report_json": there, "report_html": page})
    with pytest.raises(Conflict, match="is no report"):
        refuse_unreported(artifacts, forged)
