"""The cable it all began with, through `desunt fill`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.command_line import run_desunt


@pytest.fixture(scope="module")
def cable(root: Path) -> Path:
    return root / "scans" / "harriman-cable-1945-07-03.txt"


@pytest.fixture(scope="module", params=["ngram", pytest.param("embedded", marks=pytest.mark.slow)])
def model(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_source_comes_back_and_the_apparatus_follows(cable: Path, model: str, offline: str, tmp_path: Path) -> None:
    done = run_desunt("fill", cable, "--model", model, cwd=tmp_path, PYTHONPATH=offline)
    assert done.returncode == 0, done.stderr
    source = cable.read_text("utf-8")
    assert done.stdout.startswith(source)
    apparatus = done.stdout.removeprefix(source)
    assert apparatus.count("detailed arrangements") >= 1
    assert len(re.findall(r"length unknown", apparatus)) >= 4


def test_four_gaps_each_with_candidates(cable: Path, model: str, tmp_path: Path) -> None:
    answer = json.loads(run_desunt("fill", cable, "--model", model, "--json", cwd=tmp_path).stdout)
    assert answer["source"] == cable.read_text("utf-8")
    assert len(answer["gaps"]) == 4
    for gap in answer["gaps"]:
        assert len(gap["candidates"]) >= 5
        assert abs(gap["none_of_these"] + sum(c["probability"] for c in gap["candidates"]) - 1) < 0.01
        assert answer["source"][slice(*gap["place"]["span"])] == "[ILLEGIBLE]"


def test_single_gaps_one_line_in_one_line_out(tmp_path: Path) -> None:
    lines = [
        {"id": "a", "before": "The Ambassador ", "after": " that the treaty had been signed.", "extent": None, "engine_reading": None},
        {
            "id": "b",
            "before": "The United States ",
            "after": " has no objection.",
            "extent": {"unit": "character", "least": 9, "most": 11},
            "engine_reading": "Govemment",
            "channel": "ink",
        },
    ]
    (tmp_path / "gaps.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    done = run_desunt("fill", "--gaps", tmp_path / "gaps.jsonl", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["id"] for line in found] == ["a", "b"]
    assert found[1]["candidates"][0]["text"] == "Government"
    assert all(set(line) == {"id", "candidates", "none_of_these", "refusal"} for line in found)
