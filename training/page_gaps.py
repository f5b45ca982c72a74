"""The gaps that desunt itself finds on pages with ground truth, with the words that stand there: what it will be asked in earnest.

Used by fit_calibration.py; readings are cached, since a page takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from desunt.evaluate.recovery.pieces import Piece, pieces_of
from desunt.evaluate.recovery.resume_file import PageLines, ReadPage
from desunt.evaluate.recovery.run import Image, find_images, reader_of
from desunt.record.document import Document, Gap
from desunt.restore import Asked
from desunt.run.workflow import FILLED, contexts, names_of
from desunt.settings import Settings


@dataclass(frozen=True, slots=True)
class PageGap:
    """One gap as it is asked about, the page's likely names, and the words that stand there: none if nothing does."""

    page: str
    asked: Asked
    names: frozenset[str]
    truth: str


def page_gaps(folders: Iterable[Path], cache: Path) -> Iterator[PageGap]:
    """Yield the gaps with an engine's reading whose truth is known, page by page."""
    settings = Settings()
    read, kept = reader_of(settings), PageLines(cache / "pages.jsonl", resume=True)
    for folder in folders:
        for image in find_images(folder, settings):
            found = kept.find(ReadPage, image.name, image.key) or kept.add(image.name, image.key, read(image.path))
            yield from _of_page(image, found)


def _of_page(image: Image, read: ReadPage) -> Iterator[PageGap]:
    document = Document(image.name, str(image.path), (), read.pages)
    around, names = contexts(document), frozenset[str]().union(*map(names_of, read.pages))
    tokens = [token for page in read.pages for line in page.lines for token in line.tokens]
    tokens = [token for token in tokens if not isinstance(token, Gap) or token.reason in FILLED]
    # Only where stamps, forms and handwriting are transcribed too is what stands in no line nothing at all.
    whole = any(line.kind != "typed" for line in image.truth.lines) and not image.truth.has_boxes
    for token, piece in zip(tokens, pieces_of(read.pages, read.pages, image.truth, {}), strict=True):
        if isinstance(token, Gap) and token.engine_reading and (truth := _truth(piece, whole=whole)) is not None:
            yield PageGap(image.path.stem, Asked(token, *around[token.id]), names, truth)


def _truth(piece: Piece, *, whole: bool) -> str | None:
    """Return what stands there, empty if nothing does, None if nobody can tell."""
    if piece.truth is None or (not piece.truth and not whole and "wrong" not in piece.labels):
        return None
    return " ".join(piece.truth)
