"""The figures of `desunt evaluate gaps` as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from desunt.evaluate.conjectures.metrics import ECE_BINS, Estimate
from desunt.evaluate.conjectures.run import RANKS, ConjectureReport, TaskFigures

HITS = tuple(f"hit@{rank}" for rank in RANKS)
HEADER = ("task", "by", "n", *HITS, "MRR", "Brier", "char. error", "ECE (perfect)", "AURC", "refused", "gaps/s")
LEAD = "model's lead at hit@1"
NOTE = (
    "95% bootstrap intervals over gaps, paired where two are compared. ECE: of the first candidates' probabilities, "
    f"{ECE_BINS} bins of equal mass; in brackets what perfect calibration would show at this n."
)


def format_report(report: ConjectureReport) -> str:
    """Return the figures as a table, 95% intervals beside them, the baselines' under those of the model."""
    table = [(*HEADER, LEAD) if report.baselines else HEADER, *_lines(report)]
    widths = [max(len(line[column]) for line in table if column < len(line)) for column in range(len(table[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False)).rstrip() for line in table]
    return "\n".join([*lines, "", NOTE, f"Model: {report.model}. Loading is not counted.", *report.notes])


def _lines(report: ConjectureReport) -> Iterator[tuple[str, ...]]:
    for index, row in enumerate(report.rows):
        yield _cells(row, "model")
        for baseline in report.baselines:
            yield (*_cells(baseline.rows[index], baseline.name), _points(baseline.leads[index]))


def _cells(row: TaskFigures, system: str) -> tuple[str, ...]:
    hits = [_share(row.hits[rank]) for rank in RANKS]
    errors = [_with_interval(row.mrr), _with_interval(row.brier), _share(row.character_error)]
    calibration = [f"{row.ece:.3f} ({row.ece_perfect:.3f})", _with_interval(row.aurc), f"{row.refused:.0%}"]
    rate = "" if row.gaps_a_second is None else f"{row.gaps_a_second:.2f}"
    return (row.task, system, str(row.n), *hits, *errors, *calibration, rate)


def _share(estimate: Estimate) -> str:
    return f"{100 * estimate.value:.1f}% ({100 * estimate.low:.0f}-{100 * estimate.high:.0f})"


def _points(estimate: Estimate) -> str:
    return f"{100 * estimate.value:+.1f} points ({100 * estimate.low:+.1f} to {100 * estimate.high:+.1f})"


def _with_interval(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f}-{estimate.high:.3f})"


def report_json(report: ConjectureReport) -> str:
    """Return the report for a program."""
    return json.dumps(asdict(report), ensure_ascii=False, indent=1)
