"""The OpenAPI description of the desk, asked over and over with what it allows and what not: no server error, no undeclared answer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from desunt.record.files import write_record
from desunt.review.app import create_app
from desunt.review.environment import open_environment
from desunt.review.store.types import QueueFilter
from tests.support.records import draw_scan, sample_record

BASE = "http://localhost:8571"
# The long form: DESK_EXAMPLES=200 python -m pytest tests/desk/test_openapi.py
EXAMPLES = int(os.environ.get("DESK_EXAMPLES", "6"))
CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def api(tmp_path_factory: Any) -> Iterator[Any]:
    folder: Path = tmp_path_factory.mktemp("desk")
    write_record(sample_record("letter.tif", draw_scan(folder / "letter.tif", 1)), folder / "outputs" / "letter")
    desk = open_environment(folder / "outputs")
    row = desk.store.queue.page(QueueFilter()).rows[0]
    desk.store.second_readings.assign([row.gap_id], "Ben", "Anna")
    yield schemathesis.openapi.from_asgi("/api/openapi.json", create_app(desk), headers={"host": "localhost"})
    desk.store.close()


def test_no_server_error_and_no_undeclared_answer(api: Any) -> None:
    operations = [operation.ok() for operation in api.get_all_operations()]
    assert len(operations) > 25
    for operation in operations:
        ask(operation)


def ask(operation: Any) -> None:
    """Ask one address what its description allows, and what it does not."""

    @given(case=strategy_of(operation))
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
    def asked(case: Any) -> None:
        case.headers = {**(case.headers or {}), "host": "localhost:8571", "origin": BASE}
        case.cookies = {**(case.cookies or {}), "desk_name": "Anna"}
        case.call_and_validate(checks=CHECKS)

    asked()


def strategy_of(operation: Any) -> Any:
    allowed = operation.as_strategy()
    try:
        refused = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    except Unsatisfiable:  # an address that takes nothing cannot be asked wrongly
        return allowed
    return allowed | refused
