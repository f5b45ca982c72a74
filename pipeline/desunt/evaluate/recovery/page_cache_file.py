"""What `desunt evaluate recovery` found out, on disk: a line as soon as a page is read or asked about, to go on from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from desunt.errors import InputError
from desunt.evaluate.resumable_file import ResumableFile
from desunt.record.document import Page
from desunt.record.files import parse_json, type_adapter


@dataclass(frozen=True, slots=True)
class ReadPage:
    """One image as desunt read it, without conjectures, and the text of plain Tesseract."""

    pages: tuple[Page, ...]
    plain: str


@dataclass(frozen=True, slots=True)
class ProposedCandidates:
    """What one system proposed for the gaps of one image: texts by the gap's id, the best first."""

    candidates: dict[str, tuple[str, ...]]


# What the kinds of entries are called in the file.
ENTRY_KINDS: dict[type, str] = {ReadPage: "ReadPage", ProposedCandidates: "Proposed"}
Entry = TypeVar("Entry", ReadPage, ProposedCandidates)


class PageCacheFile(ResumableFile):
    """What was found out about pages, by kind, page and key.

    A key is a hash of all that an entry depends on: an entry of another key is left where it is, and done anew.
    """

    def __init__(self, path: Path | None, *, resume: bool) -> None:
        super().__init__(path, resume=resume, contents="pages")
        self._entries: dict[tuple[str, str, str], Any] = {}
        if path is not None and self.has_lines:
            for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
                self._parse(line, number)

    def _parse(self, line: bytes, number: int) -> None:
        try:
            row = json.loads(line)
            self._entries[row["kind"], row["page"], row["key"]] = row["found"]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{self.path}, line {number}: no line of this command ({error})", remedy="Name another file") from None

    def find(self, kind: type[Entry], page: str, key: str) -> Entry | None:
        """Return what an entry holds, None if there is no such entry; raises IntegrityError if it was changed by hand."""
        content = self._entries.get((ENTRY_KINDS[kind], page, key))
        if content is None:
            return None
        entry: Entry = parse_json(kind, json.dumps(content).encode(), self.path or Path(page))
        return entry

    def add(self, page: str, key: str, entry: Entry) -> Entry:
        """Write an entry and return it."""
        kind: type = type(entry)
        content = type_adapter(kind).dump_python(entry, mode="json")
        self._entries[ENTRY_KINDS[kind], page, key] = content
        self.append([{"kind": ENTRY_KINDS[kind], "page": page, "key": key, "found": content}])
        return entry
