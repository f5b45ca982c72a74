"""The figures of `desunt evaluate gaps` as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from desunt.evaluate.conjectures.metrics import BINS, Figure
from desunt.evaluate.conjectures.run import RANKS, Report, Row

HEAD = ("task", "by", "n", *(f"hit@{most}" for most in RANKS), "MRR", "Brier", "char. error", "ECE (perfect)", "AURC", "refused", "gaps/s")
LEAD = "model's lead at hit@1"
NOTE = (
    "95% bootstrap intervals over gaps, paired where two are compared. ECE: of the first candidates' probabilities, "
    f"{BINS} bins of equal mass; in brackets what perfect calibration would show at this n."
)


def format_report(report: Report) -> str:
    """Return the figures as a table, 95% intervals beside them, the baselines' under those of the model."""
    table = [(*HEAD, LEAD) if report.baselines else HEAD, *_lines(report)]
    widths = [max(len(line[column]) for line in table if column < len(line)) for column in range(len(table[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False)).rstrip() for line in table]
    return "\n".join([*lines, "", NOTE, f"Model: {report.model}. Loading is not counted.", *report.notes])


def _lines(report: Report) -> Iterator[tuple[str, ...]]:
    for place, row in enumerate(report.rows):
        yield _cells(row, "model")
        for baseline in report.baselines:
            yield (*_cells(baseline.rows[place], baseline.name), _points(baseline.leads[place]))


def _cells(row: Row, by: str) -> tuple[str, ...]:
    shares = [_share(row.hits[most]) for most in RANKS]
    calibration = [f"{row.ece:.3f} ({row.ece_perfect:.3f})", _plain(row.aurc), f"{row.refused:.0%}"]
    rate = "" if row.gaps_a_second is None else f"{row.gaps_a_second:.2f}"
    return (row.task, by, str(row.n), *shares, _plain(row.mrr), _plain(row.brier), _share(row.character_error), *calibration, rate)


def _share(figure: Figure) -> str:
    return f"{100 * figure.value:.1f}% ({100 * figure.low:.0f}-{100 * figure.high:.0f})"


def _points(figure: Figure) -> str:
    return f"{100 * figure.value:+.1f} points ({100 * figure.low:+.1f} to {100 * figure.high:+.1f})"


def _plain(figure: Figure) -> str:
    return f"{figure.value:.3f} ({figure.low:.3f}-{figure.high:.3f})"


def as_json(report: Report) -> str:
    """Return the report for a program."""
    return json.dumps(asdict(report), ensure_ascii=False, indent=1)
