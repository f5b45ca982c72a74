"""Fit the weights of the features and the probability of none of these, for each kind of gap, on half of the development documents.

usage: python -m training.fit_calibration --gaps frus-dev.jsonl editors-dev.jsonl --scans FOLDER... [--model embedded|ngram:FILE]
       [--each 80] [--cache FOLDER] [--out models/calibration.json] [--held-out FILE.jsonl]

Only documents whose hash is even are used for fitting (desunt.evaluate.split); `--held-out` writes the others' gaps, on which to
measure. Gaps with a reading are those that desunt itself finds on half of the scans, noise that holds nothing among them; they are scored
with an error model from the other half. Gaps that run to the end of a line, length unknown, are made by hiding what follows a gap.
The weights maximise the log probability of the truth among the pool, held near the start by a ridge; none of these is a
logistic regression (Platt 1999) on the lead of the first candidate, the entropy and the number of words.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from itertools import groupby
from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from desunt.evaluate.split import is_for_fitting
from desunt.lm import GapModel
from desunt.lm.length import expected_words
from desunt.lm.lexicon import Lexicon, comparison_key, load_lexicon, strip_punctuation
from desunt.restore import load_resources, score_candidates
from desunt.restore.calibration import Features, none_features, softmax
from desunt.restore.error_model import ErrorModel
from desunt.restore.gap_jsonl import gap_query, read_gaps
from desunt.restore.gap_query import GAP_EVIDENCE_KINDS, Channel, GapEvidence, GapQuery
from training import MODELS
from training.aligned_readings import segments_of, typed_images
from training.fit_confusion import MIN_COUNT, fit
from training.page_gaps import page_gaps

FEATURE_NAMES = [field.name for field in fields(Features)]
START = Features(context=0.5, proposal=0.1, ngram=0.25, reading=0.8, length=1.0, lexicon=0.1, differs_from_reading=1.0, oov_words=0.5)
RIDGE = 2.0
NONE_RIDGE = (0.05, 1.0, 1.0, 1.0)
# A gap with a reading is a word or two.
MAX_TEXT_LETTERS = 24
# The tasks whose gaps may as well run to the end of their line.
OPENED_TASKS = ("word1-unknown", "word2", "word3-5")
# For a model that was never measured the weights are flatter, and the odds of none of these greater.
CAUTIOUS_WEIGHT, CAUTIOUS_NONE_ODDS = 0.7, 2.0


class KindFit(TypedDict):
    """What the file has of one kind of gap."""

    n: int
    weights: dict[str, float]
    none_weights: list[float]


@dataclass(frozen=True, slots=True)
class Example:
    """One gap with its truth, and once it is scored, the features of its pool and the truth's place in it."""

    query: GapQuery
    answer: str
    names: frozenset[str] = frozenset()
    features: tuple[Features, ...] = ()
    truth_index: int | None = None

    @property
    def matrix(self) -> NDArray[np.float64]:
        return np.array([astuple(row) for row in self.features], np.float64)


def main() -> None:
    """Score the examples of each kind, fit, and write."""
    args = _arguments()
    model, lexicon = _model(args.model), load_lexicon()
    models: dict[str, dict[str, KindFit]] = json.loads(args.out.read_text(encoding="utf-8"))["models"] if args.out.exists() else {}
    fits = dict(models.get(model.ref.name, {}))
    for kind, examples in _examples(args).items():
        if kind not in args.kinds:
            continue
        error_models = _half_fitted(args) if kind == "ink" else {}
        fits[kind] = _fit_kind(kind, _score(examples[: args.each], model, lexicon, error_models))
    models[model.ref.name] = fits
    if args.model == "embedded" and fits.keys() >= set(GAP_EVIDENCE_KINDS):
        models["other"] = {kind: _cautious(fits[kind]) for kind in GAP_EVIDENCE_KINDS}
    args.out.write_text(json.dumps({"schema": "desunt-calibration-2", "models": models}, indent=1) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gaps", type=Path, nargs="+", required=True)
    parser.add_argument("--scans", type=Path, nargs="+", required=True)
    parser.add_argument("--model", default="embedded")
    kinds = list(GAP_EVIDENCE_KINDS)
    parser.add_argument("--kinds", nargs="+", default=kinds, choices=kinds, help="fit these, keep the others as they are")
    parser.add_argument("--each", type=int, default=80, help="gaps a kind")
    parser.add_argument("--cache", type=Path, default=Path(".cache/readings"))
    parser.add_argument("--out", type=Path, default=MODELS / "calibration.json")
    parser.add_argument("--held-out", type=Path)
    return parser.parse_args()


def _model(name: str) -> GapModel:
    if name.startswith("ngram:"):
        from desunt.lm.ngram import NgramModel

        return NgramModel.load(Path(name.removeprefix("ngram:")))
    from desunt.lm import load_model

    return load_model(name)


def _examples(args: argparse.Namespace) -> dict[GapEvidence, list[Example]]:
    """Return the examples by kind, in an order that mixes tasks and documents; write the others' lines if that is asked for."""
    examples: dict[GapEvidence, list[Example]] = {kind: [] for kind in GAP_EVIDENCE_KINDS}
    held_out: list[str] = []
    for path in args.gaps:
        rows = path.read_text(encoding="utf-8").splitlines()
        for line, row in zip(read_gaps(path, answers=True), rows, strict=True):
            if not is_for_fitting(line.document or ""):
                held_out.append(row)
                continue
            example = Example(gap_query(line), line.answer or "")
            examples[example.query.evidence_kind].append(example)
            if line.task in OPENED_TASKS:
                examples["open"].append(replace(example, query=_without_end(example.query)))
    if args.held_out:
        args.held_out.write_text("\n".join(held_out) + "\n", encoding="utf-8")
    examples["ink"] = [
        Example(gap.query, gap.truth, gap.names) for gap in page_gaps(args.scans, args.cache) if not is_for_fitting(gap.page)
    ]
    random = np.random.default_rng(1)
    return {kind: [alike[i] for i in random.permutation(len(alike))] for kind, alike in examples.items()}


def _without_end(query: GapQuery) -> GapQuery:
    return replace(query, gap=replace(query.gap, extent=None, continues=None), after="")


def _half_fitted(args: argparse.Namespace) -> dict[Channel, ErrorModel]:
    """Return an error model from the pages whose gaps are not scored."""
    segments = (segment for image in typed_images(args.scans) for segment in segments_of(image, args.cache))
    doubtful = (segment for segment in segments if is_for_fitting(segment.page) and segment.is_doubtful)
    pairs = ((strip_punctuation(segment.text), strip_punctuation(segment.reading)) for segment in doubtful)
    short = [(text, reading) for text, reading in pairs if text and reading and len(text) <= MAX_TEXT_LETTERS]
    return {"ink": fit(short, MIN_COUNT["ink"], optical=True)}


def _score(examples: Sequence[Example], model: GapModel, lexicon: Lexicon, error_models: Mapping[Channel, ErrorModel]) -> list[Example]:
    """Score the examples, those of one page together, by what is known there."""
    scored_examples = []
    for names, group in groupby(sorted(examples, key=lambda e: sorted(e.names)), key=lambda e: e.names):
        alike, resources = list(group), load_resources(lexicon, names)
        resources = replace(resources, error_models={**resources.error_models, **error_models})
        for example, scored in zip(alike, score_candidates([e.query for e in alike], model, resources), strict=True):
            keys, truth = [comparison_key(text) for text in scored.texts], comparison_key(example.answer)
            truth_index = keys.index(truth) if truth in keys else None
            scored_examples.append(replace(example, features=scored.features, truth_index=truth_index))
    return scored_examples


def _fit_kind(kind: GapEvidence, examples: Sequence[Example]) -> KindFit:
    """Return the fit of one kind, and print how well the pool and the first candidate do."""
    in_pool = [example for example in examples if example.truth_index is not None]
    weights = fit_weights([(example.matrix, example.truth_index) for example in in_pool], FEATURE_NAMES)
    none_weights = _fit_none(weights, [example for example in examples if example.features])
    first = sum(example.truth_index == int(np.argmax(example.matrix @ weights)) for example in in_pool)
    named = {name: round(float(w), 4) for name, w in zip(FEATURE_NAMES, weights, strict=True)}
    n = len(examples)
    print(f"{kind}: n {n}, in pool {len(in_pool) / n:.3f}, first {first / n:.3f}, {named}, {none_weights}", flush=True)
    return {"n": n, "weights": named, "none_weights": none_weights}


def fit_weights(examples: Sequence[tuple[NDArray[np.float64], int | None]], names: Sequence[str], steps: int = 400) -> NDArray[np.float64]:
    """Return the weights of the named features, none below 0, that make the truth likeliest; gradient ascent on scaled features.

    Each example is its candidates' features, (candidates, features), and the place of the truth among them.
    """
    start = np.array([getattr(START, name) for name in names])
    pools = [(rows - rows.mean(0), truth_index) for rows, truth_index in examples]
    scale = np.sqrt(np.mean([pool.var(0) for pool, _ in pools], axis=0)) + 1e-9
    pools = [(pool / scale, truth_index) for pool, truth_index in pools]
    weights, initial = start * scale, start * scale
    for step in range(steps):
        gradient = -RIDGE * (weights - initial) / np.maximum(initial, 0.1) ** 2
        for pool, truth_index in pools:
            shares = np.array(softmax((pool @ weights).tolist()))
            gradient += pool[truth_index] - shares @ pool
        weights = np.maximum(0.0, weights + gradient / len(pools) * 2.0 / (1.0 + step / 100))
    fitted: NDArray[np.float64] = weights / scale
    return fitted


def _fit_none(weights: NDArray[np.float64], examples: Sequence[Example], rounds: int = 50) -> list[float]:
    """Return the logistic regression's coefficients by Newton's method, with a weak ridge."""
    rows = np.array([_none_features(weights, example) for example in examples])
    missing = np.array([float(example.truth_index is None) for example in examples])
    coefficients, ridge = np.zeros(rows.shape[1]), np.diag(NONE_RIDGE)
    for _ in range(rounds):
        p = 1.0 / (1.0 + np.exp(-np.clip(rows @ coefficients, -30, 30)))
        gradient = rows.T @ (missing - p) - ridge @ coefficients
        hessian = (rows * (p * (1 - p))[:, None]).T @ rows + ridge
        coefficients = coefficients + np.linalg.solve(hessian, gradient)
    return [round(float(value), 4) for value in coefficients]


def _none_features(weights: NDArray[np.float64], example: Example) -> tuple[float, ...]:
    shares = softmax((example.matrix @ weights).tolist())
    return none_features(shares, expected_words(example.query.gap.extent, open_ended=example.query.evidence_kind == "open"))


def _cautious(fit: KindFit) -> KindFit:
    """Return the fit for a model that was never measured: flatter, and with more left for none of these."""
    weights = {name: round(CAUTIOUS_WEIGHT * value, 4) for name, value in fit["weights"].items()}
    intercept, *rest = fit["none_weights"]
    return {"n": 0, "weights": weights, "none_weights": [round(intercept + math.log(CAUTIOUS_NONE_ODDS), 4), *rest]}


if __name__ == "__main__":
    main()
