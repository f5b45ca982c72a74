"""Plots of measured conjectures as SVG files: reliability, risk against coverage, hits by the length of the gap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from desunt.evaluate.conjectures.metrics import Outcome, bins_of, hits, mean_interval, risk_coverage
from desunt.evaluate.conjectures.run import RANKS, Answered, confidence, outcomes_of
from desunt.record.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Outcomes: TypeAlias = Mapping[str, Sequence[Outcome]]


class Plot(Protocol):
    """Draw outcomes, by who answered, into axes."""

    def __call__(self, axes: Axes, outcomes: Outcomes) -> None: ...


# Lengths of gaps in letters that are counted together, from-to.
LENGTHS = (*((n, n) for n in range(1, 11)), (11, 13), (14, 17), (18, 22), (23, 30), (31, 10_000))


def draw(answered: Answered, folder: Path) -> tuple[Path, ...]:
    """Write the three plots and return their paths; the same answers give the same bytes."""
    outcomes = {by or "model": outcomes_of(answered, by) for by in answered.answers}
    plots: dict[str, Plot] = {"reliability": _reliability, "risk-coverage": _risk_coverage, "hits-by-length": _hits_by_length}
    return tuple(drawn(folder / f"{name}.svg", partial(plot, outcomes=outcomes)) for name, plot in plots.items())


def drawn(path: Path, plot: Callable[[Axes], None], size: tuple[float, float] = (6, 4.5)) -> Path:
    """Draw one plot of a size in inches into an SVG file; the same figures give the same bytes."""
    import matplotlib as mpl

    # Not pyplot: it keeps every figure, and asks for a display.
    from matplotlib.figure import Figure as Drawing

    content = BytesIO()
    # Without a fixed salt and date, two drawings of the same figures differ in their bytes.
    with mpl.rc_context({"svg.hashsalt": "desunt", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        drawing = Drawing(figsize=size, layout="constrained")
        plot(drawing.add_subplot())
        drawing.savefig(content, format="svg", metadata={"Date": None})
    write_atomically(path, content.getvalue())
    return path


def _reliability(axes: Axes, outcomes: Outcomes) -> None:
    """Draw for each bin of equal mass how often the first candidate was right; on the diagonal, probabilities say what they mean."""
    axes.plot([0, 1], [0, 1], "--", color="0.6", label="perfect calibration")
    bins = bins_of(*confidence(outcomes["model"]))
    shares = [right for _, right, _ in bins]
    errors = [np.sqrt(right * (1 - right) / n) for _, right, n in bins]
    axes.errorbar([p for p, _, _ in bins], shares, yerr=errors, fmt="o", capsize=2, label="first candidates (± one standard error)")
    axes.set(
        xlabel="probability given",
        ylabel="share that is right",
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
        title=f"Reliability, {_gaps(outcomes)}",
    )
    axes.legend(frameon=False)


def _risk_coverage(axes: Axes, outcomes: Outcomes) -> None:
    for name, found in outcomes.items():
        errors = risk_coverage(*confidence(found))
        axes.plot(np.arange(1, len(errors) + 1) / len(errors), errors, label=f"{name}, area {errors.mean():.3f}")
    axes.set(xlabel="share of gaps answered, the surest first", ylabel="share of them that is wrong", xlim=(0, 1), ylim=(0, 1))
    axes.set_title(f"Risk against coverage, {_gaps(outcomes)}")
    axes.legend(frameon=False)


def _hits_by_length(axes: Axes, outcomes: Outcomes) -> None:
    found = outcomes["model"]
    groups = [[o for o in found if least <= o.letters <= most] for least, most in LENGTHS]
    kept = [(bounds, group) for bounds, group in zip(LENGTHS, groups, strict=True) if group]
    for aside, most in zip((-0.12, 0.0, 0.12), RANKS, strict=True):
        figures = [mean_interval(hits(group, most)) for _, group in kept]
        below = [max(0.0, figure.value - figure.low) for figure in figures]
        above = [max(0.0, figure.high - figure.value) for figure in figures]
        axes.errorbar(
            np.arange(len(kept)) + aside, [f.value for f in figures], yerr=(below, above), fmt="o-", capsize=2, label=f"hit@{most}"
        )
    axes.set_xticks(range(len(kept)), [f"{_span(*bounds)}\nn {len(group)}" for bounds, group in kept], fontsize=7)
    axes.set(xlabel="letters lost", ylabel="share of gaps", ylim=(-0.02, 1.02), title=f"Truth among the first k, {_gaps(outcomes)}")
    axes.legend(frameon=False)


def _span(least: int, most: int) -> str:
    return str(least) if least == most else f"{least}+" if most >= LENGTHS[-1][1] else f"{least}-{most}"


def _gaps(outcomes: Outcomes) -> str:
    return f"{len(outcomes['model'])} gaps"
