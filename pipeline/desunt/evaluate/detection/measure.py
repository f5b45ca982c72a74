"""How well misread words are found: `desunt evaluate gaps-found`. The score of a word is its doubt, and of a gap the most there is."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from desunt.errors import InputError
from desunt.evaluate.conjectures.metrics import Figure, calibration_error, interval, perfect_calibration_error
from desunt.evaluate.ground_truth import GroundTruth, find_pages, read_ground_truth
from desunt.evaluate.labels import label_words
from desunt.record.document import Gap, Page, Word

Reals = NDArray[np.float64]
Flags = NDArray[np.bool_]
# The share of right words that may be flagged with the wrong ones.
ALARMS = 0.05
# What desunt made a gap of is flagged whatever the threshold.
GAP = 1.0
# A reliability diagram has so many bins of equal width, so that their sizes tell where the words lie.
TENTHS = 10


@dataclass(frozen=True, slots=True)
class Judged:
    """The words of one page whose truth is known, in order: misread or not, how doubtful (0-1), and whether desunt made a gap of it."""

    page: str
    wrong: Flags
    doubt: Reals
    gap: Flags


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one way to find misread words; `precision` and `recall` at its own flags (below the vouching threshold, or gaps).

    A figure is NaN where there is nothing to measure it on (no misread word, nothing flagged). `ece` is the calibration of the words
    that are no gaps, None where there are none or the score is no probability.
    """

    by: str
    n: int
    misread: int
    average_precision: Figure
    auroc: Figure
    found: Figure
    precision: Figure
    recall: Figure
    ece: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Bin:
    """Words whose score lies in one tenth: the mean chance they were given of being right, the share that is, and their number."""

    chance: float
    right: float
    n: int


@dataclass(frozen=True, slots=True)
class Report:
    """Both ways over the pages of a folder: figures, the curves of precision by recall, and the bins of a reliability diagram.

    Words of gaps are in no bin: a gap says that they were not read, not with what probability.
    """

    folder: str
    vouch: float
    pages: int
    rows: tuple[Row, ...]
    curves: tuple[tuple[str, Reals, Reals], ...]
    bins: tuple[tuple[str, tuple[Bin, ...]], ...]


def evaluate_found(
    folder: Path, read: Callable[[Path], tuple[Page, ...]], plain: Callable[[Path], Sequence[tuple[str, float]]], *, vouch: float
) -> Report:
    """Label every word that desunt and plain Tesseract read where there is ground truth; measure how well each knows its misreadings.

    `plain` gives words and the engine's confidence (0-1). Raises InputError if the folder has no image with ground truth.
    """
    pairs = [(image, read_ground_truth(truth)) for image, truth in find_pages(folder) if truth]
    if not pairs:
        raise InputError(f"no image in {folder} has ground truth beside it", remedy="put NAME.gt.txt beside NAME.png")
    ours = [judged(image.name, truth, said_words(read(image))) for image, truth in pairs]
    theirs = [judged(image.name, truth, [(text, 1 - sure, False) for text, sure in plain(image)]) for image, truth in pairs]
    rows = (row("desunt", ours, 1 - vouch, calibrated=True), row("Tesseract's confidence", theirs, 1 - vouch, calibrated=False))
    sides = list(zip((one.by for one in rows), (ours, theirs), strict=True))
    curves = tuple((name, *curve(*pooled_words(pages))) for name, pages in sides)
    return Report(str(folder), vouch, len(pairs), rows, curves, tuple((name, bins_by_tenth(pages)) for name, pages in sides))


def said_words(pages: Iterable[Page]) -> list[tuple[str, float, bool]]:
    """Return every word that was read, those of gaps with them: its text, its doubt, and whether desunt made a gap of it."""
    return [one for page in pages for line in page.lines for token in line.tokens for one in _said(token)]


def _said(token: Word | Gap) -> list[tuple[str, float, bool]]:
    if isinstance(token, Word):
        return [(token.text, 1 - (1.0 if token.legibility is None else token.legibility), False)]
    # A gap may hold several words, of which some were read rightly: it is no find where it hides those.
    return [(word, GAP, True) for word in (token.engine_reading or "").split()]


def judged(page: str, truth: GroundTruth, words: Sequence[tuple[str, float, bool]]) -> Judged:
    """Label words, each with its doubt and whether it is a gap's reading; those whose truth nobody knows are left out."""
    labels = label_words(truth, [text for text, _, _ in words])
    kept = [(label == "wrong", doubt, gap) for label, (_, doubt, gap) in zip(labels, words, strict=True) if label != "unscored"]
    columns = list(zip(*kept, strict=True)) or [(), (), ()]
    return Judged(page, np.array(columns[0], bool), np.array(columns[1], float), np.array(columns[2], bool))


def pooled_words(pages: Sequence[Judged]) -> tuple[Flags, Reals]:
    """Return of the words of all pages which are misread, and how doubtful each is."""
    return np.concatenate([page.wrong for page in pages]), np.concatenate([page.doubt for page in pages])


def row(by: str, pages: Sequence[Judged], threshold: float, *, calibrated: bool) -> Row:
    """Measure one way over pages; intervals are by resampling pages."""

    def over(statistic: Callable[[Flags, Reals], float]) -> Figure:
        return interval(len(pages), lambda chosen: statistic(*pooled_words([pages[i] for i in chosen])))

    wrong, doubt = pooled_words(pages)
    words = ~np.concatenate([page.gap for page in pages])
    chances, right = 1 - doubt[words], (~wrong[words]).astype(float)
    ece = (calibration_error(chances, right), perfect_calibration_error(chances)) if calibrated and words.any() else None
    return Row(
        by, len(wrong), int(wrong.sum()), over(average_precision), over(auroc), over(found_at),
        over(lambda w, d: _share(w, d > threshold)), over(lambda w, d: _share(d > threshold, w)), ece,
    )  # fmt: skip


def bins_by_tenth(pages: Sequence[Judged]) -> tuple[Bin, ...]:
    """Return the bins in which there are words, the least chance of being right first."""
    wrong, doubt = pooled_words(pages)
    words = ~np.concatenate([page.gap for page in pages])
    chances, right = 1 - doubt[words], ~wrong[words]
    tenth = np.minimum((chances * TENTHS).astype(int), TENTHS - 1)
    members = [tenth == place for place in range(TENTHS)]
    return tuple(Bin(float(chances[one].mean()), float(right[one].mean()), int(one.sum())) for one in members if one.any())


def _share(flags: Flags, among: Flags) -> float:
    return float(flags[among].mean()) if among.any() else float("nan")


def auroc(wrong: Flags, score: Reals) -> float:
    """Return the chance that a misread word scores higher than a right one (Mann-Whitney); ties count half."""
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    positive, negative = int(wrong.sum()), int((~wrong).sum())
    if not positive or not negative:
        return float("nan")
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[wrong].sum() - positive * (positive + 1) / 2) / (positive * negative))


def average_precision(wrong: Flags, score: Reals) -> float:
    """Return the mean over misread words of the precision at their place; equal scores share the precision behind the last of them."""
    if not wrong.any():
        return float("nan")
    precision, _, ordered = _precisions(wrong, score)
    return float(precision[ordered].mean())


def found_at(wrong: Flags, score: Reals, alarms: float = ALARMS) -> float:
    """Return the share of misread words that score above all but this share of the right ones."""
    if not wrong.any() or wrong.all():
        return float("nan")
    return float(np.mean(score[wrong] > alarm_doubt(wrong, score, alarms)))


def alarm_doubt(wrong: Flags, score: Reals, alarms: float) -> float:
    """Return the score above which this share of the right words lies, or less where scores tie; there must be a right word."""
    return float(np.quantile(score[~wrong], 1 - alarms))


def curve(wrong: Flags, score: Reals) -> tuple[Reals, Reals]:
    """Return recall and precision at each threshold, from the highest score down."""
    precision, recall, _ = _precisions(wrong, score)
    return recall, precision


def _precisions(wrong: Flags, score: Reals) -> tuple[Reals, Reals, Flags]:
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

    return list(_confidences(tesseract_table(image)))


def _confidences(table: str) -> Iterator[tuple[str, float]]:
    for line in csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        if line["level"] == "5" and line["text"].strip():
            yield line["text"], max(0.0, float(line["conf"])) / 100
