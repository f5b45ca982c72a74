"""What each part adds: the same gaps ranked with everything, and without one factor or one source of candidates at a time.

usage: ablate.py GAPS.jsonl... [--tasks word1 word2 ...] [--each 60] [--split held-out] [--cache FILE]

Every gap is weighed once, with all candidates and all factors. For each row of the table the factor's column or the candidates that only
that source proposed are taken away, and the weights are fitted anew on the other documents (five folds of documents), so that no row has
the advantage of weights made for another. `--cache` keeps what was weighed: language models are asked once.
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

from desunt.evaluate.conjectures.metrics import mean_interval
from desunt.evaluate.split import belongs, split_named
from desunt.lm import load_model
from desunt.lm.adapters import EmbeddedModel
from desunt.lm.beam_search import fill
from desunt.lm.causal import CausalModel, read_base
from desunt.lm.gap_constraint import shape_of
from desunt.lm.lexicon import load_lexicon
from desunt.restore import Weighed, knowledge, weigh
from desunt.restore.calibration import Factors
from desunt.restore.candidates import POOL
from desunt.restore.casing import folded
from desunt.restore.gap_jsonl import asked, read_gaps
from desunt.restore.gap_query import Asked
from training.fit_calibration import fit_weights

FOLDS = 5
SOURCES = ("masked", "left", "phrases")
NAMES = [field.name for field in fields(Factors)]
UNTUNED = "untuned"


@dataclass(frozen=True, slots=True)
class Gap:
    """One gap: its document, its rows (candidates, factors; the untuned causal reading last), which source has which, the truth's place."""

    task: str
    document: str
    rows: NDArray[np.float64]
    sources: tuple[frozenset[str], ...]
    right: int | None


def main() -> None:
    """Weigh, take away, and print a Markdown table a task."""
    args = _arguments()
    if args.cache and args.cache.exists():
        gaps = pickle.loads(args.cache.read_bytes())
    else:
        gaps = _gaps(args)
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


def _gaps(args: argparse.Namespace) -> list[Gap]:
    model, untuned, known = load_model("embedded"), CausalModel(read_base()), knowledge(load_lexicon(), ())
    if not isinstance(model, EmbeddedModel):
        raise SystemExit("the masked adapter is not there: nothing to compare")
    model.from_left = POOL // 2  # more than the default, to see what it would add
    taken: Counter[str] = Counter()
    gaps = []
    for line in (line for path in args.gaps for line in read_gaps(path, answers=True)):
        task = line.task or ""
        if task not in args.tasks or taken[task] >= args.each or not belongs(line.document or "", split_named(args.split)):
            continue
        taken[task] += 1
        one = asked(line)
        weighed = weigh([one], model, known)[0]
        rows = np.array([astuple(row) for row in weighed.rows]).reshape(-1, len(NAMES))
        plain = np.array(untuned.score(one.context, weighed.texts))
        rows = np.column_stack([rows, np.maximum(plain, plain[np.isfinite(plain)].min(initial=0.0) - 10.0)])
        texts, truth = [folded(text) for text in weighed.texts], folded(line.answer or "")
        right = texts.index(truth) if truth in texts else None
        gaps.append(Gap(task, line.document or "", rows, _sources(one, weighed, model, known.phrases), right))
        print(f"{len(gaps)} gaps weighed", end="\r", flush=True)
    return gaps


def _sources(one: Asked, weighed: Weighed, model: EmbeddedModel, phrases: object) -> tuple[frozenset[str], ...]:
    """Return for each candidate the sources that propose it; none: lexicon, names or the mended reading."""
    context, shape = one.context, shape_of(one.context)
    masked = fill(model.reader, *model.reader.sides(context), shape)
    left = model.causal.beams(context)
    found = {
        "masked": {folded(shape.lost(text)) for text in sorted(masked, key=lambda t: -masked[t])[:POOL]},
        "left": {folded(shape.lost(text)) for text in sorted(left, key=lambda t: -left[t])[:POOL]},
        "phrases": {folded(filling.text) for filling in phrases.propose([context], POOL)[0]},  # type: ignore[attr-defined]
    }
    return tuple(frozenset(name for name in SOURCES if folded(text) in found[name]) for text in weighed.texts)


def _print_table(task: str, gaps: Sequence[Gap]) -> None:
    every = range(len(NAMES))
    whole = _ranks(gaps, list(every), set())
    print(f"\n**{task}**, n = {len(gaps)}\n\n| | in pool | hit@1 | hit@5 | hit@20 | change at hit@1 |\n|---|---|---|---|---|---|")
    _print_row("everything", whole, whole)
    for name in ("context", "proposal", "phrase", "lexicon"):
        _print_row(f"without the factor {name}", _ranks(gaps, [i for i in every if NAMES[i] != name], set()), whole)
    columns = [len(NAMES) if NAMES[i] == "context" else i for i in every]
    _print_row("causal reading not tuned to the domain", _ranks(gaps, columns, set()), whole)
    for source in SOURCES:
        _print_row(f"without candidates from {source}", _ranks(gaps, list(every), {source}), whole)


def _print_row(name: str, ranks: NDArray[np.float64], whole: NDArray[np.float64]) -> None:
    change = mean_interval((ranks <= 1).astype(float) - (whole <= 1))
    shares = " | ".join(f"{(ranks <= most).mean():.1%}" for most in (1, 5, 20))
    value, low, high = (100 * part for part in (change.value, change.low, change.high))
    print(f"| {name} | {np.isfinite(ranks).mean():.1%} | {shares} | {value:+.1f} ({low:+.0f} to {high:+.0f}) |")


def _ranks(gaps: Sequence[Gap], columns: list[int], without: set[str]) -> NDArray[np.float64]:
    """Return the rank of each truth from 1, infinite where it is not among the candidates; weights from the other folds."""
    documents = sorted({gap.document for gap in gaps})
    fold = {document: number % FOLDS for number, document in enumerate(documents)}
    pools = [_pool(gap, columns, without) for gap in gaps]
    ranks = np.full(len(gaps), np.inf)
    for number in range(FOLDS):
        others = [pool for gap, pool in zip(gaps, pools, strict=True) if fold[gap.document] != number and pool[1] is not None]
        weights = fit_weights(others, [NAMES[column % len(NAMES)] for column in columns])
        for place, (rows, right) in enumerate(pools):
            if fold[gaps[place].document] == number and right is not None:
                scores = rows @ weights
                ranks[place] = 1 + np.sum(scores > scores[right])
    return ranks


def _pool(gap: Gap, columns: list[int], without: set[str]) -> tuple[NDArray[np.float64], int | None]:
    """Return the rows that are left, and the place of the truth among them."""
    kept = [number for number, sources in enumerate(gap.sources) if not sources or sources - without]
    right = kept.index(gap.right) if gap.right in kept else None
    return gap.rows[np.ix_(kept, columns)] if kept else np.zeros((0, len(columns))), right


if __name__ == "__main__":
    main()
