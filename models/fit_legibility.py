"""Fit the legibility model on scans with ground truth: `models/legibility.json`, and print what it is worth.

    python models/fit_legibility.py SCANS... [--cache folder] [--out models/legibility.json] [--date 2026-11-23]

Every image below the folders that has a transcript beside it (`page.lines.json`, `page.gt.txt`, see `ground_truth.py`) is read
as `desunt run` reads it. The figures are of words of documents the model was not fitted on: a fit for each document left out.
Pages whose names differ only in a last number are one document. Fitting is deterministic; reading takes most of the time and is
kept in the cache folder.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import pickle
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ground_truth import labels, transcript_of
from measures import Numbers, Truths, auroc, average_precision, calibration_error, found_at, threshold

from desunt.gaps.ink import find_ink
from desunt.gaps.legibility import FEATURES
from desunt.gaps.spelling import spelling_of
from desunt.gaps.word_features import word_features
from desunt.lexicon import load_lexicon
from desunt.ocr import Reading

IMAGES = {".png", ".jpg", ".jpeg", ".tif", ".tiff"}
RIDGE = 3.0
FARTHEST = 4.0
# A gap does less harm than a word that stays only where most words that would go are wrong.
LEAST_WRONG = 0.7


@dataclass(frozen=True, slots=True)
class Words:
    """Words whose truth is known: `features` (words, features), `right` 0 or 1, the engine's `confidence`, and the `document` of each."""

    features: Numbers
    right: Truths
    confidence: Numbers
    document: np.ndarray


@dataclass(frozen=True, slots=True)
class Fit:
    mean: Numbers
    scale: Numbers
    weights: Numbers
    intercept: float

    def __call__(self, features: Numbers) -> Numbers:
        scaled = np.clip((features - self.mean) / self.scale, -FARTHEST, FARTHEST)
        return np.asarray(1 / (1 + np.exp(-(scaled @ self.weights + self.intercept))))


def document_of(path: Path) -> str:
    """Return the name without its page number: `EHRI-BF-19380509b_EN_01` and `_02` are one document."""
    return f"{path.parent.name}/{re.sub(r'_(?:EN_)?p?[0-9]{1,3}$', '', path.stem)}"


def scans(folders: list[Path]) -> list[Path]:
    """Return the images that have a transcript beside them."""
    found = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in IMAGES)
    return [path for path in found if path.with_suffix(".lines.json").exists() or transcript_of(path)]


def read(path: Path) -> tuple[np.ndarray, Reading]:
    """Return a scan's pixels and the reading `desunt run` would have of it."""
    from desunt import scan
    from desunt.cleanup import read_best
    from desunt.ocr import load_engine

    scanned = scan.read_page(
        path, 1, name=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest(), max_pixels=200_000_000, pdf_dpi=300
    )
    best = read_best(scanned.pixels, scanned.image.dpi, load_engine("tesseract", "eng"), 300.0, load_lexicon())
    return scanned.pixels, best.reading


def collect(paths: list[Path], reader: Callable[[Path], tuple[np.ndarray, Reading]], cache: Path | None) -> tuple[Words, str]:
    """Return the judged words of all scans and the engine's version."""
    lexicon = load_lexicon()
    rows, right, confidence, documents, version = [], [], [], [], ""
    for path in paths:
        pixels, reading = cached(path, reader, cache)
        version = reading.version
        features = word_features(reading, find_ink(pixels), lexicon, spelling_of(lexicon))
        for row, word, verdict in zip(features, reading.words, labels(reading, path), strict=True):
            if verdict is not None:
                rows.append(row)
                right.append(float(verdict))
                confidence.append(word.confidence)
                documents.append(document_of(path))
        print(f"{path.name}: {len(reading.words)} words", flush=True)
    return Words(np.array(rows), np.array(right), np.array(confidence), np.array(documents)), version


def cached(path: Path, reader: Callable[[Path], tuple[np.ndarray, Reading]], cache: Path | None) -> tuple[np.ndarray, Reading]:
    """Return what the reader gives, kept between runs in the cache folder (a pickle of our own, read by nobody else)."""
    if cache is None:
        return reader(path)
    kept = cache / f"{path.parent.name}-{path.stem}.pickle"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(pickle.dumps(reader(path)))
    pixels, reading = pickle.loads(kept.read_bytes())
    return pixels, reading


def fit(features: Numbers, right: Truths, ridge: float = RIDGE) -> Fit:
    """Return the logistic regression with a ridge penalty, by Newton's method."""
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    scaled = np.c_[np.clip((features - mean) / scale, -FARTHEST, FARTHEST), np.ones(len(features))]
    weights = np.zeros(scaled.shape[1])
    penalty = np.diag([ridge] * features.shape[1] + [0.0])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-scaled @ weights))
        slope = scaled.T @ (right - chance) - penalty @ weights
        step = np.linalg.solve((scaled * (chance * (1 - chance))[:, None]).T @ scaled + penalty, slope)
        weights += step
        if np.abs(step).max() < 1e-8:
            break
    return Fit(mean, scale, weights[:-1], float(weights[-1]))


def left_out(words: Words) -> Numbers:
    """Return for each word its probability by the model fitted without its document."""
    chances = np.zeros(len(words.right))
    for document in np.unique(words.document):
        own = words.document == document
        chances[own] = fit(words.features[~own], words.right[~own])(words.features[own])
    return chances


def report(words: Words, chances: Numbers) -> Iterator[str]:
    """Yield the measures, engine's confidence first, overall and for each folder, then what the thresholds do."""
    folders = np.array([name.split("/")[0] for name in words.document])
    yield f"{'':34}{'words':>7}{'misread':>9}{'AUROC':>8}{'AP':>8}{'ECE':>8}{'found@5%':>10}"
    for folder in ("all", *np.unique(folders)):
        own = np.ones(len(folders), bool) if folder == "all" else folders == folder
        wrong = words.right[own] == 0
        for name, score in (("engine's confidence", words.confidence[own]), ("legibility", chances[own])):
            figures = (
                auroc(wrong, 1 - score),
                average_precision(wrong, 1 - score),
                calibration_error(words.right[own], score),
                found_at(wrong, 1 - score),
            )
            yield f"{folder:10}{name:24}{own.sum():7}{wrong.sum():9}" + "".join(f"{figure:9.4f}" for figure in figures)
    for least in (0.1, 0.2, 0.3, 0.4, 0.5, threshold(words.right == 0, chances, LEAST_WRONG)):
        gone = chances < least
        wrong, found = np.mean(words.right[gone] == 0), np.mean(gone[words.right == 0])
        yield f"read {least}: {gone.sum()} words go, {wrong:.3f} of them misread, {found:.3f} of all misread words"
    for least in (0.8, 0.9, 0.95):
        sure = chances >= least
        yield f"vouch {least}: {sure.mean():.3f} of words, {np.mean(words.right[sure] == 0):.4f} of them misread"


def stored(model: Fit, words: Words, chances: Numbers, version: str, date: str) -> dict[str, object]:
    """Return the content of `legibility.json`; numbers are rounded so that the file is the same on every machine."""
    wrong = words.right == 0
    rows = zip(FEATURES, model.mean, model.scale, model.weights, strict=True)
    return {
        "what": "logistic regression: probability that an engine's word is right; see legibility.md",
        "engine": f"tesseract {version}",
        "date": date,
        "words": len(words.right),
        "misread": int(wrong.sum()),
        "documents": len(np.unique(words.document)),
        "left_out": {
            "auroc": round(auroc(wrong, 1 - chances), 4),
            "average_precision": round(average_precision(wrong, 1 - chances), 4),
            "calibration_error": round(calibration_error(words.right, chances), 4),
        },
        "threshold_read": threshold(wrong, chances, LEAST_WRONG),
        "intercept": round(model.intercept, 5),
        "features": [
            {"name": name, "mean": round(float(m), 5), "scale": round(float(s), 5), "weight": round(float(w), 5)} for name, m, s, w in rows
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "legibility.json")
    parser.add_argument("--date", default=datetime.date.today().isoformat())
    arguments = parser.parse_args()
    words, version = collect(scans(arguments.folders), read, arguments.cache)
    chances = left_out(words)
    print("\n".join(report(words, chances)))
    content = stored(fit(words.features, words.right), words, chances, version, arguments.date)
    arguments.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"{arguments.out}: read below {content['threshold_read']} is a gap")


if __name__ == "__main__":
    main()
