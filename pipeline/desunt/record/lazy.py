"""A record whose pages and opinions stay on disk and are read one at a time, so that a thousand pages take no more memory than ten."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast, overload

from desunt.errors import IntegrityError
from desunt.record.atomic import sha256_of
from desunt.record.conjecture import Conjecture, Opinion, Refusal
from desunt.record.document import Page
from desunt.record.files import ConjecturesFile, Record, RecordFile, parse_json, read_json, read_record, with_decisions

# Where a piece of JSON begins in its file, and its length, in bytes.
ByteSpan: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class JsonLayout:
    """How `to_json` writes a list or a table: its first line, its last, and how the first line of an item begins and the last reads.

    A string never holds a line feed, and what stands inside an item stands further to the right: such lines are nothing else.
    """

    first_line: bytes
    last_line: bytes
    item_prefix: bytes
    item_last_lines: tuple[bytes, bytes]


PAGES_LAYOUT = JsonLayout(b'  "pages": [\n', b"  ],\n", b"   {", (b"   },\n", b"   }\n"))
OPINIONS_LAYOUT = JsonLayout(b' "opinions": {\n', b" }\n", b'  "', (b"  },\n", b"  }\n"))


class _PageSequence(Sequence[Page]):
    """Pages that are loaded when they are asked for; the last one is kept."""

    def __init__(self) -> None:
        self._last: tuple[int, Page] | None = None

    def load(self, index: int) -> Page:
        """Return the page at an index, from 0."""
        raise NotImplementedError

    @overload
    def __getitem__(self, index: int) -> Page: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Page, ...]: ...
    def __getitem__(self, index: int | slice) -> Page | tuple[Page, ...]:
        if isinstance(index, slice):
            return tuple(self[n] for n in range(*index.indices(len(self))))
        number = range(len(self))[index]
        if self._last is None or self._last[0] != number:
            self._last = number, self.load(number)
        return self._last[1]


class LazyPages(_PageSequence):
    """The pages of a record, each read from its place in the file."""

    def __init__(self, file: BinaryIO, path: Path, places: list[ByteSpan]) -> None:
        super().__init__()
        self._file, self._path, self._places = file, path, places

    def __len__(self) -> int:
        return len(self._places)

    def load(self, index: int) -> Page:
        start, length = self._places[index]
        self._file.seek(start)
        page: Page = parse_json(Page, self._file.read(length), self._path)
        return page


class LazyOpinions(Mapping[str, Opinion]):
    """The opinions of a record by gap id, each read from its place in the file when it is asked for."""

    def __init__(self, file: BinaryIO, path: Path, places: dict[str, ByteSpan]) -> None:
        self._file, self._path, self._places = file, path, places

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __getitem__(self, gap_id: str) -> Opinion:
        start, length = self._places[gap_id]
        self._file.seek(start)
        opinion: Opinion = parse_json(Conjecture | Refusal, self._file.read(length), self._path)
        return opinion


class MappedPages(_PageSequence):
    """Pages, each with a change made to it."""

    def __init__(self, pages: Sequence[Page], change: Callable[[Page], Page]) -> None:
        super().__init__()
        self._pages, self._change = pages, change

    def __len__(self) -> int:
        return len(self._pages)

    def load(self, index: int) -> Page:
        return self._change(self._pages[index])


def map_pages(pages: Sequence[Page], change: Callable[[Page], Page]) -> tuple[Page, ...]:
    """Return pages with a change made to each: at once if all are in memory, else when they are asked for."""
    if isinstance(pages, tuple):
        return tuple(map(change, pages))
    return cast("tuple[Page, ...]", MappedPages(pages, change))


@contextmanager
def open_record(folder: Path) -> Iterator[Record]:
    """Give a document's record, as `read_record` does, for as long as the block lasts; a file of another layout is read whole.

    Raises what `read_record` raises.
    """
    path, opinions_path = folder / "record.json", folder / "conjectures.json"
    if not (path.is_file() and opinions_path.is_file()):
        yield read_record(folder)
        return
    with path.open("rb") as file, opinions_path.open("rb") as opinions_file:
        skeleton, items = _split_off_items(file, PAGES_LAYOUT)
        if len(items) < 2:
            yield read_record(folder)
            return
        opinions = _lazy_opinions(opinions_file, opinions_path)
        if opinions.record_sha256 != sha256_of(path):
            raise IntegrityError(f"{folder}: conjectures.json is about another record.json", remedy="Run `desunt run --redo` on its scan")
        facts: RecordFile = parse_json(RecordFile, skeleton, path)
        # Whoever goes through the pages sees no difference; a tuple of them is what the type promises to everyone else.
        pages = cast("tuple[Page, ...]", LazyPages(file, path, [place for _, place in items]))
        yield with_decisions(Record(replace(facts.document, pages=pages), opinions.opinions, facts.steps), folder)


def iter_page_dicts(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the pages of a record as plain JSON values, one at a time: for counting, which needs no proof of every field."""
    with (folder / "record.json").open("rb") as file:
        _, items = _split_off_items(file, PAGES_LAYOUT)
        if not items:
            file.seek(0)
            yield from json.load(file)["document"]["pages"]
        for _, (start, length) in items:
            file.seek(start)
            yield json.loads(file.read(length))


def count_pages_without_words(folder: Path) -> int:
    """Count the pages of a record on which no word was read, without making anything of them: a hundred thousand are soon counted.

    Only a word has an engine's confidence, and no text can pass for the key: quotation marks inside a string are escaped.
    """
    has_words: list[bool] = []
    with (folder / "record.json").open("rb") as file:
        for line in file:
            if line == PAGES_LAYOUT.item_prefix + b"\n":
                has_words.append(False)
            elif has_words and b'"engine_confidence":' in line:
                has_words[-1] = True
    return has_words.count(False)


def _lazy_opinions(file: BinaryIO, path: Path) -> ConjecturesFile:
    """Return the file with its opinions left on disk, every one looked at; with all of them if its layout is another."""
    skeleton, items = _split_off_items(file, OPINIONS_LAYOUT)
    if not items:
        return read_json(ConjecturesFile, path)
    rest: ConjecturesFile = parse_json(ConjecturesFile, skeleton, path)
    opinions = LazyOpinions(file, path, {json.loads(first[: first.rindex(b":")]): place for first, place in items})
    # What is broken is told before anything is written.
    for gap_id in opinions:
        opinions[gap_id]
    return replace(rest, opinions=cast("dict[str, Conjecture | Refusal]", opinions))


def _split_off_items(file: BinaryIO, layout: JsonLayout) -> tuple[bytes, list[tuple[bytes, ByteSpan]]]:
    """Return a file without its items, and of each item its first line and its place in the file; no items if the layout is another."""
    skeleton: list[bytes] = []
    items: list[tuple[bytes, ByteSpan]] = []
    offset, start, first, inside = 0, 0, b"", False
    for line in file:
        if not inside:
            skeleton.append(line)
            inside = line == layout.first_line
        elif line == layout.last_line:
            skeleton.append(line)
            inside = False
        elif line in layout.item_last_lines:
            items.append((first, (start, offset + line.index(b"}") + 1 - start)))
            first = b""
        elif not first:
            if not (line.startswith(layout.item_prefix) and line.endswith(b"{\n")):
                return b"", []
            first, start = line, offset + line.rindex(b"{")
        offset += len(line)
    return b"".join(skeleton), items
