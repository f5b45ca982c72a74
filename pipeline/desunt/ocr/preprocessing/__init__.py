"""The variant of a page that the engine reads best: cleaned only if cleaning proves itself."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from desunt.errors import PageFailed
from desunt.ocr.engines import EngineLine, EngineWord, OcrEngine, Reading, box_around, clamped_box
from desunt.ocr.preprocessing import filters as retouch
from desunt.record.document import Box

READS_WELL = 0.85  # share of letters in sure, known words from which a page is not tried again
READS_BADLY = 0.6  # below, a second cleaning is tried
READS_NOTHING = 0.3  # below, the page may lie on its side
SURE = 0.8
MARGIN = 0.02  # a variant must beat the best before it by this share,
LEAST_MARGIN = 10.0  # and by so many letters: less may be an accident of noise;
LEAST_SCORE = 25.0  # one that reads not even five words proves nothing
LETTER = 20.0  # letter height in pixels that Tesseract's network reads best in photographs
SMALLEST_LETTER = 15.0
MOST_PIXELS = 60_000_000  # no variant is made larger
SPECKLED = 1.0  # specks a letter from which a bilevel page is despeckled; below, its small pieces are parts of broken letters
TURN_CONFIDENCE = 2.0
LEAST_TILT = 0.25  # degrees; turning a page by less costs more sharpness than it gives
OUTER_MARKS = re.compile(r"^\W+|\W+$")

Affine = NDArray[np.float64]


@runtime_checkable
class FindsOrientation(Protocol):
    """What an engine may offer beside reading."""

    def orientation(self, pixels: NDArray[np.uint8], dpi: int, seconds: float) -> tuple[int, float] | None:
        """Return the clockwise turn in degrees that sets the page upright, and a confidence."""
        ...


@dataclass(frozen=True, slots=True)
class Variant:
    """One version of a page's pixels.

    `to_original` is a (2, 3) affine matrix from the variant's pixels to the original's, in edge coordinates: 0 is the left edge of
    the first pixel, as in `Box`.
    """

    name: str
    pixels: NDArray[np.uint8]
    dpi: int
    to_original: Affine


@dataclass(frozen=True, slots=True)
class BestReading:
    """The best reading of a page, in pixels of the original, with the variant it comes from.

    `evidence` names every variant that was tried, in order, with its score (-inf where the engine failed).
    """

    reading: Reading
    variant: Variant
    evidence: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class _Trial:
    """What the engine made of one variant; `sure` is `sure_share` of the reading."""

    variant: Variant
    reading: Reading | None
    score: float
    sure: float
    error: PageFailed | None = None


def read_best(pixels: NDArray[np.uint8], dpi: int, engine: OcrEngine, seconds: float, lexicon: Container[str]) -> BestReading:
    """Read a page as it is, and if it does not read well, turned upright, cleaned, and cleaned harder; return the best reading.

    `pixels` are grey (height, width) or RGB (height, width, 3); `seconds` limits each engine call. Raises what the engine raises
    if no variant could be read.
    """

    def attempt(variant: Variant) -> _Trial:
        try:
            reading = engine.read(variant.pixels, variant.dpi, seconds)
        except PageFailed as error:
            # One variant that cannot be read must not lose the page.
            return _Trial(variant, None, float("-inf"), 0.0, error)
        return _Trial(variant, reading, score(reading, lexicon), sure_share(reading, lexicon))

    upright = _untouched(pixels, dpi)
    tried = [attempt(upright)]
    if tried[0].sure < READS_NOTHING and (turn := _turn(pixels, dpi, engine, seconds)):
        upright = turned(upright, turn)
        tried.append(attempt(upright))
    if _best(tried).sure < READS_WELL:
        tried.append(attempt(_within(upright, clean(upright.pixels, dpi))))
    if _best(tried).sure < READS_BADLY:
        tried.append(attempt(_within(upright, clean_harder(upright.pixels, dpi))))
    best = _best(tried)
    if best.reading is None:
        raise tried[0].error or PageFailed("the page could not be read")
    reading = in_original(best.reading, best.variant.to_original, pixels.shape[1], pixels.shape[0])
    return BestReading(reading, best.variant, tuple((trial.variant.name, trial.score) for trial in tried))


def read_untouched(pixels: NDArray[np.uint8], dpi: int, engine: OcrEngine, seconds: float, lexicon: Container[str]) -> BestReading:
    """Read a page as it is: for an engine that does not look at the pixels, no other version of them reads better."""
    variant = _untouched(pixels, dpi)
    reading = engine.read(variant.pixels, variant.dpi, seconds)
    return BestReading(reading, variant, ((variant.name, score(reading, lexicon)),))


def clean(pixels: NDArray[np.uint8], dpi: int) -> Variant:
    """Even out the light, paint borders and specks as paper, set the lines level and the letters to the size that reads best."""
    page, letter = _prepared(pixels)
    if not retouch.is_bilevel(page):
        return _level(page, "cleaned", dpi, letter, _scale(letter))
    if retouch.speckle(page, letter) < SPECKLED:
        # Fewer, averaged pixels give broken letters half tones, which the engine was trained on.
        return _level(page, "cleaned", dpi, letter, 0.75)
    return _level(retouch.softened(retouch.despeckled(page, letter), letter / 30), "cleaned", dpi, letter, 1.0)


def clean_harder(pixels: NDArray[np.uint8], dpi: int) -> Variant:
    """Clean away dense speckle and grain too, at the price of faint and broken letters."""
    page, letter = _prepared(pixels)
    if not retouch.is_bilevel(page):
        return _level(retouch.softened(page, letter / 20), "cleaned-hard", dpi, letter, 0.8 * _scale(letter))
    clear = retouch.despeckled if retouch.speckle(page, letter) < SPECKLED else retouch.speckle_melted
    return _level(retouch.softened(clear(page, letter), letter / 30), "cleaned-hard", dpi, letter, 1.0)


def _prepared(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """Return the page grey, without borders and in even light, and its letter height in pixels."""
    page = retouch.border_painted(retouch.grey(pixels))
    if not retouch.is_bilevel(page):
        page = retouch.flattened(page)
    return page, retouch.letter_height(retouch.ink_of(page))


def turned(variant: Variant, degrees: int) -> Variant:
    """Turn a variant clockwise by a multiple of 90 degrees."""
    quarters = degrees // 90 % 4
    height, width = variant.pixels.shape[:2]
    back: dict[int, list[list[float]]] = {
        0: [[1, 0, 0], [0, 1, 0]],
        1: [[0, 1, 0], [-1, 0, height]],
        2: [[-1, 0, width], [0, -1, height]],
        3: [[0, -1, width], [1, 0, 0]],
    }
    pixels = np.ascontiguousarray(np.rot90(variant.pixels, -quarters))
    return Variant(f"rotated-{90 * quarters}", pixels, variant.dpi, _after(variant.to_original, np.array(back[quarters], np.float64)))


def score(reading: Reading, lexicon: Container[str]) -> float:
    """Return how many letters of a reading are probably right, by the engine's confidence and the lexicon; junk counts against it."""
    return sum(_worth(word, lexicon) for word in reading.words)


def _worth(word: EngineWord, lexicon: Container[str]) -> float:
    """Return the letters of a word that are probably right.

    A known word is rarely an accident, however unsure the engine is; an unknown one is a name or junk, and 0.6 is where these
    balance. Words of one or two letters are found in any noise, figures are in no lexicon: they count half, a single digit nothing.
    Chosen by
    comparing scores with ground truth over 21 variants of 11 hard pages.
    """
    letters = sum(character.isalnum() for character in word.text)
    if not letters:
        return -0.3
    core, marks = _core(word.text), len(word.text) - letters
    if core in lexicon:
        return letters * (0.5 + 0.5 * word.confidence) if len(core) > 2 else letters * 0.5 * word.confidence - 0.5 * (marks > 1)
    if len(core) > 1 and core.replace(",", "").replace(".", "").isdigit():
        return letters * 0.5 * word.confidence - 0.2 * marks
    return letters * (word.confidence - 0.6) - 0.2 * marks


def sure_share(reading: Reading, lexicon: Container[str]) -> float:
    """Return the share of a reading's characters that stand in known words of which the engine is sure; 0 without words."""
    sure = sum(len(word.text) for word in reading.words if word.confidence >= SURE and _core(word.text) in lexicon)
    return sure / max(1, sum(len(word.text) for word in reading.words))


def in_original(reading: Reading, to_original: Affine, width: int, height: int) -> Reading:
    """Return the reading with boxes and baselines in the original's pixels, cut to its size; what lies outside is left out."""
    lines = (_line_in_original(line, to_original, width, height) for line in reading.lines)
    return Reading(tuple(line for line in lines if line), reading.engine, reading.version)


def _line_in_original(line: EngineLine, to_original: Affine, width: int, height: int) -> EngineLine | None:
    boxed = ((word, _box_in_original(word.box, to_original, width, height)) for word in line.words)
    words = tuple(EngineWord(word.text, box, word.confidence) for word, box in boxed if box)
    if not words:
        return None
    around = _box_in_original(line.box, to_original, width, height) or box_around(words)
    baseline = line.baseline
    if baseline:
        (x0, y0), (x1, y1) = np.rint(_moved(np.array(baseline, np.float64), to_original)).astype(int).tolist()
        baseline = ((_cut(x0, width), _cut(y0, height)), (_cut(x1, width), _cut(y1, height)))
    return EngineLine(words, around, line.block, baseline)


def _box_in_original(box: Box, to_original: Affine, width: int, height: int) -> Box | None:
    corners = [(x, y) for x in (box.left, box.right) for y in (box.top, box.bottom)]
    moved = _moved(np.array(corners, np.float64), to_original)
    (left, top), (right, bottom) = moved.min(axis=0).tolist(), moved.max(axis=0).tolist()
    return clamped_box(left, top, right, bottom, width, height)


def _moved(points: NDArray[np.float64], matrix: Affine) -> NDArray[np.float64]:
    """Return (n, 2) points moved by an affine matrix."""
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2])


def _cut(place: int, size: int) -> int:
    return min(size - 1, max(0, place))


def _core(text: str) -> str:
    """Return the word without the marks around it."""
    return OUTER_MARKS.sub("", text)


def _best(tried: list[_Trial]) -> _Trial:
    """Return the trial with the highest score; a later one must be better by a margin, so that the untouched page is used when in doubt."""
    best = tried[0]
    for trial in tried[1:]:
        needed = max(LEAST_SCORE, best.score + MARGIN * abs(best.score) + LEAST_MARGIN)
        if trial.score > needed or (best.reading is None and trial.reading is not None):
            best = trial
    return best


def _untouched(pixels: NDArray[np.uint8], dpi: int) -> Variant:
    return Variant("untouched", pixels, dpi, np.eye(2, 3))


def _within(upright: Variant, cleaned: Variant) -> Variant:
    """Return a cleaned variant of an upright one as a variant of the original."""
    name = cleaned.name if upright.name == "untouched" else f"{upright.name}+{cleaned.name}"
    return Variant(name, cleaned.pixels, cleaned.dpi, _after(upright.to_original, cleaned.to_original))


def _turn(pixels: NDArray[np.uint8], dpi: int, engine: OcrEngine, seconds: float) -> int:
    """Return the clockwise turn that sets the page upright, 0 if the engine cannot tell."""
    if not isinstance(engine, FindsOrientation):
        return 0
    try:
        found = engine.orientation(pixels, dpi, seconds)
    except PageFailed:
        return 0
    return found[0] % 360 if found and found[1] >= TURN_CONFIDENCE else 0


def _scale(letter: float) -> float:
    """Return the factor that brings letters of photographs to the size Tesseract reads best."""
    if letter > LETTER:
        return LETTER / letter
    return min(3.0, max(1.0, SMALLEST_LETTER / letter))


def _level(page: NDArray[np.uint8], name: str, dpi: int, letter: float, scale: float) -> Variant:
    """Turn the page so that its lines are level, and scale it, in one step."""
    height, width = page.shape
    angle = retouch.tilt(retouch.ink_of(page), letter)
    if abs(angle) < LEAST_TILT:
        angle = 0.0
    scale = min(scale, (MOST_PIXELS / page.size) ** 0.5)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turn = np.array([[cos, sin], [-sin, cos]]) * scale
    middle = np.array([width / 2, height / 2])
    matrix = np.column_stack([turn, np.array(size) / 2 - turn @ middle]) if angle else np.column_stack([turn, np.zeros(2)])
    pixels = page if scale == 1.0 and not angle else retouch.warped(page, matrix, size)
    return Variant(name, pixels, max(1, round(dpi * scale)), _inverse(matrix))


def _inverse(matrix: Affine) -> Affine:
    whole: Affine = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
    return whole[:2]


def _after(second: Affine, first: Affine) -> Affine:
    """Return the matrix that moves by the first, then by the second."""
    return np.asarray((np.vstack([second, [0, 0, 1]]) @ np.vstack([first, [0, 0, 1]]))[:2], np.float64)
