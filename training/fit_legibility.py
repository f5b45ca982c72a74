"""Fit the legibility models on scans with ground truth: `models/legibility.json`, and print what they are worth.

    python models/fit_legibility.py SCANS... [--cache folder] [--out models/legibility.json] [--date 2026-11-26]

Every image below the folders that has a transcript beside it (`page.lines.json`, `page.gt.txt`, see `ground_truth.py`) is read
as `desunt run` reads it, and all its words by the second engine. The figures are of words of documents the models were not fitted
on: a fit for each document left out. Pages whose names differ only in a last number are one document. Fitting is deterministic;
reading takes most of the time and is kept in the cache folder.
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from desunt.lm.lexicon import load_lexicon
from desunt.ocr.confidence.legibility import MODELS
from desunt.ocr.engines import Reading
from training import MODELS as FOLDER
from training.measures import Numbers, Truths, auroc, average_precision, calibration_error, found_at, threshold
from training.second_looks import Beyond, Looked, alone_rows, beyond, final, look_at, sha256_of, twice_rows, unseen_rows
from training.word_labels import transcript_of

IMAGES = {".png", ".jpg", ".jpeg", ".tif", ".tiff"}
RIDGE = 3.0
FARTHEST = 4.0
# A gap does less harm than a word that stays only where most words that would go are wrong.
LEAST_WRONG = 0.7


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


def read(path: Path) -> tuple[np.ndarray, int, Reading]:
    """Return a scan's pixels, its resolution, and the reading `desunt run` would have of it by the first engine alone."""
    from desunt import scan
    from desunt.ocr.engines import load_engine
    from desunt.ocr.preprocessing import read_best
    from desunt.ocr.preprocessing.blot_removal import read_beside_blots

    engine, lexicon = load_engine("tesseract", "eng"), load_lexicon()
    scanned = scan.read_page(path, 1, name=path.name, sha256=sha256_of(path), max_pixels=200_000_000, pdf_dpi=300)
    best = read_best(scanned.pixels, scanned.image.dpi, engine, 300.0, lexicon)
    best = read_beside_blots(best, scanned.pixels, engine, 300.0, lexicon)
    print(f"{path.name}: {len(best.reading.words)} words", flush=True)
    return scanned.pixels, scanned.image.dpi, best.reading


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


@dataclass(frozen=True, slots=True)
class Fits:
    """The models that vote on words; that of words beyond them, `unseen`, is fitted on what the vote leaves."""

    alone: Fit
    first: Fit
    second: Fit


def fitted(pages: list[Looked]) -> Fits:
    alone = fit(*alone_rows(pages))
    return Fits(alone, *(fit(*rows) for rows in twice_rows(pages, alone)))


@dataclass(frozen=True, slots=True)
class Told:
    """Words whose truth is known, with a chance for each that it is right, and the folder of each."""

    right: Truths
    chance: Numbers
    folder: np.ndarray


def fits_of(pages: list[Looked]) -> dict[str, Fit]:
    fits = fitted(pages)
    return {"alone": fits.alone, "first": fits.first, "second": fits.second}


def voted_left_out(pages: list[Looked]) -> list[tuple[Fits, Beyond]]:
    """Return each page voted on by models fitted without its document."""
    found = []
    for document in sorted({document_of(page.path) for page in pages}):
        fits = fitted([page for page in pages if document_of(page.path) != document])
        found += [(fits, beyond(page, fits)) for page in pages if document_of(page.path) == document]
        print(f"{document} left out", flush=True)
    return found


def left_out(voted: list[tuple[Fits, Beyond]]) -> dict[str, Told]:
    """Return by each way to judge them the words of every document, by models fitted without it.

    *Engine*: its confidence; *alone*: its words by our model; *voted*: the words that stand after the second engine.
    """
    told: dict[str, list[tuple[float, float, str]]] = {"engine": [], "alone": [], "voted": []}
    for document in sorted({document_of(one.page.path) for _, one in voted}):
        unseen = fit(*unseen_rows([one for _, one in voted if document_of(one.page.path) != document]))
        for fits, one in voted:
            if document_of(one.page.path) == document:
                page, words = one.page, one.page.reading.words
                for way, verdicts, chances in (
                    ("engine", page.first_right, [word.confidence for word in words]),
                    ("alone", page.first_right, fits.alone(page.features) if words else []),
                    ("voted", *final(one, unseen)),
                ):
                    rows = zip(verdicts, chances, strict=True)
                    told[way] += [(float(right), float(chance), page.path.parent.name) for right, chance in rows if right is not None]
    return {way: Told(*(np.array(column) for column in zip(*rows, strict=True))) for way, rows in told.items()}


def report(told: Mapping[str, Told]) -> Iterator[str]:
    """Yield the measures, overall and for each folder, then what the thresholds do to the words that stand at last."""
    yield f"{'':20}{'words':>7}{'right':>7}{'misread':>9}{'AUROC':>8}{'AP':>8}{'ECE':>8}{'found@5%':>10}"
    for folder in ("all", *np.unique(told["voted"].folder)):
        for way, words in told.items():
            own = np.full(len(words.right), True) if folder == "all" else words.folder == folder
            wrong, chance = words.right[own] == 0, words.chance[own]
            measures = auroc, average_precision, lambda w, doubt: calibration_error(1.0 - w, 1 - doubt), found_at
            figures = "".join(f"{measure(wrong, 1 - chance):9.4f}" for measure in measures)
            yield f"{folder:10}{way:10}{own.sum():7}{int((~wrong).sum()):7}{wrong.sum():9}{figures}"
    words = told["voted"]
    wrong = words.right == 0
    for least in (0.1, 0.2, 0.3, 0.4, 0.5, threshold(wrong, words.chance, LEAST_WRONG)):
        gone = words.chance < least
        shares = f"{wrong[gone].mean():.3f} of them misread, {gone[wrong].mean():.3f} of all misread words"
        yield f"read {least}: {gone.sum()} words go, {shares}"
    for least in (0.8, 0.9, 0.95):
        sure = words.chance >= least
        yield f"vouch {least}: {sure.mean():.3f} of words, {wrong[sure].mean():.4f} of them misread"


def stored(models: Mapping[str, Fit], told: Mapping[str, Told], documents: int, date: str) -> dict[str, object]:
    """Return the content of `legibility.json`; numbers are rounded so that the file is the same on every machine."""
    words = told["voted"]
    wrong = words.right == 0
    return {
        "what": "logistic regressions: probability that a word was read right, by one engine or after a second; see legibility.md",
        "date": date,
        "words": len(wrong),
        "misread": int(wrong.sum()),
        "documents": documents,
        "left_out": {
            "auroc": round(auroc(wrong, 1 - words.chance), 4),
            "average_precision": round(average_precision(wrong, 1 - words.chance), 4),
            "calibration_error": round(calibration_error(words.right, words.chance), 4),
        },
        "threshold_read": threshold(wrong, words.chance, LEAST_WRONG),
        "models": {name: _stored(models[name], names) for name, names in MODELS.items()},
    }


def _stored(model: Fit, names: tuple[str, ...]) -> dict[str, object]:
    rows = zip(names, model.mean, model.scale, model.weights, strict=True)
    return {
        "intercept": round(model.intercept, 5),
        "features": [
            {"name": name, "mean": round(float(m), 5), "scale": round(float(s), 5), "weight": round(float(w), 5)} for name, m, s, w in rows
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--out", type=Path, default=FOLDER / "legibility.json")
    parser.add_argument("--date", default=datetime.date.today().isoformat())
    arguments = parser.parse_args()
    pages = [look_at(path, read, arguments.cache) for path in scans(arguments.folders)]
    voted = voted_left_out(pages)
    told = left_out(voted)
    print("\n".join(report(told)))
    models = {**fits_of(pages), "unseen": fit(*unseen_rows([one for _, one in voted]))}
    content = stored(models, told, len({document_of(page.path) for page in pages}), arguments.date)
    arguments.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"{arguments.out}: read below {content['threshold_read']} is a gap")


if __name__ == "__main__":
    main()
