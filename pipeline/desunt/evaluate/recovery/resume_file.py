"""What `desunt evaluate recovery` found out, on disk: a line as soon as a page is read or asked about, to go on from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from desunt.errors import InputError, UsageError
from desunt.evaluate.conjectures.answers import drop_cut_line
from desunt.record.document import Page
from desunt.record.files import adapter, parsed


@dataclass(frozen=True, slots=True)
class ReadPage:
    """One image as desunt read it, without conjectures, and the text of plain Tesseract."""

    pages: tuple[Page, ...]
    plain: str


@dataclass(frozen=True, slots=True)
class Proposed:
    """What one asker proposed for the gaps of one image: texts by the gap's id, the best first."""

    candidates: dict[str, tuple[str, ...]]


Line = TypeVar("Line", ReadPage, Proposed)


class PageLines:
    """Lines by kind, page and key, each flushed as it is written; without a file, in memory alone.

    A key is a hash of all that a line depends on: a line of another key is left where it is, and done anew.
    """

    def __init__(self, path: Path | None, *, resume: bool) -> None:
        self.path = path
        self._known: dict[tuple[str, str, str], Any] = {}
        if path is None or not path.exists() or not path.stat().st_size:
            return
        if not resume:
            raise UsageError(f"{path} holds pages already", remedy="Go on with them by --resume, or name another file")
        drop_cut_line(path)
        for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
            self._keep(line, number)

    def _keep(self, line: bytes, number: int) -> None:
        try:
            row = json.loads(line)
            self._known[row["kind"], row["page"], row["key"]] = row["found"]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{self.path}, line {number}: no line of this command ({error})", remedy="Name another file") from None

    def find(self, kind: type[Line], page: str, key: str) -> Line | None:
        """Return what a line holds, None if there is no such line; raises WallBroken if it was changed by hand."""
        found = self._known.get((kind.__name__, page, key))
        if found is None:
            return None
        value: Line = parsed(kind, json.dumps(found).encode(), self.path or Path(page))
        return value

    def add(self, page: str, key: str, value: Line) -> Line:
        """Write a line and return what it holds."""
        kind: type = type(value)
        found = adapter(kind).dump_python(value, mode="json")
        self._known[kind.__name__, page, key] = found
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8", newline="\n") as stream:
                stream.write(json.dumps({"kind": kind.__name__, "page": page, "key": key, "found": found}, ensure_ascii=False) + "\n")
        return value
