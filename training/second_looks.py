"""What both engines read on scans with ground truth, and which of it is right: the rows that `fit_legibility.py` fits."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from desunt.lm.char_ngrams import spelling_of
from desunt.lm.lexicon import load_lexicon
from desunt.ocr.confidence.comparison_features import Page, Twice, first_features, second_features, unseen_features
from desunt.ocr.confidence.recovered_text import Passage, read_passages, with_passages
from desunt.ocr.confidence.voting import DOUBTFUL, Look, Voted, page_of, read_twice, softened, vote_of
from desunt.ocr.confidence.word_features import word_features
from desunt.ocr.engines import EngineWord, Reading
from desunt.ocr.engines.line_images import Strip
from desunt.ocr.engines.ppocr import RapidStrips
from desunt.ocr.layout import relined
from desunt.ocr.layout.pitch import Measure, measure
from desunt.ocr.preprocessing.filters import grey
from desunt.ocr.preprocessing.ink import find_ink
from desunt.record.document import Box
from training.measures import Numbers
from training.word_labels import labels

Verdicts = list[bool | None]
Rows = tuple[Numbers, Numbers]
SURE = 0.8


@dataclass(frozen=True, slots=True)
class Looked:
    """One page: the first engine's reading with its features, all its words read again, and which words of each are right."""

    path: Path
    dpi: int
    pixels: np.ndarray
    size: Measure
    reading: Reading
    features: Numbers
    strips: tuple[Strip, ...]
    twice: tuple[Twice, ...]
    first_right: Verdicts
    second_right: Verdicts


def look_at(path: Path, reader: Callable[[Path], tuple[np.ndarray, int, Reading]], cache: Path | None) -> Looked:
    """Read a page with both engines; `reader` gives its pixels, its resolution and the first engine's reading.

    What was read is kept between runs in the cache folder (a pickle of our own, read by nobody else).
    """
    kept = cache / f"{path.parent.name}-{path.stem}.pickle" if cache else None
    if kept is None or not kept.exists():
        looked = _looked_at(path, *reader(path))
        if kept is None:
            return looked
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(pickle.dumps(looked))
    stored: Looked = pickle.loads(kept.read_bytes())
    return stored


def _looked_at(path: Path, pixels: np.ndarray, dpi: int, reading: Reading) -> Looked:
    lexicon, ink = load_lexicon(), find_ink(pixels)
    reading = relined(reading, ink.mask)
    words = reading.words
    features = word_features(reading, ink, lexicon, spelling_of(lexicon))
    size = measure([word for word in words if word.confidence >= SURE], dpi)
    look = _look(pixels, size)
    strips = look.reader.find(look.page, look.height)
    twice = tuple(read_twice(words, np.zeros(len(words)), range(len(words)), strips, look))
    second = _with_texts(reading, {place: one.text.split() for place, one in enumerate(twice) if one.seen})
    return Looked(
        path, dpi, grey(pixels), size, reading, features, strips, twice, labels(reading, path), _joined(labels(second[0], path), second[1])
    )


def _look(pixels: np.ndarray, size: Measure, legibility: object = None) -> Look:
    page = softened(grey(pixels), size.height)
    return Look(page, RapidStrips(), size.height, size.letter, load_lexicon(), legibility)  # type: ignore[arg-type]


def _with_texts(reading: Reading, texts: Mapping[int, Sequence[str]]) -> tuple[Reading, list[int]]:
    """Return the reading with other words at some places, side by side in the old one's box, and the place of each of its words."""
    place, lines, places = 0, [], list[int]()
    for line in reading.lines:
        words: list[EngineWord] = []
        for word in line.words:
            other = texts.get(place)
            words += [word] if other is None else _side_by_side(word, other)
            places += [place] * (1 if other is None else len(other))
            place += 1
        lines.append(replace(line, words=tuple(words)))
    return replace(reading, lines=tuple(lines)), places


def _side_by_side(word: EngineWord, texts: Sequence[str]) -> list[EngineWord]:
    left, width = word.box.left, max(word.box.width, len(texts))
    edges = [left + width * n // len(texts) for n in range(len(texts) + 1)]
    boxes = (Box(start, word.box.top, end, word.box.bottom) for start, end in pairwise(edges))
    return [EngineWord(text, box, word.confidence) for text, box in zip(texts, boxes, strict=True)]


def _joined(verdicts: Verdicts, places: Sequence[int]) -> Verdicts:
    """Return one verdict a place: right if all its words are, None if the ground truth is silent about one."""
    found: dict[int, Verdicts] = {}
    for place, verdict in zip(places, verdicts, strict=True):
        found.setdefault(place, []).append(verdict)
    return [None if None in found[place] else all(found[place]) for place in sorted(found)]


def alone_rows(pages: Sequence[Looked]) -> Rows:
    """Return features and truth (1 right, 0 not) of the first engine's words."""
    rows = [(row, right) for page in pages for row, right in zip(page.features, page.first_right, strict=True) if right is not None]
    return _rows(rows)


def twice_rows(pages: Sequence[Looked], alone: Callable[[Numbers], Numbers]) -> tuple[Rows, Rows]:
    """Return features and truth of the first's and of the second's readings of the words that are in doubt by the model `alone`."""
    first: list[tuple[Sequence[float], bool]] = []
    second: list[tuple[Sequence[float], bool]] = []
    for page in pages:
        places, twice, about = doubtful(page, alone)
        for place, one in zip(places, twice, strict=True):
            own, other = page.first_right[place], page.second_right[place]
            if own is not None:
                first.append(([*page.features[place], *first_features(one, about)], own))
            if other is not None and one.seen:
                second.append((second_features(one, about), other))
    return _rows(first), _rows(second)


def doubtful(page: Looked, alone: Callable[[Numbers], Numbers]) -> tuple[list[int], list[Twice], Page]:
    """Return the places of the words that are read again, both readings of them, and what holds for the page."""
    chances = alone(page.features) if len(page.features) else np.zeros(0)
    places: list[int] = np.flatnonzero(chances < DOUBTFUL).tolist()
    twice = [replace(page.twice[place], chance=float(chances[place])) for place in places]
    return places, twice, page_of(twice, _look(page.pixels[:1, :1], page.size))


@dataclass(frozen=True, slots=True)
class Beyond:
    """A page after the vote, and what the second engine reads where then no word stands; `right` has a verdict for each of its words."""

    page: Looked
    voted: Voted
    passages: tuple[Passage, ...]
    rows: tuple[Numbers, ...]
    right: tuple[Verdicts, ...]


def beyond(page: Looked, legibility: object) -> Beyond:
    """Vote on a page and read what lies beyond its words; `legibility` needs no model `unseen` yet."""
    look = _look(page.pixels, page.size, legibility)
    places, twice, about = doubtful(page, look.legibility.alone)
    voted = vote_of(page.reading, page.features, page.strips, places, twice, look)
    passages = read_passages(voted, look)
    # Put in before all others, to see what they are worth.
    forced = with_passages(voted, passages, [[1e6] * len(passage.seen) for passage in passages])
    verdicts = iter(labels(forced.reading, page.path) if forced.reading.words else [])
    told = {(word.text, word.box): verdict for word, verdict in zip(forced.reading.words, verdicts, strict=True)}
    rows = [np.array([unseen_features(p.seen, n, p.strip.width, about) for n in range(len(p.seen))]) for p in passages]
    right = [[told.get((word.text, word.box)) for word in passage.words] for passage in passages]
    return Beyond(page, voted, passages, tuple(rows), tuple(right))


def unseen_rows(pages: Sequence[Beyond]) -> Rows:
    """Return features and truth of the words that only the second engine read."""
    return _rows([(row, right) for page in pages for row, right in _each(page) if right is not None])


def _each(page: Beyond) -> Iterator[tuple[Numbers, bool | None]]:
    for rows, verdicts in zip(page.rows, page.right, strict=True):
        yield from zip(rows, verdicts, strict=True)


def final(page: Beyond, unseen: Callable[[Numbers], Numbers]) -> tuple[Verdicts, Numbers]:
    """Return for the words that stand at last whether they are right, and their legibility."""
    voted = with_passages(page.voted, page.passages, [unseen(rows).tolist() for rows in page.rows])
    return labels(voted.reading, page.page.path) if voted.reading.words else [], np.array(voted.chances)


def _rows(rows: Sequence[tuple[Sequence[float] | Numbers, bool]]) -> Rows:
    return np.array([row for row, _ in rows], float), np.array([right for _, right in rows], float)


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
