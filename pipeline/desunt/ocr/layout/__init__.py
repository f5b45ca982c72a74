"""How the words of a page stand on it: which are of one line, in which order the blocks are read, and what each block is.

An engine's lines are kept as they are unless something speaks against them: on clean pages nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from desunt.ocr.engines import EngineLine, Reading
from desunt.ocr.layout.line_repair import mended, slope_in
from desunt.ocr.layout.line_splitting import DOUBTED, Mask, Page, line_of, parts_of, rules_of_tables
from desunt.ocr.layout.margin_marks import in_margin, left_edges
from desunt.ocr.layout.page_geometry import Shape, sheet_of
from desunt.ocr.layout.reading_order import reading_order
from desunt.ocr.layout.region_types import kinds_of
from desunt.ocr.layout.type_metrics import Type, type_of, type_on

__all__ = ["Shape", "kinds_of", "reading_order", "relined", "sheet_of", "type_of"]

# What was read beside a line goes with what was read beside the line above, if it stands no farther below than so many heights.
BELOW = 3.0


def relined(reading: Reading, mask: Mask | None = None) -> Reading:
    """Return the reading with words that do not belong together in lines of their own, and torn lines mended; the same if there are none.

    Words, their texts, boxes and confidences stay exactly as they are: none is lost, none is added. `mask` is 1 where the page has ink
    (height, width), in the pixels of the boxes; without it rules between words cannot be seen.
    """
    size = type_on(reading)
    if size is None:
        return reading
    runs = mended(reading.lines, size)
    page = Page(size, slope_in(reading.lines, size), mask, rules_of_tables(reading.lines, size, mask))
    edges = iter(left_edges([line for run in runs for line in run], size))
    parted = [[_parted(line, next(edges), page, is_mended=len(run) > 1) for line in run] for run in runs]
    if len(runs) == len(reading.lines) and not any(beside for run in parted for _, beside in run):
        return reading
    blocks = _blocks(runs, parted, size)
    lines = tuple(replace(line, block=number) for number, block in enumerate(blocks, 1) for line in block)
    return replace(reading, lines=lines)


def _parted(line: EngineLine, edge: int | None, page: Page, *, is_mended: bool) -> tuple[EngineLine, list[EngineLine]]:
    """Return what stays the line, the part with most letters, and what was read beside it."""
    marks = in_margin(line, edge, page.size)
    rest = line_of(line.words[marks:], line) if marks else line
    parts = parts_of(rest, page, is_mended=is_mended)
    main = max(parts, key=lambda words: sum(len(word.text) for word in words))
    beside = [part for part in (line.words[:marks], *parts) if part and part is not main]
    return line_of(main, line) if beside else line, [line_of(part, line) for part in beside]


@dataclass(slots=True)
class _Aside:
    """What was read beside lines, one below the other; `after` is the number of the block whose lines they were."""

    lines: list[EngineLine]
    after: int

    def is_text(self, size: Type) -> bool:
        read = [any(size.is_of_it(word) and word.confidence >= DOUBTED for word in line.words) for line in self.lines]
        return 2 * sum(read) > len(read)


def _blocks(
    runs: Sequence[Sequence[EngineLine]], parted: Sequence[Sequence[tuple[EngineLine, list[EngineLine]]]], size: Type
) -> Iterator[list[EngineLine]]:
    """Yield the blocks in reading order: text that stood beside a block's lines behind it, marks that are no type at the page's end."""
    blocks: list[list[EngineLine]] = []
    asides: list[_Aside] = []
    for run, lines in zip(runs, parted, strict=True):
        if not blocks or blocks[-1][-1].block != run[0].block:
            blocks.append([])
        blocks[-1] += [line for line, _ in lines]
        for _, beside in lines:
            for line in beside:
                _put_aside(line, asides, len(blocks), size)
    for number, block in enumerate(blocks, 1):
        yield block
        yield from (aside.lines for aside in asides if aside.after == number and aside.is_text(size))
    yield from (aside.lines for aside in asides if not aside.is_text(size))


def _put_aside(line: EngineLine, asides: list[_Aside], block: int, size: Type) -> None:
    for aside in asides:
        last = aside.lines[-1].box
        across = min(last.right, line.box.right) - max(last.left, line.box.left)
        if across > 0 and abs(line.box.top - last.bottom) <= BELOW * size.height:
            aside.lines.append(line)
            return
    asides.append(_Aside([line], block))
