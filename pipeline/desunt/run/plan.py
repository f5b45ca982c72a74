"""Plan a run: which pages a source has, the key of each, and what its folder already holds of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from desunt.errors import DesuntError, UsageError
from desunt.record import folder as journal
from desunt.record.conjecture import Opinion
from desunt.record.document import Gap, Line, Page, Region, Step, stable_id
from desunt.record.files import PAGE_CONJECTURES_SCHEMA, PAGE_SCHEMA, PageConjecturesFile, PageFile, Record, from_json, sha256_of
from desunt.run.inputs.discovery import Source, SourceKind
from desunt.run.workflow import PageTask, Part, key_of
from desunt.settings import Settings

NOT_READ = "[PAGE NOT READ]"


@dataclass(frozen=True, slots=True)
class PlannedPage:
    """A page of a run: its file with its hash, the key of the work, and why its file cannot be read, if so."""

    path: Path
    sha256: str
    key: str
    part: Part | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """One document of a run: its source, its pages, and why it cannot be read, if so; the hash of several files is one over theirs."""

    source: Source
    sha256: str = ""
    pages: tuple[PlannedPage, ...] = ()
    problem: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(page.key for page in self.pages)

    def task(self, number: int, settings: Settings) -> PageTask:
        """Return the work on a page, counted from 1."""
        page = self.pages[number - 1]
        return PageTask(page.path, self.source.id, number, page.sha256, page.key, settings, page.part)

    @property
    def source_file(self) -> journal.SourceFile:
        """Return what `source.json` says."""
        source = self.source
        return journal.SourceFile("desunt-source-1", source.id, str(source.path), self.sha256, len(self.pages), self.problem)


@dataclass(frozen=True, slots=True)
class _File:
    """What is known of a file before it is read: its hash, its pages, and what lies beside it; `problem` is why it cannot be read."""

    path: Path
    sha256: str = ""
    pages: int = 0
    beside: tuple[tuple[str, str], ...] = ()
    problem: str = ""


def plan(source: Source, settings: Settings, versions: tuple[tuple[str, str], ...]) -> Plan:
    """Count the pages of a source and give each its key; an unreadable source becomes a plan that says why."""
    if source.problem:
        return Plan(source, problem=source.problem)
    if source.files:
        return _plan_several(source, settings, versions)
    file = _looked_at(source.path, source.kind, settings)
    if file.problem:
        return Plan(source, file.sha256, problem=file.problem)
    versions = (*versions, *file.beside, *_metadata(source))
    keys = (key_of(file.sha256, source.id, n, settings, versions) for n in range(1, file.pages + 1))
    return Plan(source, file.sha256, tuple(PlannedPage(file.path, file.sha256, key) for key in keys))


def _plan_several(source: Source, settings: Settings, versions: tuple[tuple[str, str], ...]) -> Plan:
    """Plan the pages of one file after another; a file that cannot be read is a page that fails, unless they all are."""
    files = [_looked_at(source.path / name, source.kind, settings) for name in source.files]
    sha256 = sha256_of("".join(f"{file.sha256}\n" for file in files).encode())
    if all(file.problem for file in files):
        others = ". Nor can any other file of the document be read" if len(files) > 1 else ""
        return Plan(source, sha256, problem=files[0].problem + others)
    pages: list[PlannedPage] = []
    copies: Counter[str] = Counter()
    for name, file in zip(source.files, files, strict=True):
        copies[file.sha256] += 1
        for page in range(1, max(1, file.pages) + 1):
            part = Part(name, page, copies[file.sha256])
            # What a page is called, and where it stands, is part of its result: the key knows it.
            about = (*versions, *file.beside, *_metadata(source), ("file", repr((part.name, part.page, part.copy))))
            key = key_of(file.sha256, source.id, len(pages) + 1, settings, about)
            pages.append(PlannedPage(file.path, file.sha256, key, part, file.problem))
    return Plan(source, sha256, tuple(pages))


def _looked_at(path: Path, kind: SourceKind, settings: Settings) -> _File:
    """Hash a file and count its pages."""
    from desunt.scan import count_pages

    sha256 = ""
    try:
        sha256 = sha256_of(path)
        return _File(path, sha256, 1 if kind == "transcript" else count_pages(path), _beside(path, settings))
    except OSError as error:
        return _File(path, problem=f"{path}: cannot be read: {error.strerror}. Check its permissions")
    except DesuntError as error:
        return _File(path, sha256, problem=str(error))


def _metadata(source: Source) -> tuple[tuple[str, str], ...]:
    return (("metadata", repr(source.metadata)),) if source.metadata else ()


def refuse_to_replace(one: Plan, out: Path) -> None:
    """Raise UsageError if the document's folder holds the results of another file of its name that is still there."""
    known = journal.read_source(out / one.source.folder)
    if known is None or one.source.files or not known.sha256 or known.sha256 == one.sha256:
        return
    other = Path(known.source)
    if other.is_file() and other.resolve() != one.source.path.resolve():
        raise UsageError(
            f"{one.source.path}: its results would take the place of those of {other}, which has the same name, {one.source.id}",
            remedy="Give another --out, or one folder that holds both",
        )


def _beside(path: Path, settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return the hashes of the files beside a scan that its reading comes from, if the engine reads such."""
    from desunt.ocr.engines import ReadsBeside, load_engine

    engine = load_engine(settings.engine, settings.lang)
    files = engine.files(path) if isinstance(engine, ReadsBeside) else ()
    return tuple((file.relative_to(path.parent).as_posix(), sha256_of(file)) for file in files)


def read_pages(folder: Path, one: Plan) -> tuple[tuple[PageFile, ...], dict[str, Opinion]]:
    """Read the page files of a document back; a failed page becomes a page that says so."""
    files: list[PageFile] = []
    opinions: dict[str, Opinion] = {}
    for number in range(1, len(one.pages) + 1):
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
    place = (one.source.id, one.pages[number - 1].sha256, number)
    gap = Gap(stable_id(*place, "page"), None, None, "illegible", mark=NOT_READ, continues=None)
    region = Region(f"p{number}-r1", "unread", None, (Line(stable_id(*place, "line"), None, (gap,)),))
    note = f"page {number} was not read: {failure.problem}"
    return PageFile(PAGE_SCHEMA, failure.key, (Step("failed", "1", (("page", str(number)),)),), Page(number, None, (region,)), (note,))
