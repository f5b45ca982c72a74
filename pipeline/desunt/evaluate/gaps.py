"""Measure conjectures against known answers: `desunt evaluate gaps`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from desunt.conjecture import Opinion, Refusal
from desunt.errors import InputError
from desunt.evaluate.gap_metrics import (
    Figure,
    Outcome,
    bins_of,
    brier,
    calibration_error,
    character_error,
    hits,
    interval,
    mean,
    outcome,
    perfect_calibration_error,
    reciprocal_ranks,
    risk_coverage_area,
)
from desunt.lexicon import Lexicon
from desunt.lm import GapModel
from desunt.restore.gap_lines import GapLine, answer_line, asked, read_gaps

__all__ = ["GapLine", "Report", "Row", "answer_line", "as_json", "asked", "evaluate", "format_report", "read_gaps", "run"]

RANKS = (1, 5, 20)
BATCH = 32
POOLED = "all"


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one task; `ece_perfect` is what perfect calibration would show at this n, `refused` the share of refusals."""

    task: str
    n: int
    hits: dict[int, Figure]
    mrr: Figure
    brier: Figure
    character_error: Figure
    ece: float
    ece_perfect: float
    aurc: Figure
    refused: float


@dataclass(frozen=True, slots=True)
class Report:
    """All tasks, then all pooled; `bins` is the reliability of the pooled first candidates: (probability, right, n)."""

    rows: tuple[Row, ...]
    bins: tuple[tuple[float, float, int], ...]
    gaps_a_second: float | None = None
    model: str = ""


def run(
    path: Path, model: GapModel, lexicon: Lexicon, *, task: str | None = None, limit: int | None = None, models: Path | None = None
) -> Report:
    """Ask for every gap of the file, or the first `limit` of each task, and measure; the time of loading is not counted.

    Raises InputError if no line is left.
    """
    from desunt.restore import restore

    lines = _selected(read_gaps(path, answers=True), task, limit)
    if not lines:
        raise InputError(f"{path}: no gap" + (f" of task {task}" if task else ""), remedy="The lines' `task` names what there is")
    opinions: list[Opinion] = []
    start = time.perf_counter()
    for first in range(0, len(lines), BATCH):
        opinions += restore([asked(line) for line in lines[first : first + BATCH]], model, lexicon=lexicon, models=models)
    return evaluate(lines, opinions, seconds=time.perf_counter() - start, model=model.ref.name)


def _selected(lines: Iterable[GapLine], task: str | None, limit: int | None) -> list[GapLine]:
    kept: dict[str, list[GapLine]] = {}
    for line in lines:
        if task in (None, line.task):
            kept.setdefault(line.task or "", []).append(line)
    return [line for group in kept.values() for line in group[:limit]]


def evaluate(lines: Sequence[GapLine], opinions: Sequence[Opinion], *, seconds: float | None = None, model: str = "") -> Report:
    """Measure opinions against the lines' answers, which are in the same order; a refusal counts by its candidates."""
    outcomes = [
        outcome(line.task or "", line.answer or "", opinion.candidates, refused=isinstance(opinion, Refusal))
        for line, opinion in zip(lines, opinions, strict=True)
    ]
    tasks = dict.fromkeys(o.task for o in outcomes)
    rows = [_row(task, [o for o in outcomes if o.task == task]) for task in tasks]
    if len(rows) > 1:
        rows.append(_row(POOLED, outcomes))
    speed = len(lines) / seconds if seconds else None
    return Report(tuple(rows), tuple(bins_of(*_confidence(outcomes))), speed, model)


def _confidence(outcomes: Sequence[Outcome]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([o.probability for o in outcomes]), np.array([float(o.right) for o in outcomes])


def _row(task: str, outcomes: Sequence[Outcome]) -> Row:
    n, (probabilities, right) = len(outcomes), _confidence(outcomes)
    edits, letters = character_error(outcomes)
    found = {most: hits(outcomes, most) for most in RANKS}
    ranks, squares = reciprocal_ranks(outcomes), brier(outcomes)
    return Row(
        task=task,
        n=n,
        hits={most: interval(n, lambda i, most=most: mean(found[most][i])) for most in RANKS},  # type: ignore[misc]
        mrr=interval(n, lambda i: mean(ranks[i])),
        brier=interval(n, lambda i: mean(squares[i])),
        character_error=interval(n, lambda i: float(edits[i].sum() / max(1.0, letters[i].sum()))),
        ece=calibration_error(probabilities, right),
        ece_perfect=perfect_calibration_error(probabilities),
        aurc=interval(n, lambda i: risk_coverage_area(probabilities[i], right[i])),
        refused=sum(o.refused for o in outcomes) / n,
    )


def format_report(report: Report) -> str:
    """Return the figures as a table, 95% intervals beside them."""
    head = ("task", "n", "hit@1", "hit@5", "hit@20", "MRR", "Brier", "char. error", "ECE (perfect)", "AURC", "refused")
    table = [head, *(_cells(row) for row in report.rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]
    notes = [
        "",
        "95% bootstrap intervals over gaps; ECE of first candidates, 15 bins of equal mass (in brackets: what perfect calibration shows)",
    ]
    if report.gaps_a_second is not None:
        notes.append(f"model {report.model}: {report.gaps_a_second:.2f} gaps a second, loading not counted")
    return "\n".join([*lines, *notes])


def _cells(row: Row) -> tuple[str, ...]:
    shares = [_share(row.hits[most]) for most in RANKS]
    rest = [f"{row.ece:.3f} ({row.ece_perfect:.3f})", _plain(row.aurc), f"{row.refused:.0%}"]
    return (row.task, str(row.n), *shares, _plain(row.mrr), _plain(row.brier), _share(row.character_error), *rest)


def _share(figure: Figure) -> str:
    return f"{100 * figure.value:.1f}% ({100 * figure.low:.0f}-{100 * figure.high:.0f})"


def _plain(figure: Figure) -> str:
    return f"{figure.value:.3f} ({figure.low:.3f}-{figure.high:.3f})"


def as_json(report: Report) -> str:
    """Return the report for a program."""
    return json.dumps(asdict(report), ensure_ascii=False, indent=1)
