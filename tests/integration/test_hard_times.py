"""The soak in short (`make soak` is the long form): runs killed at random moments, and inputs broken in every way."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.soak import killed_often

from tests.support.malformed_more import judged, write

from .conftest import desunt


def test_runs_killed_at_random_moments_lose_and_redo_nothing(tmp_path: Path) -> None:
    found = killed_often(tmp_path, 5, seed=7)
    assert (found.kills, found.redone, found.broken) == (5, 0, [])


def test_broken_inputs_end_themselves_and_odd_ones_are_read(tmp_path: Path) -> None:
    written = write(tmp_path / "scans", every=5)
    done = desunt("run", tmp_path / "scans", "--out", tmp_path / "out", "--model", "ngram", cwd=tmp_path)
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    assert list(judged(written, tmp_path / "out", json.loads(desunt("status", tmp_path / "out", "--json", cwd=tmp_path).stdout))) == []
