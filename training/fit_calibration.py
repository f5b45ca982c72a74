"""Fit the weights of the factors and the probability of none of these, for each kind of gap, on half of the development documents.

usage: fit_calibration.py --gaps frus-dev.jsonl editors-dev.jsonl --scans FOLDER... [--model embedded|ngram:FILE] [--each 80]
                          [--cache FOLDER] [--out models/calibration.json] [--held-out FILE.jsonl]

Only documents whose hash is even are used for fitting (desunt.evaluate.split); `--held-out` writes the others' gaps, on which to
measure. Gaps with ink are those that desunt itself finds on half of the scans, noise that holds nothing among them; they are weighed with
a table of confusions from the other half. Gaps that run to the end of a line, length unknown, are made by hiding what follows a gap.
The weights maximise the log probability of the truth among the pool, held near the start by a ridge; none of these is a
logistic regression (Platt 1999) on the lead of the first candidate, the entropy and the number of words.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from itertools import groupby
from pathlib import Path

import numpy as np
from fit_confusion import HANDWRITTEN, LEAST_SEEN, UNSURE, fit
from numpy.typing import NDArray

from desunt.evaluate.split import for_fitting
from desunt.lm import GapModel
from desunt.lm.length import words_in
from desunt.lm.lexicon import Lexicon, bare, load_lexicon
from desunt.restore import knowledge, weigh
from desunt.restore.calibration import Factors, signs, softmax
from desunt.restore.casing import folded
from desunt.restore.error_model import Confusion
from desunt.restore.gap_jsonl import asked, read_gaps
from desunt.restore.gap_query import KINDS, Asked, Channel, Kind
from training import MODELS
from training.aligned_ink import Segment, segments_of
from training.page_gaps import page_gaps

START = Factors(context=0.5, proposal=0.1, phrase=0.25, ink=0.8, length=1.0, lexicon=0.1, changed=1.0, known=0.5)
RIDGE = 2.0
# A gap to be read from the ink is a word or two.
LONGEST_INK = 24


@dataclass(frozen=True, slots=True)
class Example:
    """One gap with its truth, and once it is weighed, the factors of its pool and the truth's place in it."""

    asked: Asked
    answer: str
    names: frozenset[str] = frozenset()
    rows: tuple[Factors, ...] = ()
    right: int | None = None


def main() -> None:
    """Weigh the examples of each kind, fit, and write."""
    args = _arguments()
    model, lexicon = _model(args.model), load_lexicon()
    table = json.loads(args.out.read_text(encoding="utf-8")) if args.out.exists() else {"schema": "desunt-calibration-1", "models": {}}
    fits: dict[str, object] = dict(table["models"].get(model.ref.name, {}))
    for kind, examples in _examples(args).items():
        if kind not in args.kinds:
            continue
        tables = _half_fitted(args) if kind == "ink" else {}
        fits[kind] = _fitted(kind, _weighed(examples[: args.each], model, lexicon, tables))
    table["models"][model.ref.name] = fits
    if args.model == "embedded" and fits.keys() >= set(KINDS):
        table["models"]["other"] = {kind: _cautious(fits[kind]) for kind in KINDS}  # type: ignore[arg-type]
    args.out.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gaps", type=Path, nargs="+", required=True)
    parser.add_argument("--scans", type=Path, nargs="+", required=True)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS, help="fit these, keep the others as they are")
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


def _examples(args: argparse.Namespace) -> dict[Kind, list[Example]]:
    """Return the examples by kind, in an order that mixes tasks and documents."""
    found: dict[Kind, list[Example]] = {kind: [] for kind in KINDS}
    kept: list[str] = []
    for path in args.gaps:
        documents = [json.loads(line)["doc"] for line in path.read_text(encoding="utf-8").splitlines()]
        for line, document, text in zip(
            read_gaps(path, answers=True), documents, path.read_text(encoding="utf-8").splitlines(), strict=True
        ):
            if not for_fitting(document):
                kept.append(text)
                continue
            example = Example(asked(line), line.answer or "")
            found[example.asked.kind].append(example)
            if line.task in ("word1-unknown", "word2", "word3-5"):
                found["open"].append(Example(_opened(example.asked), example.answer))
    if args.held_out:
        args.held_out.write_text("\n".join(kept) + "\n", encoding="utf-8")
    found["ink"] = [Example(g.asked, g.truth, g.names) for g in page_gaps(args.scans, args.cache) if not for_fitting(g.page)]
    random = np.random.default_rng(1)
    return {kind: [examples[i] for i in random.permutation(len(examples))] for kind, examples in found.items()}


def _opened(one: Asked) -> Asked:
    return replace(one, gap=replace(one.gap, extent=None, continues=None), after="")


def _segments(folders: Iterable[Path], cache: Path) -> list[Segment]:
    images = [i for f in folders for i in sorted([*f.glob("*.png"), *f.glob("*.jpg")]) if not any(mark in i.name for mark in HANDWRITTEN)]
    return [segment for image in images for segment in segments_of(image, cache)]


def _half_fitted(args: argparse.Namespace) -> dict[Channel, Confusion]:
    """Return a table of confusions from the pages whose gaps are not weighed."""
    fitting = [s for s in _segments(args.scans, args.cache) if for_fitting(s.page)]
    doubtful = [(bare(s.text), bare(s.ink)) for s in fitting if s.confidence < UNSURE or bare(s.text) != bare(s.ink)]
    pairs = [(text, ink) for text, ink in doubtful if text and ink and len(text) <= LONGEST_INK]
    return {"ink": fit(pairs, LEAST_SEEN["ink"], optical=True)}


def _weighed(examples: Sequence[Example], model: GapModel, lexicon: Lexicon, tables: Mapping[Channel, Confusion]) -> list[Example]:
    """Weigh the examples, those of one page together, by what is known there."""
    found = []
    for names, group in groupby(sorted(examples, key=lambda e: sorted(e.names)), key=lambda e: e.names):
        alike, known = list(group), knowledge(lexicon, names)
        known = replace(known, confusions={**known.confusions, **tables})
        for example, result in zip(alike, weigh([e.asked for e in alike], model, known), strict=True):
            texts = [folded(text) for text in result.texts]
            truth = folded(example.answer)
            found.append(replace(example, rows=result.rows, right=texts.index(truth) if truth in texts else None))
    return found


def _fitted(kind: Kind, examples: Sequence[Example]) -> dict[str, object]:
    """Return the fit of one kind as plain numbers, and print how well the pool and the first candidate do."""
    names = [field.name for field in fields(Factors)]
    weights = fit_weights([(_matrix(e), e.right) for e in examples if e.right is not None], names)
    none = _fit_none(weights, [e for e in examples if e.rows])
    tops = [e.right == int(np.argmax(_matrix(e) @ weights)) for e in examples if e.right is not None]
    fitted = {name: round(float(w), 4) for name, w in zip(names, weights, strict=True)}
    print(
        f"{kind}: n {len(examples)}, in pool {len(tops) / len(examples):.3f}, first {sum(tops) / len(examples):.3f}, {fitted}, {none}",
        flush=True,
    )
    return {"n": len(examples), "weights": fitted, "none": none}


def _matrix(example: Example) -> NDArray[np.float64]:
    return np.array([astuple(row) for row in example.rows])


def fit_weights(examples: Sequence[tuple[NDArray[np.float64], int | None]], names: Sequence[str], steps: int = 400) -> NDArray[np.float64]:
    """Return the weights of the named factors, none below 0, that make the truth likeliest; gradient ascent on scaled factors.

    Each example is its candidates' factors, (candidates, factors), and the place of the truth among them.
    """
    start = np.array([getattr(START, name) for name in names])
    pools = [(rows - rows.mean(0), right) for rows, right in examples]
    scale = np.sqrt(np.mean([pool.var(0) for pool, _ in pools], axis=0)) + 1e-9
    pools = [(pool / scale, right) for pool, right in pools]
    weights, begun = start * scale, start * scale
    for step in range(steps):
        slope = -RIDGE * (weights - begun) / np.maximum(begun, 0.1) ** 2
        for pool, right in pools:
            shares = np.array(softmax((pool @ weights).tolist()))
            slope += pool[right] - shares @ pool
        weights = np.maximum(0.0, weights + slope / len(pools) * 2.0 / (1.0 + step / 100))
    return weights / scale


def _fit_none(weights: NDArray[np.float64], examples: Sequence[Example], rounds: int = 50) -> list[float]:
    """Return the logistic regression's coefficients by Newton's method, with a weak ridge."""
    rows = np.array([_signs(weights, e) for e in examples])
    missing = np.array([float(e.right is None) for e in examples])
    found = np.zeros(rows.shape[1])
    ridge = np.diag([0.05, 1.0, 1.0, 1.0])
    for _ in range(rounds):
        p = 1.0 / (1.0 + np.exp(-np.clip(rows @ found, -30, 30)))
        slope = rows.T @ (missing - p) - ridge @ found
        bend = (rows * (p * (1 - p))[:, None]).T @ rows + ridge
        found = found + np.linalg.solve(bend, slope)
    return [round(float(value), 4) for value in found]


def _signs(weights: NDArray[np.float64], example: Example) -> tuple[float, ...]:
    shares = softmax((_matrix(example) @ weights).tolist())
    kind = example.asked.kind
    return signs(shares, words_in(example.asked.gap.extent, open_ended=kind == "open"))


def _cautious(fitted: dict[str, object]) -> dict[str, object]:
    """Return the fit for a model that was never measured: flatter, and with more left for none of these."""
    weights = {name: round(0.7 * value, 4) for name, value in fitted["weights"].items()}  # type: ignore[attr-defined]
    none = list(fitted["none"])  # type: ignore[call-overload]
    return {"n": 0, "weights": weights, "none": [round(none[0] + math.log(2), 4), *none[1:]]}


if __name__ == "__main__":
    main()
