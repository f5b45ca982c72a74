"""How many misread words an editor gets back from the candidates: `desunt evaluate recovery`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from desunt.errors import InputError
from desunt.evaluate.conjectures.run import EvaluationProgress
from desunt.evaluate.detection.measure import MAX_FALSE_POSITIVE_RATE, label_page, pool_words, score_at_fpr, scored_words
from desunt.evaluate.ground_truth import GroundTruth, find_pages, read_ground_truth
from desunt.evaluate.labels import label_words
from desunt.evaluate.ocr.measure import scored_text
from desunt.evaluate.recovery.aligned_page import AlignedPage, align_tokens, with_doubtful_gaps
from desunt.evaluate.recovery.page_cache_file import PageCacheFile, ProposedCandidates, ReadPage
from desunt.evaluate.recovery.systems import PageSystem
from desunt.record.atomic import sha256_of
from desunt.record.document import Page
from desunt.run.cache_key import result_versions
from desunt.settings import Settings

READING_STAGE = "reading"
ImageReader: TypeAlias = Callable[[Path], ReadPage]


@dataclass(frozen=True, slots=True)
class TruthImage:
    """One image with its ground truth; `name` is its path in the folder, `key` the hash of all that its reading depends on."""

    name: str
    path: Path
    truth: GroundTruth
    key: str


@dataclass(frozen=True, slots=True)
class Recovery:
    """The pages of a folder with what each system proposed; above `doubt` a word was made a gap, None where none was but by reading."""

    folder: str
    max_fpr: float
    doubt: float | None
    systems: tuple[str, ...]
    pages: tuple[AlignedPage, ...]


def find_images(folder: Path, settings: Settings, limit: int | None = None) -> tuple[TruthImage, ...]:
    """Return the images of a folder that have ground truth, or the first of them; raises InputError if there is none."""
    pairs = [(image, truth) for image, truth in find_pages(folder) if truth][:limit]
    if not pairs:
        raise InputError(f"no image in {folder} has ground truth beside it", remedy="put NAME.gt.txt beside NAME.png")
    versions = settings.provenance(), result_versions(settings)
    return tuple(
        TruthImage(image.relative_to(folder).as_posix(), image, read_ground_truth(truth), _hash(sha256_of(image), *versions))
        for image, truth in pairs
    )


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def default_reader(settings: Settings) -> ImageReader:
    """Return what reads an image twice: desunt with these settings, and plain Tesseract."""
    from desunt.evaluate.ocr.measure import plain_tesseract
    from desunt.run.workflow import read_pages

    return lambda path: ReadPage(read_pages(path, settings), plain_tesseract(path).text)


def evaluate_recovery(
    folder: Path, images: Sequence[TruthImage], read: ImageReader, systems: Sequence[PageSystem], cache: PageCacheFile, *,
    max_fpr: float = MAX_FALSE_POSITIVE_RATE, on_progress: EvaluationProgress = lambda *_: None,
) -> Recovery:  # fmt: skip
    """Read every image, make gaps of the words that are too doubtful, and put all gaps to each system.

    Too doubtful are words above the doubt that this share of the rightly read words exceeds (`max_fpr`): the doubts are those of the same
    pages, so the point is where an editor who knew it would set the threshold. What the reading threshold made gaps of stays so, whatever
    its share; at 0 nothing else becomes one.
    """
    readings = []
    for number, image in enumerate(images):
        on_progress(READING_STAGE, number, len(images))
        cached = cache.find(ReadPage, image.name, image.key)
        readings.append(cached or cache.add(image.name, image.key, read(image.path)))
    on_progress(READING_STAGE, len(images), len(images))
    doubt = _doubt_threshold(max_fpr, images, readings)
    queried = [tuple(page if doubt is None else with_doubtful_gaps(page, doubt) for page in reading.pages) for reading in readings]
    proposals = {system.name: _propose_all(system, images, queried, doubt, cache, on_progress) for system in systems}
    pages = tuple(
        _align_page(image, reading, queried[index], {name: by_image[index].candidates for name, by_image in proposals.items()})
        for index, (image, reading) in enumerate(zip(images, readings, strict=True))
    )
    return Recovery(str(folder), max_fpr, doubt, tuple(proposals), pages)


def _align_page(
    image: TruthImage, read: ReadPage, queried: tuple[Page, ...], candidates: Mapping[str, Mapping[str, tuple[str, ...]]]
) -> AlignedPage:
    labels = label_words(image.truth, read.plain.split())
    return AlignedPage(image.name, scored_text(image.truth), read.plain, labels, align_tokens(read.pages, queried, image.truth, candidates))


def _doubt_threshold(max_fpr: float, images: Sequence[TruthImage], readings: Sequence[ReadPage]) -> float | None:
    """Return the doubt above which this share of the right words lies, None if no word is to be flagged or none was read rightly."""
    pages = [label_page(image.name, image.truth, scored_words(reading.pages)) for image, reading in zip(images, readings, strict=True)]
    wrong, doubt = pool_words(pages)
    return score_at_fpr(wrong, doubt, max_fpr) if max_fpr and not wrong.all() else None


def _propose_all(
    system: PageSystem, images: Sequence[TruthImage], queried: Sequence[tuple[Page, ...]], doubt: float | None,
    cache: PageCacheFile, on_progress: EvaluationProgress,
) -> list[ProposedCandidates]:  # fmt: skip
    proposals = []
    for number, (image, pages) in enumerate(zip(images, queried, strict=True)):
        on_progress(system.name, number, len(images))
        key = _hash(image.key, system.cache_key, doubt)
        cached = cache.find(ProposedCandidates, image.name, key)
        proposals.append(cached or cache.add(image.name, key, _propose(system, pages)))
    on_progress(system.name, len(images), len(images))
    return proposals


def _propose(system: PageSystem, pages: Sequence[Page]) -> ProposedCandidates:
    return ProposedCandidates({gap: texts for page in pages for gap, texts in system.answer(page).items()})
