"""A comparison with ground truth as a table for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desunt.evaluate.conjectures.plots import draw_svg
from desunt.evaluate.error_rates import Interval, Rate, difference_interval, pooled, rate_interval
from desunt.evaluate.ocr.measure import OUTPUT_KINDS, OcrReport, OcrScore, OutputKind, PageComparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OUTPUT_LABELS: dict[OutputKind, str] = {"plain": "plain Tesseract", "words": "desunt, words", "readings": "desunt, words + engine readings"}
# Field of OcrScore -> what a person calls it, and what its n counts. Invented words are a mean a page, all others shares.
MEASURES: dict[str, tuple[str, str]] = {
    "line_cer": ("lineCER", "characters"),
    "recall": ("word recall", "words"),
    "precision": ("word precision", "words"),
    "page_cer": ("page CER", "characters"),
    "page_wer": ("page WER", "words"),
    "invented": ("invented words a page", "pages"),
}


def _rates(report: OcrReport, kind: OutputKind, measure: str) -> list[Rate]:
    rates: list[Rate | None] = [getattr(getattr(page, kind), measure) for page in report.pages]
    return [rate for rate in rates if rate is not None]


def _share(value: float | None, *, signed: bool = False) -> str:
    return "-" if value is None else f"{100 * value:{'+' if signed else ''}.1f}%"


def _cell(rates: Sequence[Rate], measure: str) -> str:
    value, interval = pooled(rates).value, rate_interval(rates)
    if value is None:
        return "-"
    if measure == "invented":
        return f"{value:.1f}" + (f" [{interval.low:.1f}, {interval.high:.1f}]" if interval else "")
    return _share(value) + (f" [{_share(interval.low)}, {_share(interval.high)}]" if interval else "")


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines, columns padded; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]


def format_report(report: OcrReport) -> str:
    """Return the report as plain text: totals with 95% intervals, pages, and what is worse than plain Tesseract."""
    head = ["measure", *OUTPUT_LABELS.values(), "n (plain)"]
    totals = [
        [label, *(_cell(_rates(report, kind, measure), measure) for kind in OUTPUT_KINDS), f"{_size(report, measure)} {unit}"]
        for measure, (label, unit) in MEASURES.items()
    ]
    parts = [
        f"{report.folder}: {len(report.pages)} pages with ground truth; [95% intervals: bootstrap over pages]",
        *_table([head, *totals]),
        "",
        *_vouched_lines(report),
        *_comparison_lines(report),
        "",
        *_table(
            [
                [
                    "page",
                    "words",
                    *(f"recall {kind}" for kind in OUTPUT_KINDS),
                    "words more",
                    "lineCER plain",
                    "lineCER readings",
                    "invented plain",
                    "invented words",
                ],
                *map(_page_row, report.pages),
            ]
        ),
    ]
    if report.without_truth:
        parts += ["", f"not scored, no ground truth: {', '.join(report.without_truth)}"]
    parts += [f"FAILED {page.name}: {page.problem}" for page in report.pages if page.problem]
    return "\n".join(parts) + "\n"


def _size(report: OcrReport, measure: str) -> str:
    return f"{pooled(_rates(report, 'plain', measure)).total:,.0f}"


def _vouched_lines(report: OcrReport) -> list[str]:
    share, errors = pooled(page.vouched.share for page in report.pages), [page.vouched.error for page in report.pages]
    error = pooled(errors)
    interval = rate_interval(errors)
    span = f" [{_share(interval.low)}, {_share(interval.high)}]" if interval else ""
    return [
        f"vouched for (legibility >= {report.vouch:g}): {_share(share.value)} of {share.total:,.0f} words and gaps; "
        f"misread of those: {_share(error.value)}{span}, n = {error.total:,.0f} words that can be scored"
    ]


def _comparison_lines(report: OcrReport) -> list[str]:
    plain, ours = _rates(report, "plain", "recall"), _rates(report, "readings", "recall")
    interval, our_recall, plain_recall = difference_interval(ours, plain), pooled(ours).value, pooled(plain).value
    gain = None if our_recall is None or plain_recall is None else our_recall - plain_recall
    span = f" [{_share(interval.low, signed=True)}, {_share(interval.high, signed=True)}]" if interval else ""
    worse = ", ".join(f"{page.name} ({page.word_gain:+d})" for page in report.worse) or "none"
    seconds = [sum(page.seconds[index] for page in report.pages) / len(report.pages) for index in (0, 1)]
    return [
        f"word recall against plain Tesseract: {_share(gain, signed=True)}{span}",
        f"worst page: {report.worst.name} ({report.worst.word_gain:+d} words)",
        f"pages worse by more than 2 words: {worse}",
        f"seconds a page (wall): plain Tesseract {seconds[0]:.1f}, desunt {seconds[1]:.1f}",
    ]


def _page_row(page: PageComparison) -> list[str]:
    recalls = [_share(getattr(page, kind).recall.value) for kind in OUTPUT_KINDS]
    invented = ["-" if score.invented is None else f"{score.invented.count:.0f}" for score in (page.plain, page.words)]
    lines = [_share(score.line_cer.value) for score in (page.plain, page.readings)]
    return [page.name, f"{page.plain.recall.total:.0f}", *recalls, f"{page.word_gain:+d}", *lines, *invented]


def report_json(report: OcrReport) -> dict[str, Any]:
    """Return the report as JSON values: totals with n and intervals, and the counts of every page."""
    return {
        "folder": report.folder,
        "totals": {kind: {measure: _total(_rates(report, kind, measure)) for measure in MEASURES} for kind in OUTPUT_KINDS},
        "vouched": {
            "threshold": report.vouch,
            "share": _rate(pooled(page.vouched.share for page in report.pages)),
            "error": _total([page.vouched.error for page in report.pages]),
        },
        "worst": {"page": report.worst.name, "words": report.worst.word_gain},
        "worse_by_more_than_2_words": [{"page": page.name, "words": page.word_gain} for page in report.worse],
        "without_ground_truth": list(report.without_truth),
        "pages": [_page_json(page) for page in report.pages],
    }


def _rate(rate: Rate | None) -> dict[str, float | None] | None:
    return None if rate is None else {"count": rate.count, "n": rate.total, "value": rate.value}


def _total(rates: Sequence[Rate]) -> dict[str, Any] | None:
    interval: Interval | None = rate_interval(rates)
    return {**(_rate(pooled(rates)) or {}), "interval": [interval.low, interval.high] if interval else None} if rates else None


def _page_json(page: PageComparison) -> dict[str, Any]:
    sides: dict[str, Any] = {
        kind: {field.name: _rate(getattr(getattr(page, kind), field.name)) for field in fields(OcrScore)} for kind in OUTPUT_KINDS
    }
    vouched = {"share": _rate(page.vouched.share), "error": _rate(page.vouched.error)}
    return {
        "page": page.name,
        **sides,
        "vouched": vouched,
        "words_more": page.word_gain,
        "seconds": list(page.seconds),
        "problem": page.problem,
    }


def draw(report: OcrReport, folder: Path) -> tuple[Path, ...]:
    """Write `word-recall.svg` and `line-cer.svg`, page by page plain Tesseract and desunt, into a folder."""
    plots = {"word-recall": "recall", "line-cer": "line_cer"}
    size = (7.0, 1.6 + 0.16 * len(report.pages))
    return tuple(
        draw_svg(folder / f"{name}.svg", partial(_paired, report=report, measure=measure), size) for name, measure in plots.items()
    )


def _paired(axes: Axes, report: OcrReport, measure: str) -> None:
    """Draw a line a page from plain Tesseract to desunt, engine readings of gaps counted; the page that lost most stands at the top."""
    label, unit = MEASURES[measure]
    pairs = [(page, _per_cent(page, "plain", measure), _per_cent(page, "readings", measure)) for page in report.pages]
    measured = [(page.name, plain, ours) for page, plain, ours in pairs if plain is not None and ours is not None]
    better = -1 if measure == "line_cer" else 1
    measured.sort(key=lambda page: (-better * (page[2] - page[1]), page[0]))
    heights = range(len(measured))
    for height, (_, plain, ours) in zip(heights, measured, strict=True):
        axes.plot([plain, ours], [height, height], "-", color="C3" if better * (ours - plain) < 0 else "0.6", zorder=1)
    axes.scatter([plain for _, plain, _ in measured], heights, facecolors="white", edgecolors="C1", zorder=2, label=OUTPUT_LABELS["plain"])
    axes.scatter([ours for *_, ours in measured], heights, color="C0", s=18, zorder=3, label=OUTPUT_LABELS["readings"])
    axes.set_yticks(heights, [name for name, *_ in measured], fontsize=6)
    axes.set(xlabel=f"{label}, %", title=f"{label} of {len(measured)} pages ({_size(report, measure)} {unit}); red: worse")
    axes.figure.legend(frameon=False, fontsize=7, loc="outside lower center", ncols=2)


def _per_cent(page: PageComparison, kind: OutputKind, measure: str) -> float | None:
    value = getattr(getattr(page, kind), measure).value
    return None if value is None else 100 * value
