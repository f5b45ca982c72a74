"""A record whose pages and opinions stay on disk and are read one at a time, so that a thousand pages take no more memory than ten."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, cast, overload

from desunt.errors import WallBroken
from desunt.record.conjecture import Conjecture, Opinion, Refusal
from desunt.record.document import Page
from desunt.record.files import ConjecturesFile, Record, RecordFile, from_json, parsed, read_record, sha256_of, with_decisions


@dataclass(frozen=True, slots=True)
class Layout:
    """How `to_json` writes a list or a table: its first line, its last, and how the first line of an item begins and the last reads.

    A string never holds a line feed, and what stands inside an item stands further to the right: such lines are nothing else.
    """

    opens: bytes
    closes: bytes
    item: bytes
    ends: tuple[bytes, bytes]


PAGES = Layout(b'  "pages": [\n', b"  ],\n", b"   {", (b"   },\n", b"   }\n"))
OPINIONS = Layout(b' "opinions": {\n', b" }\n", b'  "', (b"  },\n", b"  }\n"))


class LazyPages(Sequence[Page]):
    """Pages that are made when they are asked for; the last one made is kept."""

    def __init__(self) -> None:
        self._last: tuple[int, Page] | None = None

    def made(self, place: int) -> Page:
        """Make the page at a place, from 0."""
        raise NotImplementedError

    @overload
    def __getitem__(self, index: int) -> Page: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Page, ...]: ...
    def __getitem__(self, index: int | slice) -> Page | tuple[Page, ...]:
        if isinstance(index, slice):
            return tuple(self[n] for n in range(*index.indices(len(self))))
        place = range(len(self))[index]
        if self._last is None or self._last[0] != place:
            self._last = place, self.made(place)
        return self._last[1]


class StoredPages(LazyPages):
    """The pages of a record, each read from its place in the file."""

    def __init__(self, file: BinaryIO, path: Path, places: list[tuple[int, int]]) -> None:
        super().__init__()
        self._file, self._path, self._places = file, path, places

    def __len__(self) -> int:
        return len(self._places)

    def made(self, place: int) -> Page:
        start, length = self._places[place]
        self._file.seek(start)
        page: Page = parsed(Page, self._file.read(length), self._path)
        return page


class StoredOpinions(Mapping[str, Opinion]):
    """The opinions of a record by gap id, each read from its place in the file when it is asked for."""

    def __init__(self, file: BinaryIO, path: Path, places: dict[str, tuple[int, int]]) -> None:
        self._file, self._path, self._places = file, path, places

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __getitem__(self, gap_id: str) -> Opinion:
        start, length = self._places[gap_id]
        self._file.seek(start)
        opinion: Opinion = parsed(Conjecture | Refusal, self._file.read(length), self._path)
        return opinion


class ChangedPages(LazyPages):
    """Pages, each with a change made to it."""

    def __init__(self, pages: Sequence[Page], change: Callable[[Page], Page]) -> None:
        super().__init__()
        self._pages, self._change = pages, change

    def __len__(self) -> int:
        return len(self._pages)

    def made(self, place: int) -> Page:
        return self._change(self._pages[place])


def changed_pages(pages: Sequence[Page], change: Callable[[Page], Page]) -> tuple[Page, ...]:
    """Return pages with a change made to each: at once if all are in memory, else when they are asked for."""
    if isinstance(pages, tuple):
        return tuple(map(change, pages))
    return cast("tuple[Page, ...]", ChangedPages(pages, change))


@contextmanager
def stored_record(folder: Path) -> Iterator[Record]:
    """Give a document's record, as `read_record` does, for as long as the block lasts; a file of another layout is read whole.

    Raises what `read_record` raises.
    """
    path, about = folder / "record.json", folder / "conjectures.json"
    if not (path.is_file() and about.is_file()):
        yield read_record(folder)
        return
    with path.open("rb") as file, about.open("rb") as opinions_file:
        shell, items = _split(file, PAGES)
        if len(items) < 2:
            yield read_record(folder)
            return
        opinions = _opinions(opinions_file, about)
        if opinions.record_sha256 != sha256_of(path):
            raise WallBroken(f"{folder}: conjectures.json is about another record.json", remedy="Run `desunt run --redo` on its scan")
        facts: RecordFile = parsed(RecordFile, shell, path)
        # Whoever goes through the pages sees no difference; a tuple of them is what the type promises to everyone else.
        pages = cast("tuple[Page, ...]", StoredPages(file, path, [place for _, place in items]))
        yield with_decisions(Record(replace(facts.document, pages=pages), opinions.opinions, facts.steps), folder)


def page_values(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the pages of a record as plain JSON values, one at a time: for counting, which needs no proof of every field."""
    with (folder / "record.json").open("rb") as file:
        _, items = _split(file, PAGES)
        if not items:
            file.seek(0)
            yield from json.load(file)["document"]["pages"]
        for _, (start, length) in items:
            file.seek(start)
            yield json.loads(file.read(length))


def pages_without_words(folder: Path) -> int:
    """Count the pages of a record on which no word was read, without making anything of them: a hundred thousand are soon counted.

    Only a word has an engine's confidence, and no text can pass for the key: quotation marks inside a string are escaped.
    """
    with_words: list[bool] = []
    with (folder / "record.json").open("rb") as file:
        for line in file:
            if line == PAGES.item + b"\n":
                with_words.append(False)
            elif with_words and b'"engine_confidence":' in line:
                with_words[-1] = True
    return with_words.count(False)


def _opinions(file: BinaryIO, path: Path) -> ConjecturesFile:
    """Return the file with its opinions left on disk, every one looked at; with all of them if its layout is another."""
    shell, items = _split(file, OPINIONS)
    if not items:
        whole: ConjecturesFile = from_json(ConjecturesFile, path)
        return whole
    rest: ConjecturesFile = parsed(ConjecturesFile, shell, path)
    stored = StoredOpinions(file, path, {json.loads(first[: first.rindex(b":")]): place for first, place in items})
    # What is broken is told before anything is written.
    for gap_id in stored:
        stored[gap_id]
    return replace(rest, opinions=cast("dict[str, Conjecture | Refusal]", stored))


def _split(file: BinaryIO, layout: Layout) -> tuple[bytes, list[tuple[bytes, tuple[int, int]]]]:
    """Return a file without its items, and of each item its first line and its place in the file; no items if the layout is another."""
    shell: list[bytes] = []
    items: list[tuple[bytes, tuple[int, int]]] = []
    at, start, first, inside = 0, 0, b"", False
    for line in file:
        if not inside:
            shell.append(line)
            inside = line == layout.opens
        elif line == layout.closes:
            shell.append(line)
            inside = False
        elif line in layout.ends:
            items.append((first, (start, at + line.index(b"}") + 1 - start)))
            first = b""
        elif not first:
            if not (line.startswith(layout.item) and line.endswith(b"{\n")):
                return b"", []
            first, start = line, at + line.rindex(b"{")
        at += len(line)
    return b"".join(shell), items
