"""The whole way of a document, on one screen: scan, cleanup, OCR, gaps, conjectures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from desunt.__version__ import __version__
from desunt.record.conjecture import Opinion
from desunt.record.document import Document, Page, Step, Word
from desunt.record.files import PAGE_CONJECTURES_SCHEMA, PAGE_SCHEMA, PageConjecturesFile, PageFile, Record
from desunt.settings import Settings
from desunt.transcript import gap_contexts

if TYPE_CHECKING:
    from desunt.lm import GapModel
    from desunt.lm.lexicon import Lexicon


# Gaps for other reasons (withheld, blank, struck out, handwriting) are located and labelled, and never filled.
FILLABLE_REASONS = frozenset({"illegible", "damaged", "low-confidence"})


@dataclass(frozen=True, slots=True)
class SourcePart:
    """Where a page of a document of several files stands: the file's name and the page's number in it, from 1.

    `copy` is 2 for a file that has the same bytes as one before it in the document, and so on.
    """

    name: str
    page: int
    copy: int = 1


@dataclass(frozen=True, slots=True)
class PageTask:
    """One page to work on: a file, the document it belongs to, its number there from 1, the file's hash, and the key of the work.

    `part` is None where the document is the file.
    """

    path: Path
    document_id: str
    number: int
    sha256: str
    key: str
    settings: Settings
    part: SourcePart | None = None

    @property
    def file_name(self) -> str:
        """Return the file's name, as the record has it."""
        return self.part.name if self.part else self.document_id

    @property
    def page_in_file(self) -> int:
        """Return the page's number in its file."""
        return self.part.page if self.part else self.number

    @property
    def id_seed(self) -> str:
        """Return what the ids of words and gaps begin with: two blank pages of the same bytes must not share them."""
        return f"{self.document_id}\x1f{self.part.copy}" if self.part and self.part.copy > 1 else self.document_id


@dataclass(frozen=True, slots=True)
class PageResult:
    """What one page gave: facts and opinions, for two files."""

    facts: PageFile
    opinions: PageConjecturesFile


def work_page(task: PageTask) -> PageResult:
    """Do all the work on one page; runs in a worker and writes nothing."""
    page, steps = read_page(task)
    document = Document(task.document_id, str(task.path), (), (page,))
    opinions, restore_steps = conjecture_gaps(document, task.settings)
    return _page_result(task, page, (*steps, *restore_steps), opinions)


def read_page(task: PageTask) -> tuple[Page, tuple[Step, ...]]:
    """Read one page: pixels, the words that stand on it, and what was not read."""
    from desunt import scan
    from desunt.gaps import find_gaps
    from desunt.ocr.read_page import read_page as recognize_page

    settings = task.settings
    limits = {"max_pixels": settings.max_pixels, "pdf_dpi": settings.pdf_dpi}
    scanned = scan.read_page(task.path, task.page_in_file, name=task.file_name, sha256=task.sha256, **limits)
    reading = recognize_page(scanned, task.path, task.page_in_file, number=task.number, settings=settings, lexicon=cached_lexicon(settings))
    read = reading.threshold_read if settings.read is None else settings.read
    page = find_gaps(reading, document_id=task.id_seed, number=task.number, vouch=settings.vouch, read=read)
    steps = (
        Step("scan", __version__, tuple((name, str(value)) for name, value in limits.items())),
        *reading.steps,
        Step("gaps", __version__, (("vouch", str(settings.vouch)), ("read", str(read)))),
        *((reading.second_step,) if reading.second_step else ()),
    )
    return page, steps


def read_pages(path: Path, settings: Settings) -> tuple[Page, ...]:
    """Read every page of one file without conjectures: what `desunt evaluate ocr` measures."""
    from desunt.scan import count_pages

    tasks = (PageTask(path, path.name, n, "", "", settings) for n in range(1, count_pages(path) + 1))
    return tuple(read_page(task)[0] for task in tasks)


def conjecture_gaps(document: Document, settings: Settings) -> tuple[dict[str, Opinion], tuple[Step, ...]]:
    """Ask for every gap of the document, page by page; without gaps no model is loaded."""
    if not document.gaps:
        return {}, ()
    from desunt.restore import GapQuery, restore

    model, lexicon, contexts_by_gap = cached_gap_model(settings), cached_lexicon(settings), gap_contexts(document)
    opinions: dict[str, Opinion] = {}
    for page in document.pages:
        queries = [GapQuery(gap, *contexts_by_gap[gap.id]) for gap in page.gaps if gap.reason in FILLABLE_REASONS]
        names = likely_names(page, settings.vouch)
        page_opinions = restore(queries, model, lexicon=lexicon, names=names, limit=settings.candidates)
        opinions |= {opinion.gap_id: opinion for opinion in page_opinions}
    parameters = (("model", model.ref.name), ("revision", model.ref.revision), ("sha256", model.ref.sha256))
    return opinions, (Step("restore", __version__, parameters),)


def likely_names(page: Page, vouch: float) -> frozenset[str]:
    """Return the vouched-for words of the page that begin with a capital: likely names, to compete in its gaps."""
    words = (token for line in page.lines for token in line.tokens if isinstance(token, Word) and token.text[0].isupper())
    return frozenset(w.text.strip(".,;:()[]\"'") for w in words if w.legibility is None or w.legibility >= vouch) - {""}


@dataclass(frozen=True, slots=True)
class AlignTask:
    """A transcript and the pages of its scan, read but not yet asked about."""

    transcript: Document
    pages: tuple[PageFile, ...]
    document_id: str
    source: str
    settings: Settings


def work_alignment(task: AlignTask) -> Record:
    """Align the transcript with its scan and ask for its gaps; runs in a worker and writes nothing."""
    from desunt.transcript.alignment import align

    document = align(task.transcript, tuple(file.page for file in task.pages), document_id=task.document_id, source=task.source)
    return fill_gaps(document, merge_steps(task.pages), task.settings)


def work_transcript(document: Document, settings: Settings) -> Record:
    """Ask for the gaps of a transcript that has no scan."""
    return fill_gaps(document, (), settings)


def fill_gaps(document: Document, steps: tuple[Step, ...], settings: Settings) -> Record:
    """Return the record of a document whose gaps a transcript tells; `steps` are those of its pages."""
    opinions, restore_steps = conjecture_gaps(document, settings)
    return Record(document, opinions, (*steps, Step("transcript", __version__), *restore_steps))


def merge_steps(files: Iterator[PageFile] | tuple[PageFile, ...]) -> tuple[Step, ...]:
    """Return the steps of all pages in order, each once."""
    return tuple(dict.fromkeys(step for file in files for step in file.steps))


def read_page_only(task: PageTask) -> PageResult:
    """Read a page without asking for its gaps: the transcript will say where they are."""
    return _page_result(task, *read_page(task), {})


def _page_result(task: PageTask, page: Page, steps: tuple[Step, ...], opinions: dict[str, Opinion]) -> PageResult:
    facts = PageFile(PAGE_SCHEMA, task.key, steps, page)
    return PageResult(facts, PageConjecturesFile(PAGE_CONJECTURES_SCHEMA, task.key, steps, opinions))


def join_pages(document_id: str, source: str, files: tuple[PageFile, ...], opinions: Mapping[str, Opinion]) -> Record:
    """Make the record of a document whose pages are all there."""
    pages = tuple(replace(file.page, number=number) for number, file in enumerate(files, start=1))
    notes = tuple(note for file in files for note in file.notes)
    return Record(Document(document_id, source, (), pages, notes=notes), opinions, merge_steps(files))


@cache
def _lexicon(extra: Path | None) -> Lexicon:
    from desunt.lm.lexicon import load_lexicon

    return load_lexicon(extra)


def cached_lexicon(settings: Settings) -> Lexicon:
    """Return the lexicon, loaded once a process."""
    return _lexicon(settings.lexicon)


@cache
def _model(name: str, models: Path | None, rescore: bool) -> GapModel:
    from desunt.lm import load_model

    return load_model(name, models=models, rescore=rescore)


def cached_gap_model(settings: Settings) -> GapModel:
    """Return the language model, loaded once a process."""
    return _model(settings.model, settings.models, settings.rescore)
