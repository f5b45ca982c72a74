"""Rows of a page: boxes that run over the next word, and blocks that are one paragraph."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.synthetic_pages import SENTENCE, SIX_ROWS, page_with_gaps, type_rows


def test_the_box_of_a_hopeless_word_ends_where_the_next_word_begins():
    page, reading = type_rows({**SIX_ROWS, 3: "the Qx#~vw; would agree with this country"}, {"Qx#~vw;": 0.1})
    line = reading.lines[3]
    long = replace(line.words[1], box=replace(line.words[1].box, right=line.words[3].box.right))
    over = replace(reading, lines=(*reading.lines[:3], replace(line, words=(line.words[0], long, *line.words[2:])), *reading.lines[4:]))
    [gap] = page_with_gaps(page, over).gaps
    [right] = page_with_gaps(page, reading).gaps
    assert gap.box is not None
    assert gap.box.right == line.words[2].box.left
    assert gap.extent is not None
    assert right.extent is not None
    assert abs(gap.extent.least - right.extent.least) <= 1


def test_blocks_as_close_as_lines_are_one_region():
    page, reading = type_rows(SIX_ROWS)
    cut = replace(reading, lines=tuple(replace(line, block=1 + number // 3) for number, line in enumerate(reading.lines)))
    facts = page_with_gaps(page, cut)
    assert len(facts.regions) == 1
    assert facts.text.splitlines() == [SENTENCE] * 6


@pytest.mark.parametrize(("text", "regions"), [(SENTENCE, 1), (f"{SENTENCE}.", 6)])
def test_a_line_that_ends_no_sentence_goes_on_in_the_next_block(text, regions):
    """Where every line is a block of its own, nothing tells how far lines usually stand apart."""
    page, reading = type_rows(dict.fromkeys(range(6), text))
    cut = replace(reading, lines=tuple(replace(line, block=number) for number, line in enumerate(reading.lines)))
    assert len(page_with_gaps(page, cut).regions) == regions


def test_a_paragraph_further_down_is_a_region_of_its_own():
    rows = dict.fromkeys((0, 1, 2, 4, 5, 6), SENTENCE)
    page, reading = type_rows(rows)
    cut = replace(reading, lines=tuple(replace(line, block=1 + number // 3) for number, line in enumerate(reading.lines)))
    assert [len(region.lines) for region in page_with_gaps(page, cut).regions] == [3, 3]


def test_a_block_further_to_the_right_is_a_region_of_its_own():
    short = "the Government would agree with it"
    page, reading = type_rows({row: short if row < 3 else f"{'_' * 25} {short}" for row in range(6)})
    cut = replace(reading, lines=tuple(replace(line, block=1 + number // 3) for number, line in enumerate(reading.lines)))
    assert [len(region.lines) for region in page_with_gaps(page, cut).regions] == [3, 3]
