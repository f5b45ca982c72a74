"""Plots of measured conjectures as SVG files: reliability, risk against coverage, hits by the length of the gap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from desunt.evaluate.conjectures.metrics import GapScore, equal_mass_bins, hits_at, mean_estimate, risk_coverage
from desunt.evaluate.conjectures.run import RANKS, Answered, confidences, score_answers
from desunt.record.atomic import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Scores by the system that answered.
SystemScores: TypeAlias = Mapping[str, Sequence[GapScore]]


class Plot(Protocol):
    """Draw scores into axes."""

    def __call__(self, axes: Axes, scores: SystemScores) -> None: ...


# Gaps that are counted together by their lengths in letters: shortest, longest.
LENGTH_GROUPS = (*((n, n) for n in range(1, 11)), (11, 13), (14, 17), (18, 22), (23, 30), (31, 10_000))


def draw(answered: Answered, folder: Path) -> tuple[Path, ...]:
    """Write the three plots and return their paths; the same answers give the same bytes."""
    scores = {system or "model": score_answers(answered, system) for system in answered.answers}
    plots: dict[str, Plot] = {"reliability": _reliability, "risk-coverage": _risk_coverage, "hits-by-length": _hits_by_length}
    return tuple(draw_svg(folder / f"{name}.svg", partial(plot, scores=scores)) for name, plot in plots.items())


def draw_svg(path: Path, plot: Callable[[Axes], None], size: tuple[float, float] = (6, 4.5)) -> Path:
    """Draw one plot of a size in inches into an SVG file; the same figures give the same bytes."""
    import matplotlib as mpl

    # Not pyplot: it keeps every figure, and asks for a display.
    from matplotlib.figure import Figure

    content = BytesIO()
    # Without a fixed salt and date, two drawings of the same figures differ in their bytes.
    with mpl.rc_context({"svg.hashsalt": "desunt", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=size, layout="constrained")
        plot(figure.add_subplot())
        figure.savefig(content, format="svg", metadata={"Date": None})
    write_atomically(path, content.getvalue())
    return path


def _reliability(axes: Axes, scores: SystemScores) -> None:
    """Draw for each bin of equal mass how often the first candidate was right; on the diagonal, probabilities say what they mean."""
    axes.plot([0, 1], [0, 1], "--", color="0.6", label="perfect calibration")
    bins = equal_mass_bins(*confidences(scores["model"]))
    shares = [right for _, right, _ in bins]
    errors = [np.sqrt(right * (1 - right) / n) for _, right, n in bins]
    axes.errorbar([p for p, _, _ in bins], shares, yerr=errors, fmt="o", capsize=2, label="first candidates (± one standard error)")
    axes.set(xlabel="probability given", ylabel="share that is right", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set_title(f"Reliability, {_gap_count(scores)}")
    axes.legend(frameon=False)


def _risk_coverage(axes: Axes, scores: SystemScores) -> None:
    for system, system_scores in scores.items():
        errors = risk_coverage(*confidences(system_scores))
        axes.plot(np.arange(1, len(errors) + 1) / len(errors), errors, label=f"{system}, area {errors.mean():.3f}")
    axes.set(xlabel="share of gaps answered, the surest first", ylabel="share of them that is wrong", xlim=(0, 1), ylim=(0, 1))
    axes.set_title(f"Risk against coverage, {_gap_count(scores)}")
    axes.legend(frameon=False)


def _hits_by_length(axes: Axes, scores: SystemScores) -> None:
    groups = [(bounds, [s for s in scores["model"] if bounds[0] <= s.letters <= bounds[1]]) for bounds in LENGTH_GROUPS]
    groups = [(bounds, group) for bounds, group in groups if group]
    for offset, rank in zip((-0.12, 0.0, 0.12), RANKS, strict=True):
        estimates = [mean_estimate(hits_at(group, rank)) for _, group in groups]
        below = [max(0.0, estimate.value - estimate.low) for estimate in estimates]
        above = [max(0.0, estimate.high - estimate.value) for estimate in estimates]
        axes.errorbar(
            np.arange(len(groups)) + offset, [e.value for e in estimates], yerr=(below, above), fmt="o-", capsize=2, label=f"hit@{rank}"
        )
    axes.set_xticks(range(len(groups)), [f"{_length_label(*bounds)}\nn {len(group)}" for bounds, group in groups], fontsize=7)
    axes.set(xlabel="letters lost", ylabel="share of gaps", ylim=(-0.02, 1.02), title=f"Truth among the first k, {_gap_count(scores)}")
    axes.legend(frameon=False)


def _length_label(shortest: int, longest: int) -> str:
    return str(shortest) if shortest == longest else f"{shortest}+" if longest >= LENGTH_GROUPS[-1][1] else f"{shortest}-{longest}"


def _gap_count(scores: SystemScores) -> str:
    return f"{len(scores['model'])} gaps"
