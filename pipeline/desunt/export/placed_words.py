"""A page as PAGE XML, ALTO and hOCR want it: blocks, lines and words with a box each, and what is to be said about a word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import assert_never

from desunt.errors import UsageError
from desunt.export import Mode
from desunt.export.modes import RenderedToken, editor_reading, render_line
from desunt.export.wording import POSSIBLE_HEADING, decision_in_words, extent_in_words, per_cent
from desunt.record.conjecture import (
    CONJECTURE_LABEL,
    Conjectured,
    Corrected,
    Decided,
    Decision,
    Illegible,
    Opinion,
    Read,
    Refusal,
    Refused,
    split_by_support,
)
from desunt.record.document import Box, Gap, Line, Page, Region, Word
from desunt.record.files import Record

GUESS_WARNING = "a machine's guess that nobody has read on the page"
MODE_DESCRIPTIONS: dict[Mode, str] = {
    "diplomatic": f"Diplomatic text: the page's own words and gap marks, no {CONJECTURE_LABEL}.",
    "accepted": "Text with the readings that editors accepted; each says whose it is, and whether it was read in the ink or is a guess.",
    "apparatus": f"Diplomatic text; every {CONJECTURE_LABEL} is {GUESS_WARNING}, and stands outside the text.",
}


@dataclass(frozen=True, slots=True)
class PlacedWord:
    """A word or gap mark with a name of its own in the file; `is_own` says whether the box is its own or only that of what it stands in."""

    id: str
    rendered: RenderedToken
    box: Box
    has_own_box: bool


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """A line with its words."""

    id: str
    line: Line
    box: Box
    words: tuple[PlacedWord, ...]

    @property
    def text(self) -> str:
        return " ".join(word.rendered.text for word in self.words)


@dataclass(frozen=True, slots=True)
class PlacedBlock:
    """A region with its lines."""

    id: str
    region: Region
    box: Box
    lines: tuple[PlacedLine, ...]

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)


@dataclass(frozen=True, slots=True)
class WordAttribute:
    """Something about a word that is no text: `name` says what, `value` what it is, `says` explains it to a person."""

    name: str
    value: str
    description: str = ""


def scanned_page(record: Record) -> Page:
    """Return the one page a file of a layout format holds.

    Raises UsageError if the record has several pages, or its page no scan: these formats say where words stand on an image.
    """
    pages = record.document.pages
    if len(pages) != 1 or pages[0].image is None:
        raise UsageError(f"{record.document.id}: this format holds one page of a scan a file", remedy="Export a text format instead")
    return pages[0]


def placed_blocks(page: Page, view: Record, mode: Mode) -> tuple[PlacedBlock, ...]:
    """Return the blocks of a page that has a scan, as the mode shows them (`shown` is what `in_mode` gave)."""
    assert page.image is not None
    page_box = Box(0, 0, page.image.width, page.image.height)
    return tuple(_placed_block(f"r{n}", region, page_box, view, mode) for n, region in enumerate(page.regions, 1) if region.lines)


def _placed_block(block_id: str, region: Region, page_box: Box, view: Record, mode: Mode) -> PlacedBlock:
    boxes = (box for line in region.lines for box in (line.box, *(token.box for token in line.tokens)))
    box = region.box or Box.enclosing_known(boxes) or page_box
    return PlacedBlock(
        block_id, region, box, tuple(_placed_line(f"{block_id}l{n}", line, box, view, mode) for n, line in enumerate(region.lines, 1))
    )


def _placed_line(line_id: str, line: Line, block_box: Box, view: Record, mode: Mode) -> PlacedLine:
    box = line.box or Box.enclosing_known(token.box for token in line.tokens) or block_box
    words = enumerate(render_line(line, view, mode), 1)
    return PlacedLine(
        line_id,
        line,
        box,
        tuple(PlacedWord(f"{line_id}w{n}", rendered, rendered.token.box or box, rendered.token.box is not None) for n, rendered in words),
    )


def page_decisions(page: Page, view: Record) -> tuple[Decision, ...]:
    """Return the decisions about gaps and words of a page, in reading order."""
    decisions = view.decisions or {}
    return tuple(decisions[token.id] for line in page.lines for token in line.tokens if token.id in decisions)


def confidence_of(word: PlacedWord) -> float | None:
    """Return the engine's confidence in a word it read; None for gap marks and for what an editor read."""
    return word.rendered.token.engine_confidence if isinstance(word.rendered.token, Word) and word.rendered.decision is None else None


def legibility_of(word: PlacedWord) -> float | None:
    """Return the calibrated probability that a word was read right; None for gap marks and for what an editor read."""
    return word.rendered.token.legibility if isinstance(word.rendered.token, Word) and word.rendered.decision is None else None


def word_attributes(word: PlacedWord, vouch: float) -> Iterator[WordAttribute]:
    """Yield what is to be said about a word; what is supposed about it comes last, each guess under the name CONJECTURE."""
    token, legibility = word.rendered.token, legibility_of(word)
    if not word.has_own_box:
        yield WordAttribute("place", "unknown", "the box is that of the line or block")
    if isinstance(token, Gap):
        yield WordAttribute("gap", token.reason, extent_in_words(token))
        yield WordAttribute("gap-id", token.id)
    if legibility is not None:
        yield WordAttribute("legibility", f"{legibility:.4f}", "the calibrated probability that the word was read right")
        if legibility < vouch:
            yield WordAttribute("unclear", "true", f"less legible than {vouch:g}")
    if word.rendered.decision:
        yield from _accepted_attributes(word.rendered.decision)
    else:
        yield from _opinion_attributes(word.rendered)


def _accepted_attributes(decision: Decision) -> Iterator[WordAttribute]:
    confirmed = f"; confirmed by {', '.join(decision.confirmed_by)}" if decision.confirmed_by else ""
    yield WordAttribute("editor", decision.editor, decision_in_words(decision) + confirmed)
    yield WordAttribute("date", decision.at)
    yield WordAttribute("basis", decision.basis or "guess", "ink: read on the page; guess: accepted as a guess, not read on the page")


def _opinion_attributes(rendered: RenderedToken) -> Iterator[WordAttribute]:
    match rendered.segment:
        case Read() | Illegible():
            return
        case Conjectured(_, conjecture):
            yield from _candidate_attributes(conjecture)
        case Refused(_, refusal):
            yield from _candidate_attributes(refusal)
        case Decided(_, decision, opinion):
            yield from _decision_attributes(decision)
            yield from _candidate_attributes(opinion) if opinion else ()
        case Corrected(_, decision):
            yield from _decision_attributes(decision)
        case _:
            assert_never(rendered.segment)


def _decision_attributes(decision: Decision) -> Iterator[WordAttribute]:
    yield WordAttribute("decision", decision.verdict, decision_in_words(decision) + (f". {decision.note}" if decision.note else ""))
    reading = editor_reading(decision)
    if reading is None:
        return
    if decision.basis == "ink":
        yield WordAttribute("reading", reading, f"read in the ink by {decision.editor}")
    else:
        yield WordAttribute(
            "accepted-guess", f"{CONJECTURE_LABEL}: {reading}", f"accepted as a guess by {decision.editor}, not read on the page"
        )


def _candidate_attributes(opinion: Opinion) -> Iterator[WordAttribute]:
    if isinstance(opinion, Refusal):
        yield WordAttribute("refusal", opinion.reason, "no reading is offered")
    offered = "not offered, " if isinstance(opinion, Refusal) else ""
    by = f" by {opinion.model.name}" if opinion.model else ""
    for rank, candidate in enumerate(chain(*split_by_support(opinion.candidates)), 1):
        possible = f". {POSSIBLE_HEADING}" if candidate.possible else ""
        yield WordAttribute(
            CONJECTURE_LABEL,
            candidate.text,
            f"{CONJECTURE_LABEL}{by}, {offered}rank {rank}, {per_cent(candidate.probability)}: {GUESS_WARNING}{possible}",
        )
    if opinion.candidates:
        yield WordAttribute("none-of-these", per_cent(opinion.none_of_these), "the probability that every candidate is wrong")
