"""The published schemas are those of the types, and what desunt writes is valid under them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from tools.make_schemas import as_bytes, schemas

from desunt.record.conjecture import Decision
from desunt.record.files import FILE_TYPES, RECORD_SCHEMA, write_decisions
from tests.support.records import sample_record, sample_transcript, write_outputs

NAMES = [*FILE_TYPES, "desunt-export-1", "desunt-manifest-1"]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outputs")
    decided = {"g1": Decision("g1", "accepted", "guess", "quondam", "M. Editor", "2024-05-01T10:00:00Z")}
    write_decisions(replace(sample_record(), decisions=decided), folder / "letter")
    write_outputs(sample_record(), folder / "letter", None)
    write_outputs(sample_transcript(), folder / "cable", None)
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_current(root, name):
    path = root / "docs" / "schema" / f"{name}.json"
    assert path.exists(), f"{path} is missing: run `make docs`"
    assert path.read_bytes() == as_bytes(schemas()[name]), f"{path} is not current: run `make docs`"


def test_schemas_are_those_of_the_table(root):
    assert sorted(schemas()) == sorted(NAMES) == sorted(path.stem for path in (root / "docs" / "schema").glob("*.json"))


def test_what_is_written_is_valid(outputs):
    seen = set()
    # A manifest of IIIF has rules of its own: tests/test_iiif.py.
    for path in (path for path in outputs.rglob("*.json") if not path.name.endswith(".manifest.json")):
        content = json.loads(path.read_bytes())
        Draft202012Validator(schemas()[content["schema"]]).validate(content)
        seen.add(content["schema"])
    assert seen == set(NAMES)


def test_schema_refuses_a_candidate_in_a_word(outputs):
    content = json.loads((outputs / "letter" / "record.json").read_bytes())
    word = content["document"]["pages"][0]["regions"][0]["lines"][0]["tokens"][0]
    validator = Draft202012Validator(schemas()[RECORD_SCHEMA])
    assert validator.is_valid(content)
    word["candidates"] = ["quondam"]
    assert not validator.is_valid(content)
