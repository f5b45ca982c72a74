"""Print how well misread words are found, and draw it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from desunt.evaluate.found import ALARMS, Report, Row
from desunt.evaluate.gap_metrics import Figure

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


def draw(report: Report, path: Path) -> Path:
    """Draw precision by recall as SVG; the same figures give the same bytes."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "desunt"
    from matplotlib.figure import Figure as Drawing

    drawing = Drawing(figsize=(5, 4), layout="constrained")
    axes = drawing.subplots()
    for name, recall, precision in report.curves:
        axes.step(recall, precision, where="post", label=name)
    axes.set(xlabel="misread words found", ylabel="of the flagged, misread", xlim=(0, 1), ylim=(0, 1.02), title="Finding misread words")
    axes.legend(frameon=False, loc="lower left")
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing.savefig(path, format="svg", metadata={"Date": None})
    return path
