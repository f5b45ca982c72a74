"""Plan a run: which documents it has, the pages of each, the key of each page, and what a document's folder already holds of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from desunt.errors import DesuntError, InputError, UsageError
from desunt.record.atomic import sha256_of
from desunt.record.conjecture import Opinion
from desunt.record.document import Gap, Line, Metadata, Page, Region, Step, stable_id
from desunt.record.files import PAGE_CONJECTURES_SCHEMA, PAGE_SCHEMA, PageConjecturesFile, PageFile, Record, read_json
from desunt.record.folder import FailedFile, SourceFile, document_ids, page_path, read_source
from desunt.run.cache_key import Versions, cache_key
from desunt.run.inputs.catalogue import DocumentGroup, group_sources
from desunt.run.inputs.discovery import InputSource, Shard, SourceKind, assign_folders, find_sources
from desunt.run.workflow import PageTask, SourcePart
from desunt.settings import Settings

UNREAD_PAGE_MARK = "[PAGE NOT READ]"


@dataclass(frozen=True, slots=True)
class PlannedPage:
    """A page of a run: its file with its hash, the key of the work, and why its file cannot be read, if so."""

    path: Path
    sha256: str
    key: str
    part: SourcePart | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class DocumentPlan:
    """One document of a run: its source, its pages, and why it cannot be read, if so; the hash of several files is one over theirs."""

    source: InputSource
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
    def source_file(self) -> SourceFile:
        """Return what `source.json` says."""
        source = self.source
        return SourceFile("desunt-source-1", source.id, str(source.path), self.sha256, len(self.pages), self.problem)


@dataclass(frozen=True, slots=True)
class InspectedFile:
    """What is known of a file before it is read: hash, pages, and the hashes of what lies beside it; `problem` is why it cannot be read."""

    path: Path
    sha256: str = ""
    pages: int = 0
    sidecar_hashes: Versions = ()
    problem: str = ""


def plan_documents(
    inputs: list[Path], settings: Settings, versions: Versions, *,
    catalogue: Mapping[Path, Metadata], groups: Sequence[DocumentGroup], transcript: Path | None, shard: Shard | None,
) -> list[DocumentPlan]:  # fmt: skip
    """Plan every document that the inputs make, or those of a share of them.

    Raises UsageError for an input that does not exist, a transcript of several scans, and results that would replace another file's.
    """
    sources = group_sources(_find_scans(inputs, settings.out), catalogue, groups)
    if transcript and [source.kind for source in sources] != ["scan"]:
        raise UsageError(
            "--transcript goes with exactly one scan", remedy="Name the one file it transcribes (TIFF or PDF for several pages)"
        )
    sources = assign_folders(sources, document_ids(settings.out))
    if transcript:
        versions = (*versions, ("transcript", sha256_of(transcript)))
    plans = [plan_document(source, settings, versions) for source in sources if shard is None or shard.includes(source)]
    for plan in plans:
        check_not_overwriting(plan, settings.out)
    return plans


def _find_scans(inputs: list[Path], out: Path) -> list[InputSource]:
    from desunt.scan import SUFFIXES

    sources = find_sources(inputs, SUFFIXES, out)
    if not sources:
        raise InputError(f"no scans in {', '.join(map(str, inputs))}", remedy=f"Known kinds: {' '.join(sorted(SUFFIXES))}")
    return sources


def plan_document(source: InputSource, settings: Settings, versions: Versions) -> DocumentPlan:
    """Count the pages of a source and give each its key; an unreadable source becomes a plan that says why."""
    if source.problem:
        return DocumentPlan(source, problem=source.problem)
    if source.files:
        return _plan_several_files(source, settings, versions)
    file = inspect_file(source.path, source.kind, settings)
    if file.problem:
        return DocumentPlan(source, file.sha256, problem=file.problem)
    versions = (*versions, *file.sidecar_hashes, *_metadata_version(source))
    keys = (cache_key(file.sha256, source.id, n, settings, versions) for n in range(1, file.pages + 1))
    return DocumentPlan(source, file.sha256, tuple(PlannedPage(file.path, file.sha256, key) for key in keys))


def _plan_several_files(source: InputSource, settings: Settings, versions: Versions) -> DocumentPlan:
    """Plan the pages of one file after another; a file that cannot be read is a page that fails, unless they all are."""
    files = [inspect_file(source.path / name, source.kind, settings) for name in source.files]
    sha256 = sha256_of("".join(f"{file.sha256}\n" for file in files).encode())
    if all(file.problem for file in files):
        others = ". Nor can any other file of the document be read" if len(files) > 1 else ""
        return DocumentPlan(source, sha256, problem=files[0].problem + others)
    pages: list[PlannedPage] = []
    copies: Counter[str] = Counter()
    for name, file in zip(source.files, files, strict=True):
        copies[file.sha256] += 1
        for page in range(1, max(1, file.pages) + 1):
            part = SourcePart(name, page, copies[file.sha256])
            # What a page is called, and where it stands, is part of its result: the key knows it.
            about = (*versions, *file.sidecar_hashes, *_metadata_version(source), ("file", repr((part.name, part.page, part.copy))))
            key = cache_key(file.sha256, source.id, len(pages) + 1, settings, about)
            pages.append(PlannedPage(file.path, file.sha256, key, part, file.problem))
    return DocumentPlan(source, sha256, tuple(pages))


def inspect_file(path: Path, kind: SourceKind, settings: Settings) -> InspectedFile:
    """Hash a file and count its pages."""
    from desunt.scan import count_pages

    sha256 = ""
    try:
        sha256 = sha256_of(path)
        return InspectedFile(path, sha256, 1 if kind == "transcript" else count_pages(path), _sidecar_hashes(path, settings))
    except OSError as error:
        return InspectedFile(path, problem=f"{path}: cannot be read: {error.strerror}. Check its permissions")
    except DesuntError as error:
        return InspectedFile(path, sha256, problem=str(error))


def _metadata_version(source: InputSource) -> Versions:
    return (("metadata", repr(source.metadata)),) if source.metadata else ()


def check_not_overwriting(plan: DocumentPlan, out: Path) -> None:
    """Raise UsageError if the document's folder holds the results of another file of its name that is still there."""
    source, earlier = plan.source, read_source(out / plan.source.folder)
    if earlier is None or source.files or not earlier.sha256 or earlier.sha256 == plan.sha256:
        return
    other = Path(earlier.source)
    if other.is_file() and other.resolve() != source.path.resolve():
        raise UsageError(
            f"{source.path}: its results would take the place of those of {other}, which has the same name, {source.id}",
            remedy="Give another --out, or one folder that holds both",
        )


def _sidecar_hashes(path: Path, settings: Settings) -> Versions:
    """Return the hashes of the files beside a scan that its reading comes from, if the engine reads such."""
    from desunt.ocr.engines import SidecarEngine, load_engine

    engine = load_engine(settings.engine, settings.lang)
    files = engine.files(path) if isinstance(engine, SidecarEngine) else ()
    return tuple((file.relative_to(path.parent).as_posix(), sha256_of(file)) for file in files)


def load_page_files(folder: Path, plan: DocumentPlan) -> tuple[tuple[PageFile, ...], dict[str, Opinion]]:
    """Read the page files of a document back; a failed page becomes a page that says so."""
    files: list[PageFile] = []
    opinions: dict[str, Opinion] = {}
    for number in range(1, len(plan.pages) + 1):
        path = page_path(folder, number)
        if path.exists():
            files.append(read_json(PageFile, path))
            conjectures: PageConjecturesFile = read_json(PageConjecturesFile, page_path(folder, number, ".conjectures"))
            opinions |= conjectures.opinions
        else:
            files.append(placeholder_page(folder, plan, number))
    return tuple(files), opinions


def transcript_page_files(record: Record, key: str) -> tuple[PageFile, PageConjecturesFile]:
    """Return a transcript's one page as its folder keeps it."""
    return (
        PageFile(PAGE_SCHEMA, key, record.steps, record.document.pages[0], record.document.notes),
        PageConjecturesFile(PAGE_CONJECTURES_SCHEMA, key, record.steps, dict(record.opinions)),
    )


def placeholder_page(folder: Path, plan: DocumentPlan, number: int) -> PageFile:
    """Return a page that stands for one that failed: a gap over all of it, and a note with the reason."""
    failure: FailedFile = read_json(FailedFile, page_path(folder, number, ".failed"))
    id_seed = (plan.source.id, plan.pages[number - 1].sha256, number)
    gap = Gap(stable_id(*id_seed, "page"), None, None, "illegible", mark=UNREAD_PAGE_MARK, continues=None)
    region = Region(f"p{number}-r1", "unread", None, (Line(stable_id(*id_seed, "line"), None, (gap,)),))
    note = f"page {number} was not read: {failure.problem}"
    return PageFile(PAGE_SCHEMA, failure.key, (Step("failed", "1", (("page", str(number)),)),), Page(number, None, (region,)), (note,))
