"""Print how well misread words are found, and draw it."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desunt.evaluate.conjectures.metrics import Figure
from desunt.evaluate.conjectures.plots import drawn
from desunt.evaluate.detection.measure import ALARMS, Report, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEAD = ("by", "n", "misread", "average precision", "AUROC", f"found at {ALARMS:.0%} false alarms", "precision", "recall", "ECE (perfect)")
NOTE = (
    "Misread: the word is not what stands at its place in the ground truth. Precision and recall: of the words that are flagged, which are"
    " those below the vouching threshold and gaps. 95% bootstrap intervals over pages. ECE: of the words that are no gaps, 15 bins of equal"
    " mass; in brackets what perfect calibration would show; a dash: nothing to measure it on. A"
    " model that was fitted on these very pages shows better figures here than elsewhere."
)


def format_report(report: Report) -> str:
    """Return a Markdown table and what its columns mean."""
    lines = [f"{report.folder}: {report.pages} pages, vouched for at {report.vouch:g}", "", _line(HEAD), "|---" * len(HEAD) + "|"]
    return "\n".join([*lines, *(_line(_cells(row)) for row in report.rows), "", NOTE])


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(row: Row) -> tuple[str, ...]:
    figures = (row.average_precision, row.auroc, row.found, row.precision, row.recall)
    ece = f"{row.ece[0]:.3f} ({row.ece[1]:.3f})" if row.ece else ""
    return row.by, f"{row.n:,}", f"{row.misread:,}", *map(_figure, figures), ece


def _figure(figure: Figure) -> str:
    if math.isnan(figure.value):
        return "-"
    return f"{figure.value:.3f} ({figure.low:.3f}-{figure.high:.3f})"


def as_json(report: Report) -> dict[str, Any]:
    """Return the figures for a program; null is a figure that nothing could be measured for."""
    names = ("average_precision", "auroc", "found", "precision", "recall")
    rows = [
        {"by": row.by, "n": row.n, "misread": row.misread, "ece": row.ece} | {name: _numbers(getattr(row, name)) for name in names}
        for row in report.rows
    ]
    return {"folder": report.folder, "pages": report.pages, "vouch": report.vouch, "rows": rows}


def _numbers(figure: Figure) -> list[float] | None:
    return None if math.isnan(figure.value) else [figure.value, figure.low, figure.high]


def draw(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write `precision-recall.svg` and `reliability.svg` into a folder; the same figures give the same bytes."""
    plots = {"precision-recall": _precision_recall, "reliability": _reliability}
    return tuple(drawn(folder / f"{name}.svg", partial(plot, report=report)) for name, plot in plots.items())


def _precision_recall(axes: Axes, report: Report) -> None:
    """Draw precision by recall at each threshold, a cross where words are flagged by default."""
    for one, (name, recall, precision) in zip(report.rows, report.curves, strict=True):
        (line,) = axes.step(recall, precision, where="post", label=f"{name}, average precision {one.average_precision.value:.3f}")
        axes.plot(one.recall.value, one.precision.value, "x", color=line.get_color())
    axes.set(xlabel="of the misread words, flagged", ylabel="of the flagged words, misread", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.set_title(f"Finding misread words, {report.pages} pages; x: below {report.vouch:g}")
    axes.legend(frameon=False, loc="lower left")


def _reliability(axes: Axes, report: Report) -> None:
    """Draw for each tenth of the scale how often words were read right, and below it how many words there are."""
    place = axes.get_subplotspec()
    assert place is not None
    rows = place.subgridspec(2, 1, height_ratios=(3, 1))
    axes.set_subplotspec(rows[0])
    below = axes.figure.add_subplot(rows[1], sharex=axes)
    axes.plot([0, 1], [0, 1], "--", color="0.6", label="perfect calibration")
    for aside, (name, bins) in zip((-0.011, 0.011), report.bins, strict=True):
        chances, shares = [one.chance for one in bins], [one.right for one in bins]
        errors = [math.sqrt(one.right * (1 - one.right) / one.n) for one in bins]
        points = axes.errorbar(chances, shares, yerr=errors, fmt="o", capsize=2, label=f"{name} (± one standard error)")
        bars = below.bar([chance + aside for chance in chances], [one.n for one in bins], width=0.02, color=points[0].get_color())
        below.bar_label(bars, fmt="{:.0f}", fontsize=6, rotation=90, padding=2)
    axes.set(ylabel="share read right", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), title=f"Reliability of words, {report.pages} pages")
    axes.legend(frameon=False, loc="upper left")
    below.set(xlabel="legibility, or confidence, of a word", ylabel="words", yscale="symlog")
    below.margins(y=0.5)
