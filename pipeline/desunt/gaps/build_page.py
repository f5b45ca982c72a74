"""The page of a record from lines in the making: ids, regions, words and gaps as facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import TypeAlias

from desunt.gaps.lines import DraftGap, DraftLine
from desunt.ocr.engines import EngineWord
from desunt.record.document import Box, Gap, ImageRef, Line, Page, Region, RegionKind, Token, Word, stable_id

IdMaker: TypeAlias = Callable[[str, Box], str]


def build_page(
    regions: Sequence[tuple[RegionKind, Sequence[DraftLine]]], image: ImageRef, *, document_id: str, number: int, engine: str
) -> Page:
    """Return the page: regions of lines of tokens, with ids that depend on the document and the place alone."""
    make_id = _id_maker(document_id, image)
    built = tuple(
        Region(
            f"p{number}-r{place}", kind, Box.enclosing(line.box for line in lines), tuple(_line(line, make_id, engine) for line in lines)
        )
        for place, (kind, lines) in enumerate(regions, start=1)
    )
    legibility = [word.legibility for _, lines in regions for line in lines for word in line.words]
    return Page(number, image, built, round(fmean(legibility), 4) if legibility else None)


def _id_maker(document_id: str, image: ImageRef) -> IdMaker:
    """Return what names the places of a page, each once.

    An editor's correction is kept by a word's id, an edit by a line's: numbers in reading order would give both to other documents, and
    after another reading to other words.
    """
    counts: Counter[tuple[str, Box]] = Counter()

    def make_id(kind: str, box: Box) -> str:
        counts[kind, box] += 1
        again = (counts[kind, box],) if counts[kind, box] > 1 else ()
        sides = box.left, box.top, box.right, box.bottom
        return stable_id(document_id, image.sha256, image.frame, *((kind,) if kind else ()), *sides, *again)

    return make_id


def _line(line: DraftLine, make_id: IdMaker, engine: str) -> Line:
    last = len(line.tokens) - 1
    tokens: list[Token] = []
    for place, token in enumerate(line.tokens):
        if isinstance(token, EngineWord):
            tokens.append(_word(token, make_id("word", token.box), engine))
        else:
            # Whether the next line goes on where a gap at the end of a line stops, nobody can know.
            tokens.append(_gap(token, make_id("", token.box), continues=None if place == last else False))
    return Line(make_id("line", line.box), line.box, tuple(tokens), line.baseline)


def _word(word: EngineWord, word_id: str, engine: str) -> Word:
    confidence = round(word.confidence, 4)
    return Word(word_id, word.text, word.box, word.engine or engine, confidence, word.legibility, other_readings=word.alternatives)


def _gap(gap: DraftGap, gap_id: str, *, continues: bool | None) -> Gap:
    return Gap(gap_id, gap.box, gap.extent, gap.reason, gap.engine_reading, continues=continues, other_readings=gap.other_readings)
