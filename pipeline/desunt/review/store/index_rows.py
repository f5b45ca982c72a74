"""From a record to the rows of the index: where each gap stands, what surrounds it, and how it sorts."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from desunt.record.conjecture import Candidate, Opinion, Refusal, split_by_support
from desunt.record.decision_log import canonical_json
from desunt.record.document import Document, Gap, Line, Page, Token, Word, lines_with_pages
from desunt.record.files import Record
from desunt.review.store.values import GapKind

# Letters of the line shown on each side of a gap, and how few of them make the neighbouring line worth showing too.
CONTEXT_LETTERS, MIN_CONTEXT_LETTERS = 80, 25
SENTENCE_ENDS = (".", "?", "!", ":")


def word_key(text: str) -> str:
    """Return the text as it is looked for: without case, and without punctuation around it."""
    folded = unicodedata.normalize("NFC", text.casefold())
    before = next((n for n, letter in enumerate(folded) if letter.isalnum()), 0)
    after = next((n for n, letter in enumerate(reversed(folded)) if letter.isalnum()), 0)
    return folded[before : len(folded) - after]


def stored_word_key(text: str) -> str:
    """Return the key as the table of words has it: 200 letters are enough to show, and a database's index takes no key of 10,000."""
    return word_key(text)[:200]


def guess_kind(likeliest: str, before: str) -> GapKind:
    """Say whether a gap seems to hold a name, a number or a word, by its likeliest text and what stands before it."""
    digits = sum(letter.isdigit() for letter in likeliest)
    if digits and digits * 2 >= sum(letter.isalnum() for letter in likeliest):
        return "number"
    all_capitals = before.isupper() and likeliest.isupper()
    starts_sentence = not before.strip() or before.rstrip().endswith(SENTENCE_ENDS)
    return "name" if likeliest[:1].isupper() and not starts_sentence and not all_capitals else "word"


def neighbour_kind(token: Token | None) -> str:
    """Return the kind of a neighbour: its casing, a number, a mark, another gap, or the edge of the line."""
    if not isinstance(token, Word):
        return "gap" if token else "edge"
    text = token.text
    if any(letter.isdigit() for letter in text):
        return "number"
    if not any(letter.isalpha() for letter in text):
        return "mark"
    return "capitals" if text.isupper() and len(text) > 1 else "capital" if text[:1].isupper() else "small"


def series_key(gap: Gap, kind: GapKind, before: Token | None, after: Token | None) -> str | None:
    """Return the key that gaps share which look alike to the engine and stand in the same kind of context.

    Alike: the same engine reading letter by letter, the same surviving letters, reason and kind, and neighbours of the same casing
    on both sides. None where fewer than two letters were read: there is nothing to go by.
    """
    reading = gap.engine_reading or ""
    if sum(letter.isalnum() for letter in reading) < 2:
        return None
    key = (reading, gap.letters.before, gap.letters.after, gap.reason, kind, neighbour_kind(before), neighbour_kind(after))
    return hashlib.sha256(canonical_json(key).encode()).hexdigest()[:16]


def gap_rows(record: Record) -> Iterator[dict[str, Any]]:
    """Yield the row of each gap of a record, in reading order, without what holds for it."""
    place = 0
    for page in record.document.pages:
        lines = page.lines
        for number, line in enumerate(lines):
            for position, token in enumerate(line.tokens):
                if isinstance(token, Gap):
                    yield _gap_row(record, page, line, number + 1, place, position, _context(lines, number, position))
                    place += 1


def _context(lines: Sequence[Line], number: int, position: int) -> tuple[str, str]:
    """Return the diplomatic text before and after a token; with the neighbouring line's where its own has little."""
    line = lines[number]
    before, after = _text(line.tokens[:position]), _text(line.tokens[position + 1 :])
    if len(before) < MIN_CONTEXT_LETTERS and number:
        before = f"{lines[number - 1].text} {before}".strip()
    if len(after) < MIN_CONTEXT_LETTERS and number + 1 < len(lines):
        after = f"{after} {lines[number + 1].text}".strip()
    return before[-CONTEXT_LETTERS:], after[:CONTEXT_LETTERS]


def _text(tokens: Sequence[Token]) -> str:
    return Line("", None, tuple(tokens)).text


def _gap_row(
    record: Record, page: Page, line: Line, number: int, place: int, position: int, context: tuple[str, str]
) -> dict[str, Any]:  # fmt: skip
    gap = line.tokens[position]
    assert isinstance(gap, Gap)
    opinion = record.opinions.get(gap.id)
    likeliest = opinion.candidates[0] if opinion and opinion.candidates else None
    top = top_candidate(opinion)
    kind = guess_kind(likeliest.text if likeliest else gap.engine_reading or "", context[0])
    left, right = (None, *line.tokens)[position], (*line.tokens, None)[position + 1]
    return {
        "gap_id": gap.id, "document_id": record.document.id, "page": page.number, "line": number, "line_id": line.id, "place": place,
        "reason": gap.reason, "kind": kind, "engine_reading": gap.engine_reading, "before": context[0], "after": context[1],
        "unit": gap.extent.unit if gap.extent else None, "least": gap.extent.least if gap.extent else None,
        "most": gap.extent.most if gap.extent else None,
        "box": canonical_json([gap.box.left, gap.box.top, gap.box.right, gap.box.bottom]) if gap.box else None,
        "scan_sha256": page.image.sha256 if page.image else None, "frame": page.image.frame if page.image else None,
        "top": top.text if top else None, "probability": top.probability if top else None,
        "series": series_key(gap, kind, left, right),
        "search": _search_text(gap, context, top.text if top else ""), **_opinion_columns(opinion),
    }  # fmt: skip


def top_candidate(opinion: Opinion | None) -> Candidate | None:
    """Return the first candidate that something supports; of a refusal, where none is offered, the likeliest that was weighed."""
    candidates = opinion.candidates if opinion else ()
    return next(iter(candidates if isinstance(opinion, Refusal) else split_by_support(candidates)[0]), None)


def _search_text(gap: Gap, context: tuple[str, str], top: str) -> str:
    return f"{context[0]} {gap.engine_reading or ''} {context[1]} {top}".casefold()


def _opinion_columns(opinion: Opinion | None) -> dict[str, Any]:
    """Return what the model says, and the sort keys: one that offers a likely reading is decided with one key."""
    top = top_candidate(opinion)
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
            word = stored_word_key(token.text) if isinstance(token, Word) else ""
            if not word:
                continue
            row = rows.setdefault(
                word,
                {
                    "word": word, "document_id": document.id, "times": 0, "page": page.number, "line_id": line.id,
                    "word_id": token.id, "line": line.text[:200],
                },
            )  # fmt: skip
            row["times"] += 1
    return list(rows.values())
