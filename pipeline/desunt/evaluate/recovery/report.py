"""Print how many misread words come back from the candidates, and draw it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desunt.evaluate.conjectures.plots import draw_svg
from desunt.evaluate.conjectures.run import RANKS
from desunt.evaluate.error_rates import pooled, rate_interval
from desunt.evaluate.recovery.measure import (
    DESUNT,
    MAX_RANK,
    PLAIN,
    SHOWN_CANDIDATES,
    CandidateHits,
    PageRates,
    RecoveryCounts,
    RecoveryReport,
    effort_curve,
    hits_by_rank,
)
from desunt.evaluate.recovery.run import Recovery

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NOTE = (
    "First, five, twenty: the right reading is among so many candidates, word for word, letter case counted, punctuation at the ends of"
    " words not; of a gap of several words only as a whole. Misread words that became no gap, and words read where nothing stands, are"
    " misses. 95% bootstrap intervals over pages. Word error rate: edits of bare words, whole text against whole text, the engine's"
    " readings of gaps in place, noise and lines that were hardly read among them. Editor: puts in the right reading where the ground truth"
    f" tells it and it is among the first {SHOWN_CANDIDATES}, else leaves what the engine read, noise too. First candidate: put in every"
    " gap unseen, refused or not; nobody should. Where that shortens noise it lowers the word error rate: compare the misread words."
)


def format_report(report: RecoveryReport) -> str:
    """Return the figures as Markdown tables, and what they mean."""
    head = [f"{report.folder}: {_size(report.counts)}", _operating_point(report)]
    return "\n".join([*head, *_hits_lines(report), "", *_error_lines(report), "", NOTE, *_remarks(report.counts)])


def _size(counts: RecoveryCounts) -> str:
    return f"{counts.pages} pages, {counts.words:,} words that can be scored, {counts.misread:,} of them misread"


def _operating_point(report: RecoveryReport) -> str:
    legible = "below the reading threshold" if report.doubt is None else f"less legible than {1 - report.doubt:.3f}"
    share = f"{_per_cent(report.found)} of the misread words and {_per_cent(report.false_alarms)} of the right ones"
    return f"Asked about: words {legible}: {share}; {report.counts.gaps:,} gaps, {_per_hundred(report.decisions)} per 100 words read.\n"


def _hits_lines(report: RecoveryReport) -> Iterator[str]:
    groups = [("flagged misread words", "flagged"), ("all misread words", "misread"), ("right words put in question", "kept")]
    yield _table_row(("of", "n", "by", "first", "five", "twenty"))
    yield "|---" * 6 + "|"
    for label, name in groups:
        for hits in report.hits:
            shares: Mapping[int, PageRates] = getattr(hits, name)
            size = f"{pooled(shares[RANKS[0]]).total:,.0f}"
            yield _table_row((label, size, hits.system, *(_per_cent(shares[rank]) for rank in RANKS)))


def _error_lines(report: RecoveryReport) -> Iterator[str]:
    yield _table_row(("reading", "word error rate", "misread, of words that can be scored", "decisions per 100 words"))
    yield "|---" * 4 + "|"
    for name, errors in report.errors.items():
        decisions = _per_hundred(report.decisions) if "editor" in name else "0"
        yield _table_row((name, _per_cent(errors.text), _per_cent(errors.words), decisions))


def _remarks(counts: RecoveryCounts) -> Iterator[str]:
    yield (
        f"Of the misread words {counts.blotted} lie under gaps without a reading, {counts.nothing_there} were read where nothing stands,"
        f" {counts.in_long_gaps} stand in gaps of several words. Of the gaps {counts.unscored_gaps} hold nothing that can be scored"
        " (letterheads, handwriting, noise, gaps without a reading whose words nobody can tell): they count as decisions alone."
    )


def _table_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _per_cent(rates: PageRates) -> str:
    value, interval = pooled(rates).value, rate_interval(rates)
    if value is None:
        return "-"
    return f"{100 * value:.1f}%" + (f" ({100 * interval.low:.0f}-{100 * interval.high:.0f})" if interval else "")


def _per_hundred(rates: PageRates) -> str:
    value = pooled(rates).value
    return "-" if value is None else f"{100 * value:.1f}"


def report_json(report: RecoveryReport) -> dict[str, Any]:
    """Return the figures for a program: [share, low, high], null where there is nothing to measure, no interval of a single page."""
    return {
        "folder": report.folder,
        "alarms": report.max_fpr,
        "doubt": report.doubt,
        "counts": asdict(report.counts),
        "found": _numbers(report.found),
        "false_alarms": _numbers(report.false_alarms),
        "decisions": _numbers(report.decisions),
        "hits": [_hits_json(hits) for hits in report.hits],
        "word_error_rate": {name: _numbers(errors.text) for name, errors in report.errors.items()},
        "misread": {name: _numbers(errors.words) for name, errors in report.errors.items()},
    }


def _hits_json(hits: CandidateHits) -> dict[str, Any]:
    groups = {"flagged": hits.flagged, "misread": hits.misread, "kept": hits.kept}
    return {"by": hits.system} | {name: {str(rank): _numbers(rates) for rank, rates in shares.items()} for name, shares in groups.items()}


def _numbers(rates: PageRates) -> list[float] | None:
    value, interval = pooled(rates).value, rate_interval(rates)
    if value is None:
        return None
    return [value, interval.low, interval.high] if interval else [value]


def draw(recovery: Recovery, report: RecoveryReport, folder: Path) -> tuple[Path, ...]:
    """Write `hits-by-rank.svg` and `errors-by-effort.svg` into a folder."""
    plots = {"hits-by-rank": _hits_by_rank, "errors-by-effort": _errors_by_effort}
    return tuple(draw_svg(folder / f"{name}.svg", partial(plot, recovery=recovery, report=report)) for name, plot in plots.items())


def _hits_by_rank(axes: Axes, recovery: Recovery, report: RecoveryReport) -> None:
    """Draw the share of all misread words whose right reading is among the first k; no candidate helps beyond the dashed line."""
    for system in recovery.systems:
        axes.plot(range(1, MAX_RANK + 1), hits_by_rank(recovery.pages, system), "o-", markersize=3, label=system)
    axes.axhline(pooled(report.found).value or 0.0, linestyle="--", color="0.6", label="became gaps")
    axes.set(xlabel="candidates looked at", ylabel="of all misread words", ylim=(0, 1.02), title=f"Right readings, {_pages(report)}")
    axes.set_xticks(RANKS)
    axes.legend(frameon=False, loc="lower right")


def _errors_by_effort(axes: Axes, recovery: Recovery, report: RecoveryReport) -> None:
    """Draw the word error rate that is left when an editor looks at more and more gaps, the most doubtful first."""
    for system in recovery.systems:
        points = effort_curve(recovery.pages, system)
        decisions, errors = [point.decisions for point in points], [100 * point.error for point in points]
        axes.plot(decisions, errors, "o-", markersize=3, label=f"{system}, first {SHOWN_CANDIDATES}")
    for name, style in ((PLAIN, ":"), (DESUNT, "--")):
        axes.axhline(100 * (pooled(report.errors[name].text).value or 0.0), linestyle=style, color="0.6", label=name)
    axes.set(xlabel="decisions per 100 words", ylabel="word error rate, %", title=f"An editor's work, {_pages(report)}")
    axes.legend(frameon=False)


def _pages(report: RecoveryReport) -> str:
    return f"{report.counts.misread:,} misread words of {report.counts.pages} pages"
