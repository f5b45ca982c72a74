"""Print how well misread words are found, and draw it."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desunt.evaluate.conjectures.metrics import Estimate
from desunt.evaluate.conjectures.plots import draw_svg
from desunt.evaluate.detection.measure import MAX_FALSE_POSITIVE_RATE, DetectionFigures, DetectionReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FOUND = f"found at {MAX_FALSE_POSITIVE_RATE:.0%} false alarms"
HEADER = ("by", "n", "misread", "average precision", "AUROC", FOUND, "precision", "recall", "ECE (perfect)")
NOTE = (
    "Misread: the word is not what stands at its place in the ground truth. Precision and recall: of the words that are flagged, which are"
    " those below the vouching threshold and gaps. 95% bootstrap intervals over pages. ECE: of the words that are no gaps, 15 bins of equal"
    " mass; in brackets what perfect calibration would show; a dash: nothing to measure it on. A"
    " model that was fitted on these very pages shows better figures here than elsewhere."
)


def format_report(report: DetectionReport) -> str:
    """Return a Markdown table and what its columns mean."""
    lines = [f"{report.folder}: {report.pages} pages, vouched for at {report.vouch:g}", "", _table_row(HEADER), "|---" * len(HEADER) + "|"]
    return "\n".join([*lines, *(_table_row(_cells(row)) for row in report.rows), "", NOTE])


def _table_row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(row: DetectionFigures) -> tuple[str, ...]:
    figures = (row.average_precision, row.auroc, row.recall_at_fpr, row.precision, row.recall)
    ece = f"{row.ece[0]:.3f} ({row.ece[1]:.3f})" if row.ece else ""
    return row.system, f"{row.n:,}", f"{row.misread:,}", *map(_format, figures), ece


def _format(estimate: Estimate) -> str:
    if math.isnan(estimate.value):
        return "-"
    return f"{estimate.value:.3f} ({estimate.low:.3f}-{estimate.high:.3f})"


def report_json(report: DetectionReport) -> dict[str, Any]:
    """Return the figures for a program; null is a figure that nothing could be measured for."""
    return {"folder": report.folder, "pages": report.pages, "vouch": report.vouch, "rows": [_row_json(row) for row in report.rows]}


def _row_json(row: DetectionFigures) -> dict[str, Any]:
    estimates = {"average_precision": row.average_precision, "auroc": row.auroc, "found": row.recall_at_fpr}
    estimates |= {"precision": row.precision, "recall": row.recall}
    counts = {"by": row.system, "n": row.n, "misread": row.misread, "ece": row.ece}
    return counts | {name: _numbers(estimate) for name, estimate in estimates.items()}


def _numbers(estimate: Estimate) -> list[float] | None:
    return None if math.isnan(estimate.value) else [estimate.value, estimate.low, estimate.high]


def draw(report: DetectionReport, folder: Path) -> tuple[Path, ...]:
    """Write `precision-recall.svg` and `reliability.svg` into a folder; the same figures give the same bytes."""
    plots = {"precision-recall": _precision_recall, "reliability": _reliability}
    return tuple(draw_svg(folder / f"{name}.svg", partial(plot, report=report)) for name, plot in plots.items())


def _precision_recall(axes: Axes, report: DetectionReport) -> None:
    """Draw precision by recall at each threshold, a cross where words are flagged by default."""
    for row, (name, recall, precision) in zip(report.rows, report.curves, strict=True):
        (line,) = axes.step(recall, precision, where="post", label=f"{name}, average precision {row.average_precision.value:.3f}")
        axes.plot(row.recall.value, row.precision.value, "x", color=line.get_color())
    axes.set(xlabel="of the misread words, flagged", ylabel="of the flagged words, misread", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.set_title(f"Finding misread words, {report.pages} pages; x: below {report.vouch:g}")
    axes.legend(frameon=False, loc="lower left")


def _reliability(axes: Axes, report: DetectionReport) -> None:
    """Draw for each tenth of the scale how often words were read right, and below it how many words there are."""
    subplot = axes.get_subplotspec()
    assert subplot is not None
    rows = subplot.subgridspec(2, 1, height_ratios=(3, 1))
    axes.set_subplotspec(rows[0])
    below = axes.figure.add_subplot(rows[1], sharex=axes)
    axes.plot([0, 1], [0, 1], "--", color="0.6", label="perfect calibration")
    for offset, (name, bins) in zip((-0.011, 0.011), report.bins, strict=True):
        probabilities, shares = [b.mean_probability for b in bins], [b.accuracy for b in bins]
        errors = [math.sqrt(b.accuracy * (1 - b.accuracy) / b.n) for b in bins]
        points = axes.errorbar(probabilities, shares, yerr=errors, fmt="o", capsize=2, label=f"{name} (± one standard error)")
        centers = [probability + offset for probability in probabilities]
        bars = below.bar(centers, [b.n for b in bins], width=0.02, color=points[0].get_color())
        below.bar_label(bars, fmt="{:.0f}", fontsize=6, rotation=90, padding=2)
    axes.set(ylabel="share read right", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), title=f"Reliability of words, {report.pages} pages")
    axes.legend(frameon=False, loc="upper left")
    below.set(xlabel="legibility, or confidence, of a word", ylabel="words", yscale="symlog")
    below.margins(y=0.5)
