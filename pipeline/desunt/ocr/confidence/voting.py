"""A second engine reads again what the first is in doubt about, and what it passed over; of two readings the likelier one stands.

This is voting by word as in ROVER (Fiscus 1997), with fitted probabilities in place of votes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from desunt.lm.char_ngrams import spelling_of
from desunt.lm.lexicon import Lexicon
from desunt.ocr.confidence.comparison_features import Page, Twice, first_features, second_features
from desunt.ocr.confidence.legibility import Legibility, Numbers
from desunt.ocr.engines import EngineWord, Reading
from desunt.ocr.engines.line_images import Seen, Strip, StripReader, cut_out, strip_of
from desunt.record.document import Box

Pixels = NDArray[np.uint8]
# The words that stand at a place, and their legibility.
Stands: TypeAlias = tuple[tuple[EngineWord, ...], float]
# Words surer than this are not read again: of the misread ones fewer than 1 in 100 are so sure on degraded pages, 15 on clean ones.
DOUBTFUL = 0.99
# Space round a word in its strip, in heights of its box; no box counts as higher than so many heights of the type.
ACROSS, DOWN, HIGHEST = 0.25, 0.12, 2.0
# A blur in heights of the type, and in pixels, that gives bilevel letters the soft edges the second engine knows.
BLUR, LEAST_BLUR = 1 / 30, 0.5
# How much likelier the second's reading must be to stand in the place of the first's.
MARGIN = 0.05


@dataclass(frozen=True, slots=True)
class Look:
    """A page to look at again: grey pixels (height, width), softened; who reads; height and width of a letter in pixels; and what helps
    to judge."""

    page: Pixels
    reader: StripReader
    height: float
    letter: float
    lexicon: Lexicon
    legibility: Legibility


@dataclass(frozen=True, slots=True)
class Voted:
    """A reading with the legibility of each of its words in order, and where the second engine saw text."""

    reading: Reading
    chances: tuple[float, ...]
    strips: tuple[Strip, ...]


def softened(page: Pixels, height: float) -> Pixels:
    """Return the grey page as the second engine gets it; `height` is that of the type in pixels."""
    import cv2

    return np.asarray(cv2.GaussianBlur(page, (0, 0), BLUR * height + LEAST_BLUR), np.uint8)


def vote(reading: Reading, features: Numbers, look: Look) -> tuple[Voted, Page]:
    """Return the reading with each word as the likelier engine has it, and what the second's words tell about the page.

    `features` are the first engine's (words, features), see `word_features`. Words that it is sure of are not read again.
    """
    chances = look.legibility.alone(features)
    strips = look.reader.find(look.page, look.height)
    places: list[int] = np.flatnonzero(chances < DOUBTFUL).tolist()
    twice = read_twice(reading.words, chances, places, strips, look)
    return vote_of(reading, features, strips, places, twice, look), page_of(twice, look)


def vote_of(
    reading: Reading, features: Numbers, strips: tuple[Strip, ...], places: Sequence[int], twice: Sequence[Twice], look: Look
) -> Voted:
    """Return the reading with those words that were read twice as the likelier engine has them."""
    voted: dict[int, Stands] = {}
    if twice:
        page = page_of(twice, look)
        own = look.legibility.first(
            np.array([[*features[place], *first_features(one, page)] for place, one in zip(places, twice, strict=True)])
        )
        other = look.legibility.second(np.array([second_features(one, page) for one in twice]))
        for place, one, first, second in zip(places, twice, own.tolist(), other.tolist(), strict=True):
            voted[place] = _likelier(one, first, second, look)
    return _with_votes(reading, look.legibility.alone(features), voted, strips)


def read_twice(words: Sequence[EngineWord], chances: Numbers, places: Sequence[int], strips: Sequence[Strip], look: Look) -> list[Twice]:
    """Return the words at those places with what the second engine reads there."""
    boxes = [words[place].box for place in places]
    seen = look.reader.read([cut_out(look.page, _strip(box, look)) for box in boxes])
    found = [any(holds(strip, box) for strip in strips) for box in boxes]
    return [Twice(words[place], float(chances[place]), own, there) for place, own, there in zip(places, seen, found, strict=True)]


def page_of(twice: Sequence[Twice], look: Look) -> Page:
    """Return what holds for the whole page; one word more counts as read differently, so that a single one tells little."""
    alike = sum(one.alike for one in twice) / (len(twice) + 1)
    return Page(look.lexicon, spelling_of(look.lexicon), look.letter, alike)


def holds(strip: Strip, box: Box) -> bool:
    """Return whether the middle of a box lies in a strip."""
    along, down = across(strip, (box.left + box.right) / 2, (box.top + box.bottom) / 2)
    return 0 <= along <= 1 and 0 <= down <= 1


def across(strip: Strip, x: float, y: float) -> tuple[float, float]:
    """Return a point of the page as shares of the strip's width and height; 0-1 lies within."""
    (left, top), (right, right_y), _, (below_x, below_y) = strip.corners
    along, down = (right - left, right_y - top), (below_x - left, below_y - top)
    share = ((x - left) * along[0] + (y - top) * along[1]) / max(1.0, along[0] ** 2 + along[1] ** 2)
    return share, ((x - left) * down[0] + (y - top) * down[1]) / max(1.0, down[0] ** 2 + down[1] ** 2)


def _strip(box: Box, look: Look) -> Strip:
    height = min(box.height, HIGHEST * look.height)
    return strip_of(box, max(2.0, round(ACROSS * height)), max(2.0, round(DOWN * height)))


def _likelier(twice: Twice, first: float, second: float, look: Look) -> Stands:
    """Return the words that stand at a place, and their legibility; what the other engine read is kept with a single word."""
    if twice.alike or not twice.seen or second <= first + MARGIN:
        others = () if twice.alike or not twice.seen else (twice.text,)
        return (replace(twice.word, others=others),), first
    strip, width, height = _strip(twice.word.box, look), look.page.shape[1], look.page.shape[0]
    words = tuple(word for one in twice.seen if (word := _word(one, strip, twice.word.box, look.reader.name, width, height)))
    if len(words) != len(twice.seen):
        return (twice.word,), first
    return (replace(words[0], others=(twice.word.text,)), *words[1:]), second


def _word(seen: Seen, strip: Strip, box: Box, engine: str, width: int, height: int) -> EngineWord | None:
    """Return a word of the second engine, as high as the first's box."""
    own = strip.part(seen.start, seen.end).clamped(width, height)
    return EngineWord(seen.text, Box(own.left, box.top, own.right, box.bottom), seen.worst, engine) if own else None


def _with_votes(reading: Reading, chances: Numbers, voted: Mapping[int, Stands], strips: tuple[Strip, ...]) -> Voted:
    place, lines, kept = 0, [], list[float]()
    for line in reading.lines:
        words: list[EngineWord] = []
        for word in line.words:
            stands, chance = voted.get(place, ((word,), float(chances[place])))
            words += stands
            kept += [chance] * len(stands)
            place += 1
        lines.append(replace(line, words=tuple(words)))
    return Voted(replace(reading, lines=tuple(lines)), tuple(kept), strips)
