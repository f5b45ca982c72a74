"""How well misread words are found: `desunt evaluate detection`. The score of a word is its doubt, and of a gap the most there is."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from desunt.errors import InputError
from desunt.evaluate.conjectures.metrics import Estimate, bootstrap_interval, expected_calibration_error, ideal_ece
from desunt.evaluate.ground_truth import GroundTruth, find_pages, read_ground_truth
from desunt.evaluate.labels import label_words
from desunt.record.document import Gap, Page, Word

Reals = NDArray[np.float64]
Flags = NDArray[np.bool_]
# The share of right words that may be flagged with the wrong ones.
MAX_FALSE_POSITIVE_RATE = 0.05
# What desunt made a gap of is flagged whatever the threshold.
GAP_SCORE = 1.0
# The bins of a reliability diagram are of equal width, so that their sizes tell where the words lie.
CALIBRATION_BINS = 10


@dataclass(frozen=True, slots=True)
class LabelledWords:
    """The words of one page whose truth is known, in order: misread or not, how doubtful (0-1), and whether desunt made a gap of it."""

    page: str
    wrong: Flags
    score: Reals
    is_gap: Flags


@dataclass(frozen=True, slots=True)
class DetectionFigures:
    """The figures of one way to find misread words; `precision` and `recall` at its own flags (below the vouching threshold, or gaps).

    A figure is NaN where there is nothing to measure it on (no misread word, nothing flagged). `ece` is the calibration of the words
    that are no gaps, None where there are none or the score is no probability.
    """

    system: str
    n: int
    misread: int
    average_precision: Estimate
    auroc: Estimate
    recall_at_fpr: Estimate
    precision: Estimate
    recall: Estimate
    ece: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Words whose score lies in one tenth: the mean chance they were given of being right, the share that is, and their number."""

    mean_probability: float
    accuracy: float
    n: int


@dataclass(frozen=True, slots=True)
class DetectionReport:
    """Both ways over the pages of a folder: figures, the curves of precision by recall, and the bins of a reliability diagram.

    Words of gaps are in no bin: a gap says that they were not read, not with what probability.
    """

    folder: str
    vouch: float
    pages: int
    rows: tuple[DetectionFigures, ...]
    curves: tuple[tuple[str, Reals, Reals], ...]
    bins: tuple[tuple[str, tuple[CalibrationBin, ...]], ...]


def evaluate_detection(
    folder: Path, read: Callable[[Path], tuple[Page, ...]], plain: Callable[[Path], Sequence[tuple[str, float]]], *, vouch: float
) -> DetectionReport:
    """Label every word that desunt and plain Tesseract read where there is ground truth; measure how well each knows its misreadings.

    `plain` gives words and the engine's confidence (0-1). Raises InputError if the folder has no image with ground truth.
    """
    pairs = [(image, read_ground_truth(truth)) for image, truth in find_pages(folder) if truth]
    if not pairs:
        raise InputError(f"no image in {folder} has ground truth beside it", remedy="put NAME.gt.txt beside NAME.png")
    ours = [label_page(image.name, truth, scored_words(read(image))) for image, truth in pairs]
    theirs = [label_page(image.name, truth, [(text, 1 - confidence, False) for text, confidence in plain(image)]) for image, truth in pairs]
    figures = (
        detection_figures("desunt", ours, 1 - vouch, calibrated=True),
        detection_figures("Tesseract's confidence", theirs, 1 - vouch, calibrated=False),
    )
    systems = list(zip((row.system for row in figures), (ours, theirs), strict=True))
    curves = tuple((name, *precision_recall_curve(*pool_words(pages))) for name, pages in systems)
    bins = tuple((name, calibration_bins(pages)) for name, pages in systems)
    return DetectionReport(str(folder), vouch, len(pairs), figures, curves, bins)


def scored_words(pages: Iterable[Page]) -> list[tuple[str, float, bool]]:
    """Return every word that was read, those of gaps with them: its text, its doubt, and whether desunt made a gap of it."""
    return [word for page in pages for line in page.lines for token in line.tokens for word in _scored_token(token)]


def _scored_token(token: Word | Gap) -> list[tuple[str, float, bool]]:
    if isinstance(token, Word):
        return [(token.text, 1 - (1.0 if token.legibility is None else token.legibility), False)]
    # A gap may hold several words, of which some were read rightly: it is no find where it hides those.
    return [(word, GAP_SCORE, True) for word in (token.engine_reading or "").split()]


def label_page(page: str, truth: GroundTruth, words: Sequence[tuple[str, float, bool]]) -> LabelledWords:
    """Label words, each with its doubt and whether it is a gap's reading; those whose truth nobody knows are left out."""
    labels = label_words(truth, [text for text, _, _ in words])
    scored = [(label == "wrong", doubt, is_gap) for label, (_, doubt, is_gap) in zip(labels, words, strict=True) if label != "unscored"]
    columns = list(zip(*scored, strict=True)) or [(), (), ()]
    return LabelledWords(page, np.array(columns[0], bool), np.array(columns[1], float), np.array(columns[2], bool))


def pool_words(pages: Sequence[LabelledWords]) -> tuple[Flags, Reals]:
    """Return of the words of all pages which are misread, and how doubtful each is."""
    return np.concatenate([page.wrong for page in pages]), np.concatenate([page.score for page in pages])


def _pool_read_words(pages: Sequence[LabelledWords]) -> tuple[Reals, Flags]:
    """Return of the words that are no gaps the probability that each is right, and whether it is."""
    wrong, score = pool_words(pages)
    is_word = ~np.concatenate([page.is_gap for page in pages])
    return 1 - score[is_word], ~wrong[is_word]


def detection_figures(system: str, pages: Sequence[LabelledWords], threshold: float, *, calibrated: bool) -> DetectionFigures:
    """Measure one way over pages; intervals are by resampling pages."""

    def over_pages(statistic: Callable[[Flags, Reals], float]) -> Estimate:
        return bootstrap_interval(len(pages), lambda chosen: statistic(*pool_words([pages[i] for i in chosen])))

    wrong, _ = pool_words(pages)
    probabilities, right = _pool_read_words(pages)
    ece = (expected_calibration_error(probabilities, right.astype(float)), ideal_ece(probabilities)) if calibrated and len(right) else None
    return DetectionFigures(
        system, len(wrong), int(wrong.sum()), over_pages(average_precision), over_pages(auroc), over_pages(recall_at_fpr),
        over_pages(lambda w, s: _share_flagged(w, s > threshold)), over_pages(lambda w, s: _share_flagged(s > threshold, w)), ece,
    )  # fmt: skip


def calibration_bins(pages: Sequence[LabelledWords]) -> tuple[CalibrationBin, ...]:
    """Return the bins in which there are words, the least probability of being right first."""
    probabilities, right = _pool_read_words(pages)
    bin_of_word = np.minimum((probabilities * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    members = [bin_of_word == number for number in range(CALIBRATION_BINS)]
    return tuple(CalibrationBin(float(probabilities[m].mean()), float(right[m].mean()), int(m.sum())) for m in members if m.any())


def _share_flagged(flags: Flags, among: Flags) -> float:
    return float(flags[among].mean()) if among.any() else float("nan")


def auroc(wrong: Flags, score: Reals) -> float:
    """Return the chance that a misread word scores higher than a right one (Mann-Whitney); ties count half."""
    _, value_index, counts = np.unique(score, return_inverse=True, return_counts=True)
    positive, negative = int(wrong.sum()), int((~wrong).sum())
    if not positive or not negative:
        return float("nan")
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[value_index]
    return float((ranks[wrong].sum() - positive * (positive + 1) / 2) / (positive * negative))


def average_precision(wrong: Flags, score: Reals) -> float:
    """Return the mean over misread words of the precision at their place; equal scores share the precision behind the last of them."""
    if not wrong.any():
        return float("nan")
    precision, _, ordered = _ranked_precisions(wrong, score)
    return float(precision[ordered].mean())


def recall_at_fpr(wrong: Flags, score: Reals, max_fpr: float = MAX_FALSE_POSITIVE_RATE) -> float:
    """Return the share of misread words that score above all but this share of the right ones."""
    if not wrong.any() or wrong.all():
        return float("nan")
    return float(np.mean(score[wrong] > score_at_fpr(wrong, score, max_fpr)))


def score_at_fpr(wrong: Flags, score: Reals, max_fpr: float) -> float:
    """Return the score above which this share of the right words lies, or less where scores tie; there must be a right word."""
    return float(np.quantile(score[~wrong], 1 - max_fpr))


def precision_recall_curve(wrong: Flags, score: Reals) -> tuple[Reals, Reals]:
    """Return recall and precision at each threshold, from the highest score down."""
    precision, recall, _ = _ranked_precisions(wrong, score)
    return recall, precision


def _ranked_precisions(wrong: Flags, score: Reals) -> tuple[Reals, Reals, Flags]:
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    last = np.searchsorted(-ordered, -ordered, side="right") - 1
    hits = np.cumsum(wrong[order])
    precision: Reals = (hits / np.arange(1, len(order) + 1))[last]
    recall: Reals = (hits / max(1, int(wrong.sum())))[last]
    return precision, recall, wrong[order]


def tesseract_words(image: Path) -> list[tuple[str, float]]:
    """Return the words of plain Tesseract with its confidence, 0-1, in reading order. Raises what `plain_tesseract` raises."""
    from desunt.evaluate.ocr.measure import tesseract_table

    return list(_word_confidences(tesseract_table(image)))


def _word_confidences(table: str) -> Iterator[tuple[str, float]]:
    for line in csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        if line["level"] == "5" and line["text"].strip():
            yield line["text"], max(0.0, float(line["conf"])) / 100
