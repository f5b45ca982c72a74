"""Fit the legibility models on scans with ground truth: `models/legibility.json`, and print what they are worth.

    python -m training.fit_legibility SCANS... [--cache folder] [--out models/legibility.json] [--date 2026-11-26]

Every image below the folders that has a transcript beside it (`page.lines.json`, `page.gt.txt`, see `word_labels.py`) is read
as `desunt run` reads it, and all its words by the second engine. The figures are of words of documents the models were not fitted
on: a fit for each document left out. Pages whose names differ only in a last number are one document. Fitting is deterministic;
reading takes most of the time and is kept in the cache folder.
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from desunt.evaluate.conjectures.metrics import expected_calibration_error
from desunt.evaluate.detection.measure import auroc, average_precision, recall_at_fpr
from desunt.lm.lexicon import load_lexicon
from desunt.ocr.confidence.legibility import MAX_DEVIATIONS, MODEL_FEATURES, FeatureMatrix, Legibility, LogisticRegression
from desunt.ocr.engines import OcrResult, load_engine
from desunt.ocr.preprocessing import read_best
from desunt.ocr.preprocessing.blot_removal import read_without_blots
from desunt.record.atomic import sha256_of
from desunt.scan import read_page
from training import MODELS
from training.read_twice import (
    UNFITTED,
    CombinedPage,
    LabelledPage,
    Pixels,
    combine_page,
    comparison_rows,
    read_both,
    recovered_rows,
    single_rows,
    standing_words,
)
from training.word_labels import find_transcript

Numbers: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

IMAGES = {".png", ".jpg", ".jpeg", ".tif", ".tiff"}
MAX_PIXELS, DPI, PAGE_SECONDS = 200_000_000, 300, 300.0
RIDGE = 3.0
NEWTON_STEPS, CONVERGED = 50, 1e-8
# A gap does less harm than a word that stays only where most words that would go are wrong: so many of those in so wide a band below it.
MIN_WRONG_SHARE, BAND_WIDTH, MIN_BAND_WORDS = 0.7, 0.1, 20
REPORTED_READ, REPORTED_VOUCH = (0.1, 0.2, 0.3, 0.4, 0.5), (0.8, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class LabelledPredictions:
    """Words whose truth is known (1 right, 0 not), with a chance for each that it is right, and the folder of each."""

    right: Numbers
    chance: Numbers
    folder: NDArray[np.str_]

    def of_folder(self, folder: str) -> LabelledPredictions:
        chosen = self.folder == folder
        return LabelledPredictions(self.right[chosen], self.chance[chosen], self.folder[chosen])

    @property
    def wrong(self) -> Flags:
        return np.equal(self.right, 0)


def document_of(path: Path) -> str:
    """Return the name without its page number: `EHRI-BF-19380509b_EN_01` and `_02` are one document."""
    return f"{path.parent.name}/{re.sub(r'_(?:EN_)?p?[0-9]{1,3}$', '', path.stem)}"


def find_scans(folders: Sequence[Path]) -> list[Path]:
    """Return the images that have a transcript beside them."""
    images = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in IMAGES)
    return [path for path in images if path.with_suffix(".lines.json").exists() or find_transcript(path)]


def read_first(path: Path) -> tuple[Pixels, int, OcrResult]:
    """Return a scan's pixels, its resolution, and the result `desunt run` would have of it by the first engine alone."""
    engine, lexicon = load_engine("tesseract", "eng"), load_lexicon()
    scan = read_page(path, 1, name=path.name, sha256=sha256_of(path), max_pixels=MAX_PIXELS, pdf_dpi=DPI)
    best = read_best(scan.pixels, scan.image.dpi, engine, PAGE_SECONDS, lexicon)
    best = read_without_blots(best, scan.pixels, engine, PAGE_SECONDS, lexicon)
    print(f"{path.name}: {len(best.result.words)} words", flush=True)
    return scan.pixels, scan.image.dpi, best.result


def fit(name: str, features: FeatureMatrix, right: Numbers, ridge: float = RIDGE) -> LogisticRegression:
    """Return the logistic regression of that name with a ridge penalty, by Newton's method."""
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    scaled = np.c_[np.clip((features - mean) / scale, -MAX_DEVIATIONS, MAX_DEVIATIONS), np.ones(len(features))]
    weights = np.zeros(scaled.shape[1])
    penalty = np.diag([ridge] * features.shape[1] + [0.0])
    for _ in range(NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-scaled @ weights))
        gradient = scaled.T @ (right - chance) - penalty @ weights
        step = np.linalg.solve((scaled * (chance * (1 - chance))[:, None]).T @ scaled + penalty, gradient)
        weights += step
        if np.abs(step).max() < CONVERGED:
            break
    *columns, intercept = weights.tolist()
    return LogisticRegression(MODEL_FEATURES.get(name, ()), tuple(mean.tolist()), tuple(scale.tolist()), tuple(columns), intercept)


def fit_voting(pages: Sequence[LabelledPage]) -> Legibility:
    """Return the models that vote on words; that of words beyond them, `recovered`, is fitted on what the vote leaves."""
    single = fit("single", *single_rows(pages))
    primary, secondary = comparison_rows(pages, single)
    return Legibility(single, fit("primary", *primary), fit("secondary", *secondary), UNFITTED, threshold_read=0.0)


def combine_left_out(pages: Sequence[LabelledPage]) -> list[tuple[Legibility, CombinedPage]]:
    """Return each page voted on by models fitted without its document."""
    combined = []
    for document in sorted({document_of(page.path) for page in pages}):
        legibility = fit_voting([page for page in pages if document_of(page.path) != document])
        combined += [(legibility, combine_page(page, legibility)) for page in pages if document_of(page.path) == document]
        print(f"{document} left out", flush=True)
    return combined


def predict_left_out(combined: Sequence[tuple[Legibility, CombinedPage]]) -> dict[str, LabelledPredictions]:
    """Return by each way to judge them the words of every document, by models fitted without it.

    *Engine*: its confidence; *alone*: its words by our model; *voted*: the words that stand after the second engine.
    """
    rows: dict[str, list[tuple[float, float, str]]] = {"engine": [], "alone": [], "voted": []}
    for document in sorted({document_of(one.page.path) for _, one in combined}):
        recovered = fit("recovered", *recovered_rows([one for _, one in combined if document_of(one.page.path) != document]))
        for legibility, one in combined:
            if document_of(one.page.path) == document:
                page, words = one.page, one.page.result.words
                for way, verdicts, chances in (
                    ("engine", page.first_right, [word.confidence for word in words]),
                    ("alone", page.first_right, legibility.single.predict_proba(page.features).tolist()),
                    ("voted", *standing_words(one, recovered)),
                ):
                    pairs = zip(verdicts, chances, strict=True)
                    rows[way] += [(float(right), float(chance), page.path.parent.name) for right, chance in pairs if right is not None]
    return {way: LabelledPredictions(*(np.array(column) for column in zip(*words, strict=True))) for way, words in rows.items()}


def report(predictions: Mapping[str, LabelledPredictions]) -> Iterator[str]:
    """Yield the measures, overall and for each folder, then what the thresholds do to the words that stand at last."""
    yield f"{'':20}{'words':>7}{'right':>7}{'misread':>9}{'AUROC':>8}{'AP':>8}{'ECE':>8}{'found@5%':>10}"
    for folder in ("all", *np.unique(predictions["voted"].folder)):
        for way, whole in predictions.items():
            words = whole if folder == "all" else whole.of_folder(folder)
            figures = "".join(f"{figure:9.4f}" for figure in (*_figures(words), recall_at_fpr(words.wrong, 1 - words.chance)))
            yield f"{folder:10}{way:10}{len(words.right):7}{int((~words.wrong).sum()):7}{words.wrong.sum():9}{figures}"
    words = predictions["voted"]
    for read in (*REPORTED_READ, find_threshold(words)):
        gone = words.chance < read
        shares = f"{words.wrong[gone].mean():.3f} of them misread, {gone[words.wrong].mean():.3f} of all misread words"
        yield f"read {read}: {gone.sum()} words go, {shares}"
    for vouch in REPORTED_VOUCH:
        sure = words.chance >= vouch
        yield f"vouch {vouch}: {sure.mean():.3f} of words, {words.wrong[sure].mean():.4f} of them misread"


def _figures(words: LabelledPredictions) -> tuple[float, float, float]:
    """Return AUROC and average precision of doubt, and the expected calibration error."""
    wrong, doubt = words.wrong, 1 - words.chance
    return auroc(wrong, doubt), average_precision(wrong, doubt), expected_calibration_error(words.chance, words.right)


def find_threshold(words: LabelledPredictions, min_wrong_share: float = MIN_WRONG_SHARE) -> float:
    """Return the highest threshold, to 0.01 and at most 0.5, such that of the words just below it at least this share is wrong."""
    for threshold in np.arange(0.5, 0.0, -0.01):
        just_below = (words.chance < threshold) & (words.chance >= threshold - BAND_WIDTH)
        if just_below.sum() >= MIN_BAND_WORDS and words.wrong[just_below].mean() >= min_wrong_share:
            return round(float(threshold), 2)
    return 0.0


def as_json(legibility: Legibility, words: LabelledPredictions, documents: int, date: str) -> dict[str, Any]:
    """Return the content of `legibility.json`; numbers are rounded so that the file is the same on every machine."""
    figures = zip(("auroc", "average_precision", "calibration_error"), _figures(words), strict=True)
    return {
        "what": "logistic regressions: probability that a word was read right, by one engine or after a second; see legibility.md",
        "date": date,
        "words": len(words.right),
        "misread": int(words.wrong.sum()),
        "documents": documents,
        "left_out": {name: round(figure, 4) for name, figure in figures},
        "threshold_read": legibility.threshold_read,
        "models": {name: _model_as_json(getattr(legibility, name)) for name in MODEL_FEATURES},
    }


def _model_as_json(model: LogisticRegression) -> dict[str, Any]:
    rows = zip(model.feature_names, model.mean, model.scale, model.weights, strict=True)
    return {
        "intercept": round(model.intercept, 5),
        "features": [{"name": name, "mean": round(m, 5), "scale": round(s, 5), "weight": round(w, 5)} for name, m, s, w in rows],
    }


def main() -> None:
    """Read, fit, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--out", type=Path, default=MODELS / "legibility.json")
    parser.add_argument("--date", default=datetime.date.today().isoformat())
    args = parser.parse_args()
    pages = [read_both(path, read_first, args.cache) for path in find_scans(args.folders)]
    combined = combine_left_out(pages)
    predictions = predict_left_out(combined)
    print("\n".join(report(predictions)))
    recovered = fit("recovered", *recovered_rows([one for _, one in combined]))
    legibility = replace(fit_voting(pages), recovered=recovered, threshold_read=find_threshold(predictions["voted"]))
    content = as_json(legibility, predictions["voted"], len({document_of(page.path) for page in pages}), args.date)
    args.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"{args.out}: read below {legibility.threshold_read} is a gap")


if __name__ == "__main__":
    main()
