"""A record whose pages stay on disk and are read one at a time, so that a thousand pages take no more memory than ten."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, cast, overload

from desunt.document import Page
from desunt.errors import WallBroken
from desunt.record import ConjecturesFile, Record, RecordFile, adapter, from_json, read_record, sha256_of, with_decisions

# How `to_json` writes the list of pages and each page in it; a string never holds a line feed, so that such lines are nothing else.
PAGES, PAGE, PAGE_ENDS, PAGES_END = b'  "pages": [\n', b"   {\n", (b"   },\n", b"   }\n"), b"  ],\n"


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

    def __init__(self, file: BinaryIO, places: list[tuple[int, int]]) -> None:
        super().__init__()
        self._file, self._places = file, places

    def __len__(self) -> int:
        return len(self._places)

    def made(self, place: int) -> Page:
        start, length = self._places[place]
        self._file.seek(start)
        page: Page = adapter(Page).validate_json(self._file.read(length), strict=True)
        return page


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
    path = folder / "record.json"
    if not path.is_file():
        yield read_record(folder)
        return
    with path.open("rb") as file:
        shell, places = _split(file)
        if len(places) < 2:
            yield read_record(folder)
            return
        opinions: ConjecturesFile = from_json(ConjecturesFile, folder / "conjectures.json")
        if opinions.record_sha256 != sha256_of(path):
            raise WallBroken(f"{folder}: conjectures.json is about another record.json", remedy="Run `desunt run --redo` on its scan")
        facts: RecordFile = adapter(RecordFile).validate_json(shell, strict=True)
        # Whoever goes through the pages sees no difference; a tuple of them is what the type promises to everyone else.
        pages = cast("tuple[Page, ...]", StoredPages(file, places))
        yield with_decisions(Record(replace(facts.document, pages=pages), opinions.opinions, facts.steps), folder)


def _split(file: BinaryIO) -> tuple[bytes, list[tuple[int, int]]]:
    """Return a record's file without its pages, and where in the file each page stands; no places if the layout is another."""
    shell: list[bytes] = []
    places: list[tuple[int, int]] = []
    at, start, inside = 0, 0, False
    for line in file:
        if not inside:
            shell.append(line)
            inside = line == PAGES
        elif line == PAGES_END:
            shell.append(line)
            inside = False
        elif line == PAGE:
            start = at
        elif line in PAGE_ENDS:
            places.append((start, at + line.index(b"}") + 1 - start))
        at += len(line)
    return b"".join(shell), places
