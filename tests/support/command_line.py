"""The command `desunt` as a process of its own, and what it wrote."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FinishedRun:
    """A folder of scans, the results, and how the command ended."""

    scans: Path
    out: Path
    model: str
    code: int
    log: str


def run_desunt(*arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "desunt", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False, env=os.environ | environment)


def output_bytes(out: Path) -> dict[str, bytes]:
    """Return the results of all documents; the index of `desunt status` and the report, which tells times, are none."""
    files = (p for p in sorted(out.rglob("*")) if p.is_file() and p.parent != out)
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in files}
