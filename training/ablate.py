"""What each part adds: the same gaps ranked with everything, and without one feature or one source of candidates at a time.

usage: python -m training.ablate GAPS.jsonl... [--tasks word1 word2 ...] [--each 60] [--split held-out] [--cache FILE]

Every gap is scored once, with all candidates and all features. For each row of the table the feature's column or the candidates that only
that source proposed are taken away, and the weights are fitted anew on the other documents (five folds of documents), so that no row has
the advantage of weights made for another. `--cache` keeps what was scored: language models are asked once.
"""

from __future__ import annotations

import argparse
import pickle
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from desunt.evaluate.conjectures.metrics import mean_estimate
from desunt.evaluate.split import is_in_split, parse_split
from desunt.lm import GapModel, load_model
from desunt.lm.adapters import EmbeddedModel
from desunt.lm.causal import CausalModel, load_base_model
from desunt.lm.lexicon import comparison_key, load_lexicon
from desunt.lm.ngram import NgramModel, load_ngram_model
from desunt.restore import NO_CHANCE_MARGIN, ScoredCandidates, load_resources, score_candidates
from desunt.restore.calibration import Features
from desunt.restore.candidates import POOL_SIZE
from desunt.restore.gap_jsonl import gap_query, read_gaps
from training.fit_calibration import fit_weights

FOLDS = 5
SOURCES = ("masked", "ngram")
FEATURE_NAMES = [field.name for field in fields(Features)]
ABLATED_FEATURES = ("context", "proposal", "ngram", "lexicon")


@dataclass(frozen=True, slots=True)
class ScoredGap:
    """One gap: its rows (candidates, features; the untuned causal reading last), which source has which, and the truth's place."""

    task: str
    document: str
    rows: NDArray[np.float64]
    sources: tuple[frozenset[str], ...]
    truth_index: int | None


def main() -> None:
    """Score, take away, and print a Markdown table a task."""
    args = _arguments()
    if args.cache and args.cache.exists():
        gaps = pickle.loads(args.cache.read_bytes())
    else:
        gaps = _score_gaps(args)
        if args.cache:
            args.cache.write_bytes(pickle.dumps(gaps))
    for task in dict.fromkeys(gap.task for gap in gaps):
        _print_table(task, [gap for gap in gaps if gap.task == task])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gaps", type=Path, nargs="+")
    parser.add_argument("--tasks", nargs="+", default=["word1", "word1-unknown", "word2", "span1-10", "editor-corrects"])
    parser.add_argument("--each", type=int, default=60)
    parser.add_argument("--split", default="held-out")
    parser.add_argument("--cache", type=Path)
    return parser.parse_args()


def _score_gaps(args: argparse.Namespace) -> list[ScoredGap]:
    model, untuned, ngram = load_model("embedded"), CausalModel(load_base_model()), load_ngram_model()
    if not isinstance(model, EmbeddedModel):
        raise SystemExit("the masked adapter is not there: nothing to compare")
    resources = load_resources(load_lexicon(), ())
    taken: Counter[str] = Counter()
    gaps = []
    for line in (line for path in args.gaps for line in read_gaps(path, answers=True)):
        task = line.task or ""
        if task not in args.tasks or taken[task] >= args.each or not is_in_split(line.document or "", parse_split(args.split)):
            continue
        taken[task] += 1
        [scored] = score_candidates([gap_query(line)], model, resources)
        rows = np.array([astuple(row) for row in scored.features]).reshape(-1, len(FEATURE_NAMES))
        untuned_scores = np.array(untuned.score(scored.query.context, scored.texts))
        floor = untuned_scores[np.isfinite(untuned_scores)].min(initial=0.0) - NO_CHANCE_MARGIN
        rows = np.column_stack([rows, np.maximum(untuned_scores, floor)])
        keys, truth = [comparison_key(text) for text in scored.texts], comparison_key(line.answer or "")
        truth_index = keys.index(truth) if truth in keys else None
        gaps.append(ScoredGap(task, line.document or "", rows, _sources(scored, model, ngram), truth_index))
        print(f"{len(gaps)} gaps scored", end="\r", flush=True)
    return gaps


def _sources(scored: ScoredCandidates, model: EmbeddedModel, ngram: NgramModel) -> tuple[frozenset[str], ...]:
    """Return for each candidate the sources that propose it; none: lexicon, names or the corrected reading."""
    sources: tuple[GapModel, ...] = (model, ngram)
    proposed = {
        name: {comparison_key(filling.text) for filling in source.propose([scored.query.context], POOL_SIZE)[0]}
        for name, source in zip(SOURCES, sources, strict=True)
    }
    return tuple(frozenset(name for name in SOURCES if comparison_key(text) in proposed[name]) for text in scored.texts)


def _print_table(task: str, gaps: Sequence[ScoredGap]) -> None:
    every = range(len(FEATURE_NAMES))
    whole = _ranks(gaps, list(every), set())
    print(f"\n**{task}**, n = {len(gaps)}\n\n| | in pool | hit@1 | hit@5 | hit@20 | change at hit@1 |\n|---|---|---|---|---|---|")
    _print_row("everything", whole, whole)
    for name in ABLATED_FEATURES:
        _print_row(f"without the feature {name}", _ranks(gaps, [i for i in every if FEATURE_NAMES[i] != name], set()), whole)
    columns = [len(FEATURE_NAMES) if FEATURE_NAMES[i] == "context" else i for i in every]
    _print_row("causal reading not tuned to the domain", _ranks(gaps, columns, set()), whole)
    for source in SOURCES:
        _print_row(f"without candidates from {source}", _ranks(gaps, list(every), {source}), whole)


def _print_row(name: str, ranks: NDArray[np.float64], whole: NDArray[np.float64]) -> None:
    change = mean_estimate((ranks <= 1).astype(float) - (whole <= 1))
    shares = " | ".join(f"{(ranks <= most).mean():.1%}" for most in (1, 5, 20))
    value, low, high = (100 * part for part in (change.value, change.low, change.high))
    print(f"| {name} | {np.isfinite(ranks).mean():.1%} | {shares} | {value:+.1f} ({low:+.0f} to {high:+.0f}) |")


def _ranks(gaps: Sequence[ScoredGap], columns: list[int], without: set[str]) -> NDArray[np.float64]:
    """Return the rank of each truth from 1, infinite where it is not among the candidates; weights from the other folds."""
    documents = sorted({gap.document for gap in gaps})
    fold_of = {document: number % FOLDS for number, document in enumerate(documents)}
    pools = [_pool(gap, columns, without) for gap in gaps]
    ranks = np.full(len(gaps), np.inf)
    for fold in range(FOLDS):
        others = [pool for gap, pool in zip(gaps, pools, strict=True) if fold_of[gap.document] != fold and pool[1] is not None]
        weights = fit_weights(others, [FEATURE_NAMES[column % len(FEATURE_NAMES)] for column in columns])
        for place, (rows, truth_index) in enumerate(pools):
            if fold_of[gaps[place].document] == fold and truth_index is not None:
                scores = rows @ weights
                ranks[place] = 1 + np.sum(scores > scores[truth_index])
    return ranks


def _pool(gap: ScoredGap, columns: list[int], without: set[str]) -> tuple[NDArray[np.float64], int | None]:
    """Return the rows that are left, and the place of the truth among them."""
    left = [number for number, sources in enumerate(gap.sources) if not sources or sources - without]
    truth_index = left.index(gap.truth_index) if gap.truth_index in left else None
    return gap.rows[np.ix_(left, columns)] if left else np.zeros((0, len(columns))), truth_index


if __name__ == "__main__":
    main()
