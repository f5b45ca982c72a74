"""The soak in short (`make soak` is the long form): runs killed at random moments, and inputs broken in every way."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.soak import kill_often

from tests.support.command_line import run_desunt
from tests.support.soak_inputs import violations, write_inputs


def test_runs_killed_at_random_moments_lose_and_redo_nothing(tmp_path: Path) -> None:
    found = kill_often(tmp_path, 5, seed=7)
    assert (found.kills, found.redone, found.broken) == (5, 0, [])


def test_broken_inputs_end_themselves_and_odd_ones_are_read(tmp_path: Path) -> None:
    written = write_inputs(tmp_path / "scans", every=5)
    done = run_desunt("run", tmp_path / "scans", "--out", tmp_path / "out", "--model", "ngram", cwd=tmp_path)
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    assert list(violations(written, tmp_path / "out", json.loads(run_desunt("status", tmp_path / "out", "--json", cwd=tmp_path).stdout))) == []
