"""The whole way of a document, on one screen: scan, cleanup, OCR, gaps, conjectures."""

from __future__ import annotations

import hashlib
import json
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
from desunt.transcript import contexts

if TYPE_CHECKING:
    from desunt.lm import GapModel
    from desunt.lm.lexicon import Lexicon


# Gaps for other reasons (withheld, blank, struck out, handwriting) are located and labelled, and never filled.
FILLED = frozenset({"illegible", "damaged", "low-confidence"})


@dataclass(frozen=True, slots=True)
class Part:
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
    part: Part | None = None

    @property
    def name(self) -> str:
        """Return the file's name, as the record has it."""
        return self.part.name if self.part else self.document_id

    @property
    def page(self) -> int:
        """Return the page's number in its file."""
        return self.part.page if self.part else self.number

    @property
    def place(self) -> str:
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
    opinions, asked = conjecture(document, task.settings)
    made = (*steps, *asked)
    return PageResult(
        PageFile(PAGE_SCHEMA, task.key, made, page),
        PageConjecturesFile(PAGE_CONJECTURES_SCHEMA, task.key, made, dict(opinions)),
    )


def read_page(task: PageTask) -> tuple[Page, tuple[Step, ...]]:
    """Read one page: pixels, the best reading of them, and what was not read."""
    from desunt import scan
    from desunt.gaps import find_gaps
    from desunt.ocr.confidence.legibility import load_legibility
    from desunt.ocr.engines import ReadsBeside, load_engine
    from desunt.ocr.engines.line_images import load_second
    from desunt.ocr.preprocessing import read_best, read_untouched
    from desunt.ocr.preprocessing.blot_removal import read_beside_blots

    settings, lexicon = task.settings, lexicon_of(task.settings)
    limits = {"max_pixels": settings.max_pixels, "pdf_dpi": settings.pdf_dpi}
    scanned = scan.read_page(task.path, task.page, name=task.name, sha256=task.sha256, **limits)
    engine = load_engine(settings.engine, settings.lang)
    if isinstance(engine, ReadsBeside):
        beside = engine.beside(task.path, task.page)
        best = read_untouched(scanned.pixels, scanned.image.dpi, beside, settings.page_seconds, lexicon)
    else:
        best = read_best(scanned.pixels, scanned.image.dpi, engine, settings.page_seconds, lexicon)
        best = read_beside_blots(best, scanned.pixels, engine, settings.page_seconds, lexicon)
    legibility = load_legibility()
    # What a person or another program read, beside the scan, is not voted on.
    second = None if isinstance(engine, ReadsBeside) else load_second(settings.second, settings.lang)
    page = find_gaps(
        scanned.image, scanned.pixels, best.reading, document_id=task.place, number=task.number,
        vouch=settings.vouch, read=settings.read, lexicon=lexicon, legibility=legibility, second=second,
        keep_lines=isinstance(engine, ReadsBeside),
    )  # fmt: skip
    tried = "; ".join(f"{name} {score:.4f}" for name, score in best.evidence)
    threshold = settings.read if settings.read is not None else legibility.threshold_read
    steps = (
        Step("scan", __version__, (("max_pixels", str(settings.max_pixels)), ("pdf_dpi", str(settings.pdf_dpi)))),
        Step("cleanup", __version__, (("page", str(task.number)), ("variant", best.variant.name), ("tried", tried))),
        Step("ocr", best.reading.version, (("engine", best.reading.engine), ("lang", settings.lang))),
        Step("gaps", __version__, (("vouch", str(settings.vouch)), ("read", str(threshold)))),
        *((Step("second", second.version(), (("engine", second.name),)),) if second else ()),
    )
    return page, steps


def read_pages(path: Path, settings: Settings) -> tuple[Page, ...]:
    """Read every page of one file without conjectures: what `desunt evaluate ocr` measures."""
    from desunt.scan import count_pages

    tasks = (PageTask(path, path.name, n, "", "", settings) for n in range(1, count_pages(path) + 1))
    return tuple(read_page(task)[0] for task in tasks)


def conjecture(document: Document, settings: Settings) -> tuple[dict[str, Opinion], tuple[Step, ...]]:
    """Ask for every gap of the document, page by page; without gaps no model is loaded."""
    if not document.gaps:
        return {}, ()
    from desunt.restore import Asked, restore

    model, lexicon, around = model_of(settings), lexicon_of(settings), contexts(document)
    opinions: dict[str, Opinion] = {}
    for page in document.pages:
        asked = [Asked(gap, *around[gap.id]) for gap in page.gaps if gap.reason in FILLED]
        found = restore(asked, model, lexicon=lexicon, names=names_of(page), limit=settings.candidates)
        opinions |= {opinion.gap_id: opinion for opinion in found}
    about = (("model", model.ref.name), ("revision", model.ref.revision), ("sha256", model.ref.sha256))
    return opinions, (Step("restore", __version__, about),)


def names_of(page: Page) -> frozenset[str]:
    """Return the vouched-for words of the page that begin with a capital: likely names, to compete in its gaps."""
    words = (t for line in page.lines for t in line.tokens if isinstance(t, Word))
    return frozenset(
        w.text.strip(".,;:()[]\"'") for w in words if w.text[0].isupper() and (w.legibility is None or w.legibility >= 0.9)
    ) - {""}


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

    document = align(task.transcript, tuple(p.page for p in task.pages), document_id=task.document_id, source=task.source)
    return with_opinions(document, steps_of(task.pages), task.settings)


def work_transcript(document: Document, settings: Settings) -> Record:
    """Ask for the gaps of a transcript that has no scan."""
    return with_opinions(document, (), settings)


def with_opinions(document: Document, steps: tuple[Step, ...], settings: Settings) -> Record:
    opinions, asked = conjecture(document, settings)
    return Record(document, opinions, (*steps, Step("transcript", __version__), *asked))


def steps_of(files: Iterator[PageFile] | tuple[PageFile, ...]) -> tuple[Step, ...]:
    """Return the steps of all pages in order, each once."""
    return tuple(dict.fromkeys(step for file in files for step in file.steps))


def read_facts(task: PageTask) -> PageResult:
    """Read a page without asking for its gaps: the transcript will say where they are."""
    page, steps = read_page(task)
    return PageResult(PageFile(PAGE_SCHEMA, task.key, steps, page), PageConjecturesFile(PAGE_CONJECTURES_SCHEMA, task.key, steps, {}))


def join_pages(document_id: str, source: str, files: tuple[PageFile, ...], opinions: Mapping[str, Opinion]) -> Record:
    """Make the record of a document whose pages are all there."""
    pages = tuple(replace(file.page, number=number) for number, file in enumerate(files, start=1))
    notes = tuple(note for file in files for note in file.notes)
    return Record(Document(document_id, source, (), pages, notes=notes), opinions, steps_of(files))


def key_of(sha256: str, document_id: str, number: int, settings: Settings, versions: tuple[tuple[str, str], ...]) -> str:
    """Return the key a page is done under: anything that may change its result changes the key."""
    parts = [sha256, document_id, number, settings.provenance(), versions]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@cache
def _lexicon(extra: Path | None) -> Lexicon:
    from desunt.lm.lexicon import load_lexicon

    return load_lexicon(extra)


def lexicon_of(settings: Settings) -> Lexicon:
    """Return the lexicon, loaded once a process."""
    return _lexicon(settings.lexicon)


@cache
def _model(name: str, models: Path | None, rescore: bool) -> GapModel:
    from desunt.lm import load_model

    return load_model(name, models=models, rescore=rescore)


def model_of(settings: Settings) -> GapModel:
    """Return the language model, loaded once a process."""
    return _model(settings.model, settings.models, settings.rescore)
