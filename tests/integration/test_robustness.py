"""The soak in short (`make soak` is the long form): runs killed at random moments, and inputs broken in every way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.soak import kill_often

from tests.support.command_line import run_desunt
from tests.support.soak_inputs import violations, write_inputs


@pytest.mark.parametrize("kills", [2, pytest.param(5, marks=pytest.mark.slow)])
def test_runs_killed_at_random_moments_lose_and_redo_nothing(kills: int, tmp_path: Path) -> None:
    soak = kill_often(tmp_path, kills, seed=7)
    assert (soak.kills, soak.redone, soak.broken) == (kills, 0, [])


@pytest.mark.parametrize("every", [30, pytest.param(5, marks=pytest.mark.slow)])
def test_broken_inputs_end_themselves_and_odd_ones_are_read(every: int, tmp_path: Path) -> None:
    inputs = write_inputs(tmp_path / "scans", every=every)
    done = run_desunt("run", tmp_path / "scans", "--out", tmp_path / "out", "--model", "ngram", cwd=tmp_path)
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    statuses = json.loads(run_desunt("status", tmp_path / "out", "--json", cwd=tmp_path).stdout)
    assert list(violations(inputs, tmp_path / "out", statuses)) == []
