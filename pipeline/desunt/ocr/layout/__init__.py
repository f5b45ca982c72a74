"""How the words of a page stand on it: which are of one line, in which order the blocks are read, and what each block is.

An engine's lines are kept as they are unless something speaks against them: on clean pages nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from desunt.ocr.engines import EngineLine, OcrResult
from desunt.ocr.layout.line_repair import repair_lines, usual_slope
from desunt.ocr.layout.line_splitting import MIN_SURE_CONFIDENCE, LineContext, split_line, sub_line, table_rulings
from desunt.ocr.layout.margin_marks import count_margin_marks, text_left_edges
from desunt.ocr.layout.page_geometry import LayoutLine, measure_geometry
from desunt.ocr.layout.reading_order import reading_order
from desunt.ocr.layout.region_types import classify_lines
from desunt.ocr.layout.type_metrics import TypeMetrics, median_metrics
from desunt.ocr.preprocessing.ink import Mask

__all__ = ["LayoutLine", "classify_lines", "measure_geometry", "median_metrics", "reading_order", "resegment_lines"]

# What stays a line, and what was read beside it.
SplitLine: TypeAlias = tuple[EngineLine, list[EngineLine]]
# What was read beside a line goes with what was read beside the line above, if it stands no farther below.
MAX_ASIDE_DISTANCE_HEIGHTS = 3.0


def resegment_lines(result: OcrResult, mask: Mask | None = None) -> OcrResult:
    """Return the result with words that do not belong together in lines of their own, and torn lines repaired; the same if there are none.

    Words, their texts, boxes and confidences stay exactly as they are: none is lost, none is added. `mask` is 1 where the page has ink
    (height, width), in the pixels of the boxes; without it rules between words cannot be seen.
    """
    metrics = median_metrics(result.words)
    if metrics is None:
        return result
    runs = repair_lines(result.lines, metrics)
    context = LineContext(metrics, usual_slope(result.lines, metrics), mask, table_rulings(result.lines, metrics, mask))
    edges = iter(text_left_edges([line for run in runs for line in run], metrics))
    split_runs = [[_split(line, next(edges), context, is_repaired=len(run) > 1) for line in run] for run in runs]
    if len(runs) == len(result.lines) and not any(beside for run in split_runs for _, beside in run):
        return result
    blocks = _blocks(runs, split_runs, metrics)
    lines = tuple(replace(line, block=number) for number, block in enumerate(blocks, 1) for line in block)
    return replace(result, lines=lines)


def _split(line: EngineLine, edge: int | None, context: LineContext, *, is_repaired: bool) -> SplitLine:
    """Return what stays the line, the part with most letters, and what was read beside it; `edge` is where the text near it begins."""
    marks = count_margin_marks(line, edge, context.metrics)
    rest = sub_line(line.words[marks:], line) if marks else line
    parts = split_line(rest, context, is_repaired=is_repaired)
    main = max(parts, key=lambda words: sum(len(word.text) for word in words))
    beside = [part for part in (line.words[:marks], *parts) if part and part is not main]
    return sub_line(main, line) if beside else line, [sub_line(part, line) for part in beside]


@dataclass(slots=True)
class _Aside:
    """What was read beside lines, one below the other; `after` is the number of the block whose lines they were."""

    lines: list[EngineLine]
    after: int

    def is_text(self, metrics: TypeMetrics) -> bool:
        read = [any(metrics.matches(word) and word.confidence >= MIN_SURE_CONFIDENCE for word in line.words) for line in self.lines]
        return 2 * sum(read) > len(read)


def _blocks(
    runs: Sequence[Sequence[EngineLine]], split_runs: Sequence[Sequence[SplitLine]], metrics: TypeMetrics
) -> Iterator[list[EngineLine]]:
    """Yield the blocks in reading order: text that stood beside a block's lines behind it, marks that are no type at the page's end."""
    blocks: list[list[EngineLine]] = []
    asides: list[_Aside] = []
    for run, split_lines in zip(runs, split_runs, strict=True):
        if not blocks or blocks[-1][-1].block != run[0].block:
            blocks.append([])
        blocks[-1] += [line for line, _ in split_lines]
        for line in (line for _, beside in split_lines for line in beside):
            _put_aside(line, asides, len(blocks), metrics)
    for number, block in enumerate(blocks, 1):
        yield block
        yield from (aside.lines for aside in asides if aside.after == number and aside.is_text(metrics))
    yield from (aside.lines for aside in asides if not aside.is_text(metrics))


def _put_aside(line: EngineLine, asides: list[_Aside], block: int, metrics: TypeMetrics) -> None:
    for aside in asides:
        last = aside.lines[-1].box
        shared_width = min(last.right, line.box.right) - max(last.left, line.box.left)
        if shared_width > 0 and abs(line.box.top - last.bottom) <= MAX_ASIDE_DISTANCE_HEIGHTS * metrics.height:
            aside.lines.append(line)
            return
    asides.append(_Aside([line], block))
