"""Where a model of a version may lie, by what its event says."""

import pytest

from shared.storage.model_registry import is_place_of, model_uri
from tests.support.builders.events import reference, trained


def test_each_upload_has_a_place_of_its_version() -> None:
    model = trained("adjudication-v1.7")
    uri = f"{model_uri(model.task, model.version)}/manifest.json"
    assert is_place_of(model.model_copy(update={"manifest": reference(uri)}))


@pytest.mark.parametrize(
    "place",
    [
        "adjudication/adjudication-v1.8-0123abcd",
        "adjudication/adjudication-v1.7-x/../y",
        "adjudication/adjudication-v1.7-0123abcd/..",
        "adjudication/adjudication-v1.7",
        "other/adjudication-v1.7-0123abcd",
    ],
)
def test_no_other_place_is_one(place: str) -> None:
    model = trained("adjudication-v1.7", manifest=reference(f"s3://models/{place}/manifest.json"))
    assert not is_place_of(model)
