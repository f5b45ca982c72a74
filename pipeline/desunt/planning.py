"""Plan a run: which pages a source has, the key of each, and what its folder already holds of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from desunt import journal
from desunt.conjecture import Opinion
from desunt.document import Gap, Line, Page, Region, Step, stable_id
from desunt.errors import DesuntError
from desunt.record import (
    PAGE_CONJECTURES_SCHEMA,
    PAGE_SCHEMA,
    PageConjecturesFile,
    PageFile,
    Record,
    from_json,
    sha256_of,
)
from desunt.settings import Settings
from desunt.sources import Source
from desunt.workflow import key_of

NOT_READ = "[PAGE NOT READ]"


@dataclass(frozen=True, slots=True)
class Plan:
    """One document of a run: its source, its pages with the key of each, and why it cannot be read, if so."""

    source: Source
    sha256: str = ""
    keys: tuple[str, ...] = ()
    problem: str = ""


def plan(source: Source, settings: Settings, versions: tuple[tuple[str, str], ...]) -> Plan:
    """Count the pages of a source and give each its key; an unreadable source becomes a plan that says why."""
    from desunt.scan import count_pages

    if source.problem:
        return Plan(source, problem=source.problem)
    try:
        sha256 = sha256_of(source.path)
        pages = 1 if source.kind == "transcript" else count_pages(source.path)
        versions = (*versions, *_beside(source.path, settings), *((("metadata", repr(source.metadata)),) if source.metadata else ()))
    except OSError as error:
        return Plan(source, problem=f"{source.path}: cannot be read: {error.strerror}. Check its permissions")
    except DesuntError as error:
        return Plan(source, sha256, problem=str(error))
    return Plan(source, sha256, tuple(key_of(sha256, source.id, n, settings, versions) for n in range(1, pages + 1)))


def _beside(path: Path, settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return the hashes of the files beside a scan that its reading comes from, if the engine reads such."""
    from desunt.ocr import ReadsBeside, load_engine

    engine = load_engine(settings.engine, settings.lang)
    files = engine.files(path) if isinstance(engine, ReadsBeside) else ()
    return tuple((file.relative_to(path.parent).as_posix(), sha256_of(file)) for file in files)


def read_pages(folder: Path, one: Plan) -> tuple[tuple[PageFile, ...], dict[str, Opinion]]:
    """Read the page files of a document back; a failed page becomes a page that says so."""
    files: list[PageFile] = []
    opinions: dict[str, Opinion] = {}
    for number in range(1, len(one.keys) + 1):
        path = journal.page_path(folder, number)
        if path.exists():
            files.append(from_json(PageFile, path))
            found: PageConjecturesFile = from_json(PageConjecturesFile, journal.page_path(folder, number, ".conjectures"))
            opinions |= found.opinions
        else:
            files.append(unread_page(folder, one, number))
    return tuple(files), opinions


def page_files(record: Record, key: str) -> tuple[PageFile, PageConjecturesFile]:
    """Return a transcript's one page as the journal keeps it."""
    return (
        PageFile(PAGE_SCHEMA, key, record.steps, record.document.pages[0], record.document.notes),
        PageConjecturesFile(PAGE_CONJECTURES_SCHEMA, key, record.steps, dict(record.opinions)),
    )


def unread_page(folder: Path, one: Plan, number: int) -> PageFile:
    """Return a page that stands for one that failed: a gap over all of it, and a note with the reason."""
    failure: journal.FailedFile = from_json(journal.FailedFile, journal.page_path(folder, number, ".failed"))
    gap = Gap(stable_id(one.source.id, one.sha256, number, "page"), None, None, "illegible", mark=NOT_READ, continues=None)
    region = Region(f"p{number}-r1", "unread", None, (Line(stable_id(one.source.id, one.sha256, number, "line"), None, (gap,)),))
    note = f"page {number} was not read: {failure.problem}"
    return PageFile(PAGE_SCHEMA, failure.key, (Step("failed", "1", (("page", str(number)),)),), Page(number, None, (region,)), (note,))
