"""A file of JSON lines that a long evaluation can be cut off from and go on with."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from desunt.errors import UsageError


class ResumableFile:
    """JSON lines on disk, each flushed as it is written; without a file, nowhere. With `has_lines` there is something to go on from.

    Raises UsageError if the file holds lines, which are `contents`, and is not to be resumed.
    """

    def __init__(self, path: Path | None, *, resume: bool, contents: str) -> None:
        self.path = path
        self.has_lines = path is not None and path.exists() and path.stat().st_size > 0
        if path is not None and self.has_lines:
            if not resume:
                raise UsageError(f"{path} holds {contents} already", remedy="Go on with them by --resume, or name another file")
            _truncate_cut_line(path)

    def append(self, rows: Iterable[dict[str, Any]]) -> None:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8", newline="\n") as stream:
                stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _truncate_cut_line(path: Path) -> None:
    """Cut off a last line that was not written to its end, so that the next one starts on a line of its own."""
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as stream:
            stream.truncate(whole)
