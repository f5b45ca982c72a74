"""How many misread words an editor gets back from the candidates: `desunt evaluate recovery`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from desunt.__version__ import __version__
from desunt.errors import InputError
from desunt.evaluate.conjectures.run import Watch
from desunt.evaluate.detection.measure import ALARMS, alarm_doubt, judged, pooled_words, said_words
from desunt.evaluate.ground_truth import GroundTruth, find_pages, read_ground_truth
from desunt.evaluate.labels import label_words
from desunt.evaluate.ocr.measure import scored_text
from desunt.evaluate.recovery.pieces import AskedPage, flagged, pieces_of
from desunt.evaluate.recovery.resume_file import PageLines, Proposed, ReadPage
from desunt.evaluate.recovery.systems import PageAsker
from desunt.lm.model_files import model_file
from desunt.record.document import Page
from desunt.record.files import sha256_of
from desunt.settings import Settings

READING = "reading"
Reader: TypeAlias = Callable[[Path], ReadPage]


@dataclass(frozen=True, slots=True)
class Image:
    """One image with its ground truth; `name` is its path in the folder, `key` the hash of all that its reading depends on."""

    name: str
    path: Path
    truth: GroundTruth
    key: str


@dataclass(frozen=True, slots=True)
class Recovery:
    """The pages of a folder, asked about; `doubt` is that above which a word was made a gap, None where none was but by reading."""

    folder: str
    alarms: float
    doubt: float | None
    by: tuple[str, ...]
    pages: tuple[AskedPage, ...]


def find_images(folder: Path, settings: Settings, limit: int | None = None) -> tuple[Image, ...]:
    """Return the images of a folder that have ground truth, or the first of them; raises InputError if there is none."""
    pairs = [(image, truth) for image, truth in find_pages(folder) if truth][:limit]
    if not pairs:
        raise InputError(f"no image in {folder} has ground truth beside it", remedy="put NAME.gt.txt beside NAME.png")
    made_by = [__version__, settings.provenance(), sha256_of(model_file("legibility.json", settings.models))]
    return tuple(
        Image(image.relative_to(folder).as_posix(), image, read_ground_truth(truth), _key(sha256_of(image), *made_by))
        for image, truth in pairs
    )


def _key(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def reader_of(settings: Settings) -> Reader:
    """Return what reads an image twice: desunt with these settings, and plain Tesseract."""
    from desunt.evaluate.ocr.measure import plain_tesseract
    from desunt.run.workflow import read_pages

    return lambda path: ReadPage(read_pages(path, settings), plain_tesseract(path).text)


def evaluate_recovery(
    folder: Path, images: Sequence[Image], read: Reader, askers: Sequence[PageAsker], kept: PageLines, *,
    alarms: float = ALARMS, watch: Watch = lambda *_: None,
) -> Recovery:  # fmt: skip
    """Read every image, make gaps of the words that are too doubtful, and put all gaps to each asker.

    Too doubtful are words above the doubt that this share of the rightly read words exceeds (`alarms`): the doubts are those of the same
    pages, so the point is where an editor who knew it would set the threshold. What the reading threshold made gaps of stays so, whatever
    its share; at 0 nothing else becomes one.
    """
    readings = []
    for number, image in enumerate(images):
        watch(READING, number, len(images))
        known = kept.find(ReadPage, image.name, image.key)
        readings.append(known or kept.add(image.name, image.key, read(image.path)))
    watch(READING, len(images), len(images))
    doubt = _doubt_at(alarms, images, readings)
    asked = [tuple(page if doubt is None else flagged(page, doubt) for page in one.pages) for one in readings]
    proposed = {asker.by: _ask(asker, images, asked, doubt, kept, watch) for asker in askers}
    pages = tuple(
        _asked_page(image, one, asked[place], {by: found[place].candidates for by, found in proposed.items()})
        for place, (image, one) in enumerate(zip(images, readings, strict=True))
    )
    return Recovery(str(folder), alarms, doubt, tuple(proposed), pages)


def _asked_page(
    image: Image, read: ReadPage, asked: tuple[Page, ...], candidates: Mapping[str, Mapping[str, tuple[str, ...]]]
) -> AskedPage:
    labels = label_words(image.truth, read.plain.split())
    return AskedPage(image.name, scored_text(image.truth), read.plain, labels, pieces_of(read.pages, asked, image.truth, candidates))


def _doubt_at(alarms: float, images: Sequence[Image], readings: Sequence[ReadPage]) -> float | None:
    """Return the doubt above which this share of the right words lies, None if no word is to be flagged or none was read rightly."""
    pages = [judged(image.name, image.truth, said_words(one.pages)) for image, one in zip(images, readings, strict=True)]
    wrong, doubt = pooled_words(pages)
    return alarm_doubt(wrong, doubt, alarms) if alarms and not wrong.all() else None


def _ask(
    asker: PageAsker, images: Sequence[Image], asked: Sequence[tuple[Page, ...]], doubt: float | None, kept: PageLines, watch: Watch
) -> list[Proposed]:
    found = []
    for number, (image, pages) in enumerate(zip(images, asked, strict=True)):
        watch(asker.by, number, len(images))
        key = _key(image.key, asker.identity, doubt)
        known = kept.find(Proposed, image.name, key)
        found.append(known or kept.add(image.name, key, _proposed(asker, pages)))
    watch(asker.by, len(images), len(images))
    return found


def _proposed(asker: PageAsker, pages: Sequence[Page]) -> Proposed:
    return Proposed({gap: texts for page in pages for gap, texts in asker.propose(page).items()})
