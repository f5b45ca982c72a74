"""In which order the blocks of a page are read: as the engine has them, but never before what stands above or to the left of them."""

from __future__ import annotations

from collections.abc import Sequence

from desunt.record.document import Box

# Blocks share a column, or a row, if so much of the narrower, or lower, one lies within the other.
SHARED = 0.5
# Boxes of lines that slope reach into each other by so many pixels for one of the wider box's width.
SLOPING = 0.01
# Blocks of so many lines beside each other are columns.
COLUMN_LINES = 3


def reading_order(blocks: Sequence[tuple[Box, int]]) -> list[int]:
    """Return the places of blocks (box, number of lines; in the engine's order) in the order they are read in.

    Breuel (2003): what stands above in the same column comes first, and of two columns the left one; else the engine's order holds.
    """
    order: list[int] = []
    waiting: list[int] = []

    def read(place: int) -> None:
        """Read a block, and before it those that come before it and were not read yet."""
        waiting.append(place)
        for other, block in enumerate(blocks):
            if other not in order and other not in waiting and _comes_first(block, blocks[place]):
                read(other)
        order.append(waiting.pop())

    for place in range(len(blocks)):
        if place not in order:
            read(place)
    return order


def _comes_first(one: tuple[Box, int], other: tuple[Box, int]) -> bool:
    """Tell whether a block is read before another, by their places alone."""
    (a, lines), (b, other_lines) = one, other
    wide = min(a.right, b.right) - max(a.left, b.left)
    high = min(a.bottom, b.bottom) - max(a.top, b.top)
    if wide > SHARED * min(a.width, b.width) and a.bottom <= b.top + SLOPING * max(a.width, b.width):
        return True
    alike = min(lines, other_lines) >= COLUMN_LINES or lines == other_lines == 1
    return alike and high > SHARED * min(a.height, b.height) and a.right <= b.left
