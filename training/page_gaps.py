"""The gaps that desunt itself finds on pages with ground truth, with the words that stand there: what it will be asked in earnest.

Used by fit_calibration.py; readings are cached, since a page takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from desunt.evaluate.recovery.aligned_page import AlignedToken, align_tokens
from desunt.evaluate.recovery.page_cache_file import PageCacheFile, ReadPage
from desunt.evaluate.recovery.run import TruthImage, default_reader, find_images
from desunt.record.document import Document, Gap
from desunt.restore import GapQuery
from desunt.run.workflow import FILLABLE_REASONS, likely_names
from desunt.settings import Settings
from desunt.transcript import gap_contexts


@dataclass(frozen=True, slots=True)
class PageGap:
    """One gap as it is asked about, the page's likely names, and the words that stand there: none if nothing does."""

    page: str
    query: GapQuery
    names: frozenset[str]
    truth: str


def page_gaps(folders: Iterable[Path], cache: Path) -> Iterator[PageGap]:
    """Yield the gaps with an engine's reading whose truth is known, page by page."""
    settings = Settings()
    read, cache_file = default_reader(settings), PageCacheFile(cache / "pages.jsonl", resume=True)
    for folder in folders:
        for image in find_images(folder, settings):
            page = cache_file.find(ReadPage, image.name, image.key) or cache_file.add(image.name, image.key, read(image.path))
            yield from _gaps_of_page(image, page)


def _gaps_of_page(image: TruthImage, read: ReadPage) -> Iterator[PageGap]:
    document = Document(image.name, str(image.path), (), read.pages)
    contexts, names = gap_contexts(document), frozenset[str]().union(*(likely_names(page, Settings().vouch) for page in read.pages))
    tokens = [token for page in read.pages for line in page.lines for token in line.tokens]
    tokens = [token for token in tokens if not isinstance(token, Gap) or token.reason in FILLABLE_REASONS]
    # Only where stamps, forms and handwriting are transcribed too is what stands in no line nothing at all.
    is_complete = any(line.kind != "typed" for line in image.truth.lines) and not image.truth.has_boxes
    for token, aligned in zip(tokens, align_tokens(read.pages, read.pages, image.truth, {}), strict=True):
        if isinstance(token, Gap) and token.engine_reading and (truth := _truth(aligned, is_complete=is_complete)) is not None:
            yield PageGap(image.path.stem, GapQuery(token, *contexts[token.id]), names, truth)


def _truth(aligned: AlignedToken, *, is_complete: bool) -> str | None:
    """Return what stands there, empty if nothing does, None if nobody can tell."""
    if aligned.truth is None or (not aligned.truth and not is_complete and "wrong" not in aligned.labels):
        return None
    return " ".join(aligned.truth)
