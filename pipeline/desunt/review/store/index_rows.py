"""From a record to the rows of the index: where each gap stands, what surrounds it, and how it sorts."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from desunt.record.conjecture import Candidate, Opinion, Refusal, by_support
from desunt.record.document import Document, Gap, Line, Page, Token, Word, lines_with_pages
from desunt.record.files import Record
from desunt.review.store.log import canonical
from desunt.review.store.values import GapKind

# Letters of the line shown on each side of a gap, and how few of them make the neighbouring line worth showing too.
AROUND, FEW = 80, 25
SENTENCE_ENDS = (".", "?", "!", ":")


def folded(text: str) -> str:
    """Return the text as it is looked for: without case, and without punctuation around it."""
    folded = unicodedata.normalize("NFC", text.casefold())
    first = next((n for n, letter in enumerate(folded) if letter.isalnum()), 0)
    last = next((n for n, letter in enumerate(reversed(folded)) if letter.isalnum()), 0)
    return folded[first : len(folded) - last]


def kind_of(sample: str, before: str) -> GapKind:
    """Say whether a gap seems to hold a name, a number or a word, by its likeliest text and what stands before it."""
    figures = sum(letter.isdigit() for letter in sample)
    if figures and figures * 2 >= sum(letter.isalnum() for letter in sample):
        return "number"
    capitals = before.isupper() and sample.isupper()
    starts = not before.strip() or before.rstrip().endswith(SENTENCE_ENDS)
    return "name" if sample[:1].isupper() and not starts and not capitals else "word"


def casing_of(token: Token | None) -> str:
    """Return the kind of a neighbour: its casing, a number, a mark, another gap, or the edge of the line."""
    if not isinstance(token, Word):
        return "gap" if token else "edge"
    text = token.text
    if any(letter.isdigit() for letter in text):
        return "number"
    if not any(letter.isalpha() for letter in text):
        return "mark"
    return "capitals" if text.isupper() and len(text) > 1 else "capital" if text[:1].isupper() else "small"


def series_of(gap: Gap, kind: GapKind, before: Token | None, after: Token | None) -> str | None:
    """Return the key that gaps share which look alike to the engine and stand in the same kind of context.

    Alike: the same engine reading letter by letter, the same surviving letters, reason and kind, and neighbours of the same casing
    on both sides. None where fewer than two letters were read: there is nothing to go by.
    """
    reading = gap.engine_reading or ""
    if sum(letter.isalnum() for letter in reading) < 2:
        return None
    key = (reading, gap.letters.before, gap.letters.after, gap.reason, kind, casing_of(before), casing_of(after))
    return hashlib.sha256(canonical(key).encode()).hexdigest()[:16]


def gap_rows(record: Record) -> Iterator[dict[str, Any]]:
    """Yield the row of each gap of a record, in reading order, without what stands about it."""
    place = 0
    for page in record.document.pages:
        lines = page.lines
        for number, line in enumerate(lines):
            for at, token in enumerate(line.tokens):
                if isinstance(token, Gap):
                    around = _around(lines, number, at)
                    yield _row(record, page, line, number + 1, place, at, around)
                    place += 1


def _around(lines: Sequence[Line], number: int, at: int) -> tuple[str, str]:
    """Return the diplomatic text before and after a token; with the neighbouring line's where its own has little."""
    line = lines[number]
    before, after = _text(line.tokens[:at]), _text(line.tokens[at + 1 :])
    if len(before) < FEW and number:
        before = f"{lines[number - 1].text} {before}".strip()
    if len(after) < FEW and number + 1 < len(lines):
        after = f"{after} {lines[number + 1].text}".strip()
    return before[-AROUND:], after[:AROUND]


def _text(tokens: Sequence[Token]) -> str:
    return Line("", None, tuple(tokens)).text


def _row(record: Record, page: Page, line: Line, number: int, place: int, at: int, around: tuple[str, str]) -> dict[str, Any]:
    gap = line.tokens[at]
    assert isinstance(gap, Gap)
    opinion = record.opinions.get(gap.id)
    likeliest = opinion.candidates[0] if opinion and opinion.candidates else None
    top = first_of(opinion)
    kind = kind_of(likeliest.text if likeliest else gap.engine_reading or "", around[0])
    left, right = (line.tokens[at - 1] if at else None), (line.tokens[at + 1] if at + 1 < len(line.tokens) else None)
    return {
        "gap_id": gap.id, "document_id": record.document.id, "page": page.number, "line": number, "line_id": line.id, "place": place,
        "reason": gap.reason, "kind": kind, "engine_reading": gap.engine_reading, "before": around[0], "after": around[1],
        "unit": gap.extent.unit if gap.extent else None, "least": gap.extent.least if gap.extent else None,
        "most": gap.extent.most if gap.extent else None,
        "box": canonical([gap.box.left, gap.box.top, gap.box.right, gap.box.bottom]) if gap.box else None,
        "scan_sha256": page.image.sha256 if page.image else None, "frame": page.image.frame if page.image else None,
        "top": top.text if top else None, "probability": top.probability if top else None,
        "series": series_of(gap, kind, left, right), "search": _search(gap, around, top.text if top else ""), **_opinion(opinion),
    }  # fmt: skip


def first_of(opinion: Opinion | None) -> Candidate | None:
    """Return the first candidate that something supports; of a refusal, where none is offered, the likeliest that was weighed."""
    candidates = opinion.candidates if opinion else ()
    return next(iter(candidates if isinstance(opinion, Refusal) else by_support(candidates)[0]), None)


def _search(gap: Gap, around: tuple[str, str], top: str) -> str:
    return f"{around[0]} {gap.engine_reading or ''} {around[1]} {top}".casefold()


def _opinion(opinion: Opinion | None) -> dict[str, Any]:
    """Return what the model says, and the sort keys: one that offers a likely reading is decided with one key."""
    top = first_of(opinion)
    probability = top.probability if top else 0.0
    refused = isinstance(opinion, Refusal)
    return {
        "none_of_these": opinion.none_of_these if opinion else None,
        "refusal": opinion.reason if isinstance(opinion, Refusal) else None,
        "cheap": round((2.0 if refused else 1.0 if opinion else 3.0) - probability, 4),
        "doubt": round(probability, 4) if opinion else 2.0,
    }


def word_rows(document: Document) -> list[dict[str, Any]]:
    """Return a row for each different word of the document: how often it stands there, and where first."""
    rows: dict[str, dict[str, Any]] = {}
    for page, line in lines_with_pages(document):
        for token in line.tokens:
            word = folded(token.text) if isinstance(token, Word) else ""
            if not word:
                continue
            # The first 200 letters are enough to show; a database's index takes no key of 10,000.
            row = rows.setdefault(
                word[:200],
                {
                    "word": word[:200], "document_id": document.id, "times": 0, "page": page.number, "line_id": line.id,
                    "word_id": token.id, "line": line.text[:200],
                },
            )  # fmt: skip
            row["times"] += 1
    return list(rows.values())
