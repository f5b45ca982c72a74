"""What there is to see about a word that an engine read: the evidence that the model `single` of `legibility` weighs."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import numpy as np

from desunt.lm.char_ngrams import CharTrigrams
from desunt.lm.lexicon import Lexicon, strip_punctuation
from desunt.ocr.confidence.legibility import SINGLE_FEATURES, WORD_FEATURES, FeatureMatrix
from desunt.ocr.engines import EngineLine, EngineWord, OcrResult
from desunt.ocr.preprocessing.ink import InkMask

# A hyphen that may divide a word at the end of a line.
LINE_END_HYPHEN = re.compile(r"[^\W\d_]-$")
USUAL_PUNCTUATION = frozenset(".,;:'\"()-’“”‘$%&/?!—–")
# Surer no word counts, nor less sure: beyond, the logarithm of the odds says more than an engine knows.
MIN_CONFIDENCE, MAX_CONFIDENCE = 0.01, 0.985
# Fewer words in a line do not show its usual height.
MIN_WORDS_FOR_HEIGHT = 4
# A component is a speck below this share of the square of the word's height, or below so many pixels.
MAX_SPECK_SHARE, MAX_SPECK_PIXELS = 0.004, 3.0
# Ink share added to both sides of a ratio, and the least usual one: hardly inked words must not divide by nothing.
INK_SLACK = 0.01


def word_features(result: OcrResult, ink: InkMask, lexicon: Lexicon, trigrams: CharTrigrams) -> FeatureMatrix:
    """Return (words, features) for all words of the result in its order; boxes must be in pixels of the ink's page."""
    if not result.words:
        return np.zeros((0, len(SINGLE_FEATURES)))
    cores = _cores(result, lexicon)
    lexical = np.array([_lexical_features(word, core, lexicon, trigrams) for word, core in zip(result.words, cores, strict=True)])
    return np.hstack([lexical, _context_features(result, lexical, ink)])


def _cores(result: OcrResult, lexicon: Lexicon) -> list[str]:
    """Return of each word what is looked up: itself without outer marks; for both halves of a word divided at a line's end the whole.

    Half of a word is in no lexicon, and would pass for noise. The whole must be known: else each half stands for itself.
    """
    cores = [[strip_punctuation(word.text) for word in line.words] for line in result.lines]
    for (line, above), (following, below) in pairwise(zip(result.lines, cores, strict=True)):
        divided = above and below and line.block == following.block and LINE_END_HYPHEN.search(line.words[-1].text)
        # Nobody parts a single letter from the end of a word.
        if divided and len(below[0]) > 1 and below[0][0].islower() and (whole := above[-1] + below[0]) in lexicon:
            above[-1] = below[0] = whole
    return [core for line in cores for core in line]


def _lexical_features(word: EngineWord, core: str, lexicon: Lexicon, trigrams: CharTrigrams) -> list[float]:
    """Return what the word alone tells; `core` is what is looked up of it."""
    text = word.text
    confidence = _logit(word.confidence)
    count = lexicon.count(core)
    letters = sum(char.isalpha() for char in text) / len(text)
    digits = sum(char.isdigit() for char in text) / len(text)
    spelling = trigrams.mean_log_prob(core)
    return [
        confidence, confidence**2, confidence * (count > 0), float(count > 0), math.log10(count + 1), spelling, spelling * (count == 0),
        math.log(len(core) + 1), float(len(core) == 1), float(not word.letters), letters, digits,
        float(digits > 0 and letters == 0), sum(not char.isalnum() and char not in USUAL_PUNCTUATION for char in text) / len(text),
        float(any(a.islower() and b.isupper() for a, b in pairwise(core))), float(len(core) > 1 and core.isupper()),
        float(digits > 0 and letters > 0), float(any(not char.isalnum() and char not in "-'/&" for char in core)),
    ]  # fmt: skip


def _logit(share: float) -> float:
    bounded = min(max(share, MIN_CONFIDENCE), MAX_CONFIDENCE)
    return math.log(bounded / (1.0 - bounded))


def _context_features(result: OcrResult, lexical: FeatureMatrix, ink: InkMask) -> FeatureMatrix:
    """Return what line, page and ink tell about each word."""
    confidence, known = lexical[:, 0], lexical[:, WORD_FEATURES.index("known")]
    heights = np.array([word.box.height for word in result.words], float)
    advances = np.array([word.box.width / len(word.text) for word in result.words])
    shares = np.array([ink.share(word.box) for word in result.words])
    usual_advance, usual_share = float(np.median(advances)), max(float(np.median(shares)), INK_SLACK)
    page_means = [float(np.mean(confidence)), float(np.mean(known))]
    rows: list[list[float]] = []
    start = 0
    for line in result.lines:
        place = slice(start, start + len(line.words))
        usual_height = float(np.median(heights[place] if len(line.words) >= MIN_WORDS_FOR_HEIGHT else heights))
        for k, neighbours in enumerate(_neighbour_features(line, confidence[place], known[place]), start):
            ratios = heights[k] / usual_height, advances[k] / usual_advance, (shares[k] + INK_SLACK) / usual_share
            component_features = _component_features(line.words[k - start], ink)
            rows.append([*neighbours[:3], *page_means, neighbours[3], *(abs(math.log(ratio)) for ratio in ratios), *component_features])
        start = place.stop
    return np.array(rows)


def _neighbour_features(line: EngineLine, confidence: FeatureMatrix, known: FeatureMatrix) -> list[tuple[float, float, float, float]]:
    """Return for each word: confidence of its neighbours, confidence and known share of the rest, log of the number of words."""
    number = len(line.words)
    if number == 1:
        return [(float(confidence[0]), float(confidence[0]), float(known[0]), 0.0)]
    rows = []
    for i in range(number):
        beside = [confidence[k] for k in (i - 1, i + 1) if 0 <= k < number]
        rest = (confidence.sum() - confidence[i]) / (number - 1), (known.sum() - known[i]) / (number - 1)
        rows.append((float(np.mean(beside)), float(rest[0]), float(rest[1]), math.log(number)))
    return rows


def _component_features(word: EngineWord, ink: InkMask) -> tuple[float, float, float]:
    """Return connected components a letter, specks a letter, and the share of the word's ink in components far larger than the word.

    Broken type has many components, blots and underlines one that runs on beyond the word.
    """
    labels, pixels = np.unique(ink.labels_in(word.box), return_counts=True)
    components, letters = ink.components[labels], max(1, len(word.text))
    specks = components[:, 4] < max(MAX_SPECK_PIXELS, MAX_SPECK_SHARE * word.box.height**2)
    large = (components[:, 3] > 2 * word.box.height) | (components[:, 2] > 1.5 * word.box.width + word.box.height)
    beyond = float(pixels[large].sum() / pixels.sum()) if len(labels) else 0.0
    return abs(math.log((int((~specks).sum()) + 0.5) / letters)), math.log1p(float(specks.sum()) / letters), beyond
