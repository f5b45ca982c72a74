"""What there is to see about a word that an engine read: the evidence `legibility` weighs."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from desunt.lm.char_ngrams import Spelling
from desunt.lm.lexicon import Lexicon, bare
from desunt.ocr.confidence.legibility import FEATURES, WORD_FEATURES
from desunt.ocr.engines import EngineLine, EngineWord, Reading
from desunt.ocr.preprocessing.ink import Ink
from desunt.record.document import Box

Numbers = NDArray[np.float64]
# A hyphen that may divide a word at the end of a line.
DIVIDED = re.compile(r"[^\W\d_]-$")
USUAL_MARKS = frozenset(".,;:'\"()-’“”‘$%&/?!—–")


def word_features(reading: Reading, ink: Ink, lexicon: Lexicon, spelling: Spelling) -> Numbers:
    """Return (words, features) for all words of the reading in its order; boxes must be in pixels of the ink's page."""
    if not reading.words:
        return np.zeros((0, len(FEATURES)))
    own = np.array([_own(word, core, lexicon, spelling) for word, core in zip(reading.words, _cores(reading, lexicon), strict=True)])
    return np.hstack([own, _places(reading, own, ink)])


def _cores(reading: Reading, lexicon: Lexicon) -> list[str]:
    """Return of each word what is looked up: itself without outer marks; for both halves of a word divided at a line's end the whole.

    Half of a word is in no lexicon, and would pass for noise. The whole must be known: else each half stands for itself.
    """
    cores = [[bare(word.text) for word in line.words] for line in reading.lines]
    for (line, above), (following, below) in pairwise(zip(reading.lines, cores, strict=True)):
        divided = above and below and line.block == following.block and DIVIDED.search(line.words[-1].text)
        # Nobody parts a single letter from the end of a word.
        if divided and len(below[0]) > 1 and below[0][0].islower() and (whole := above[-1] + below[0]) in lexicon:
            above[-1] = below[0] = whole
    return [core for line in cores for core in line]


def _own(word: EngineWord, core: str, lexicon: Lexicon, spelling: Spelling) -> list[float]:
    """Return what the word alone tells; `core` is what is looked up of it."""
    text = word.text
    confidence = _logit(word.confidence)
    count = lexicon.count(core)
    letters = sum(char.isalpha() for char in text) / len(text)
    digits = sum(char.isdigit() for char in text) / len(text)
    fit = spelling.fit(core)
    return [
        confidence, confidence**2, confidence * (count > 0), float(count > 0), math.log10(count + 1), fit, fit * (count == 0),
        math.log(len(core) + 1), float(len(core) == 1), float(not any(char.isalnum() for char in text)), letters, digits,
        float(digits > 0 and letters == 0), sum(not char.isalnum() and char not in USUAL_MARKS for char in text) / len(text),
        float(any(a.islower() and b.isupper() for a, b in pairwise(core))), float(len(core) > 1 and core.isupper()),
        float(digits > 0 and letters > 0), float(any(not char.isalnum() and char not in "-'/&" for char in core)),
    ]  # fmt: skip


def _logit(share: float) -> float:
    bounded = min(max(share, 0.01), 0.985)
    return math.log(bounded / (1.0 - bounded))


def _places(reading: Reading, own: Numbers, ink: Ink) -> Numbers:
    """Return what line, page and ink tell about each word."""
    confidence, known = own[:, 0], own[:, WORD_FEATURES.index("known")]
    heights = np.array([word.box.height for word in reading.words], float)
    pitches = np.array([word.box.width / len(word.text) for word in reading.words])
    usual_pitch = float(np.median(pitches))
    densities = np.array([ink.share(word.box) for word in reading.words])
    pieces = _pieces(reading.words, ink)
    shared = [float(np.mean(confidence)), float(np.mean(known))]
    usual_ink = max(float(np.median(densities)), 0.01)
    rows: list[list[float]] = []
    start = 0
    for line in reading.lines:
        place = slice(start, start + len(line.words))
        usual_height = float(np.median(heights[place])) if len(line.words) >= 4 else float(np.median(heights))
        for i, context in enumerate(_contexts(line, confidence[place], known[place])):
            k = start + i
            ratios = heights[k] / usual_height, pitches[k] / usual_pitch, (densities[k] + 0.01) / usual_ink
            drawn = [abs(math.log(ratio)) for ratio in ratios]
            rows.append([*context[:3], *shared, context[3], *drawn, *pieces[k]])
        start = place.stop
    return np.array(rows)


def _contexts(line: EngineLine, confidence: Numbers, known: Numbers) -> list[tuple[float, float, float, float]]:
    """Return for each word: confidence of its neighbours, confidence and known share of the rest, log of the number of words."""
    number = len(line.words)
    if number == 1:
        return [(float(confidence[0]), float(confidence[0]), float(known[0]), 0.0)]
    found = []
    for i in range(number):
        beside = [confidence[k] for k in (i - 1, i + 1) if 0 <= k < number]
        rest = (confidence.sum() - confidence[i]) / (number - 1), (known.sum() - known[i]) / (number - 1)
        found.append((float(np.mean(beside)), float(rest[0]), float(rest[1]), math.log(number)))
    return found


def _pieces(words: Sequence[EngineWord], ink: Ink) -> list[tuple[float, float, float]]:
    """Return for each word: connected pieces a letter, specks a letter, and the share of its ink in pieces far larger than the word.

    Broken type has many pieces, blots and underlines one that runs on beyond the word.
    """
    found = []
    for word in words:
        inside = _numbers_inside(word.box, ink)
        sizes = ink.pieces[inside]
        letters = max(1, len(word.text))
        small = sizes[:, 4] < max(3.0, 0.004 * word.box.height**2)
        large = (sizes[:, 3] > 2 * word.box.height) | (sizes[:, 2] > 1.5 * word.box.width + word.box.height)
        within = np.bincount(np.searchsorted(inside, _labels(word.box, ink)), minlength=len(inside)) if len(inside) else np.zeros(0)
        beyond = float(within[large].sum() / within.sum()) if len(inside) else 0.0
        found.append((abs(math.log((int((~small).sum()) + 0.5) / letters)), math.log1p(float(small.sum()) / letters), beyond))
    return found


def _labels(box: Box, ink: Ink) -> NDArray[np.int32]:
    cut = ink.labels[max(0, box.top) : box.bottom, max(0, box.left) : box.right]
    return cut[cut > 0]


def _numbers_inside(box: Box, ink: Ink) -> NDArray[np.int32]:
    return np.unique(_labels(box, ink))
