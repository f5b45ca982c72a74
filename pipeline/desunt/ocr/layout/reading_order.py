"""In which order the blocks of a page are read: as the engine has them, but never before what stands above or to the left of them."""

from __future__ import annotations

from collections.abc import Sequence

from desunt.record.document import Box

# Blocks share a column, or a row, if more than this share of the narrower, or lower, one lies within the other.
MIN_SHARED_SIDE = 0.5
# Boxes of lines that slope reach into each other by up to this share of the wider one's width.
MAX_SLOPE_OVERLAP = 0.01
# Blocks of fewer lines beside each other are no columns.
MIN_COLUMN_LINES = 3


def reading_order(blocks: Sequence[tuple[Box, int]]) -> list[int]:
    """Return the places of blocks (box, number of lines; in the engine's order) in the order they are read in.

    Breuel (2003): what stands above in the same column comes first, and of two columns the left one; else the engine's order holds.
    """
    order: list[int] = []
    waiting: list[int] = []

    def visit(place: int) -> None:
        """Put a block in order, and before it those that come before it and are not in order yet."""
        waiting.append(place)
        for other, block in enumerate(blocks):
            if other not in order and other not in waiting and _comes_first(block, blocks[place]):
                visit(other)
        order.append(waiting.pop())

    for place in range(len(blocks)):
        if place not in order:
            visit(place)
    return order


def _comes_first(block: tuple[Box, int], other: tuple[Box, int]) -> bool:
    """Tell whether a block is read before another, by their places alone."""
    (box, lines), (other_box, other_lines) = block, other
    shared_width = min(box.right, other_box.right) - max(box.left, other_box.left)
    shared_height = min(box.bottom, other_box.bottom) - max(box.top, other_box.top)
    is_above = box.bottom <= other_box.top + MAX_SLOPE_OVERLAP * max(box.width, other_box.width)
    if is_above and shared_width > MIN_SHARED_SIDE * min(box.width, other_box.width):
        return True
    are_columns = min(lines, other_lines) >= MIN_COLUMN_LINES or lines == other_lines == 1
    return are_columns and shared_height > MIN_SHARED_SIDE * min(box.height, other_box.height) and box.right <= other_box.left
