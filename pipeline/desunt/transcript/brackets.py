"""Find the marks of a transcript: which brackets are marks, where they begin and end, and which letters survive beside them.

Every function here is linear in the length of the text, whatever the text is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from desunt.record.document import Extent, Letters, Reason, Span
from desunt.transcript.bracket_grammar import MarkKind, Meaning, Site, meaning

__all__ = ["Mark", "MarkKind", "marks"]

# How much of the line before and after a bracket decides what it means.
SIGHT = 60
NO_LETTERS = Letters()
CLOSING = {"]": "[", "⟧": "⟦"}

_BRACKET = re.compile(r"[\[\]⟦⟧]")
_PARAGRAPH = re.compile(r"(?:\r\n|\n|\r)[ \t]*(?:\r\n|\n|\r)|\f")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^\r\n]*)", re.M)
# A back-quote opens code only where a word may begin and closes it where one may end: old typists wrote quotation marks with it.
_CODE = re.compile(r"(?<![\w`])`(?![\s`])[^`\n\r]*(?<![\s`])`(?![\w`])")
_TARGET = re.compile(r"""\((?:<[^<>\n]*>|[^\s()<>]*)(?:\s+(?:"[^"\n]*"|'[^'\n]*'))?\)""")
_ADDRESS = re.compile(r"\(<|[/.#:]")
_DEFINITION = re.compile(r"^ {0,3}\[(?P<name>[^\[\]\n]+)\]:[ \t]*(?:<|https?:|mailto:|www\.|[./#])", re.M)
# The other forms: only words that nobody writes in parentheses for another purpose.
_OTHER = re.compile(r"[({<][^()\[\]{}<>\n\r]{1,60}[)}>]")
_CERTAIN = re.compile(r"illeg(?:ible)?\b|unreadable|indecipherable|undecipherable|redacted\b|not declassified|not legible", re.I)


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark in the text: `text` is `source[span]`, surviving letters included; `could_be` says what an ambiguous one may mean."""

    kind: MarkKind
    span: Span
    text: str
    extent: Extent | None = None
    letters: Letters = NO_LETTERS
    reason: Reason = "illegible"
    could_be: str = ""


@dataclass(frozen=True, slots=True)
class _Pair:
    """A bracket from its opening to behind its closing; `children` tells whether it holds others."""

    start: int
    end: int
    children: tuple[_Pair, ...] = ()


def marks(text: str) -> tuple[Mark, ...]:
    """Return every mark of the text in order; they never overlap."""
    hidden = _Hidden(text)
    found = [mark for start, end in _paragraphs(text) for mark in _paragraph_marks(text, start, end, hidden)]
    found += [mark for mark in _other_forms(text) if mark.span[0] not in hidden]
    return tuple(_with_letters(text, _disjoint(sorted(found, key=lambda mark: mark.span))))


class _Hidden:
    """The places that Markdown takes out of the text: code and escaped brackets; and the names that links may use."""

    def __init__(self, text: str) -> None:
        self._covered = bytearray(len(text) + 1)
        for start, end in (*_fenced(text), *(match.span() for match in _CODE.finditer(text))):
            self._covered[start:end] = b"\1" * (end - start)
        self.names = frozenset(m["name"].casefold() for m in _DEFINITION.finditer(text) if not m["name"].startswith("^"))

    def __contains__(self, place: int) -> bool:
        return bool(self._covered[place])


def _fenced(text: str) -> Iterator[Span]:
    """Yield blocks of code; one that is never closed is none, for its marks would be lost."""
    opening: re.Match[str] | None = None
    for match in _FENCE.finditer(text):
        if opening is None:
            opening = match
        elif match[1].startswith(opening[1]) and not match[2].strip():
            yield opening.start(), match.end()
            opening = None


def _paragraphs(text: str) -> Iterator[Span]:
    """Yield the stretches between empty lines: a bracket never reaches over one."""
    start = 0
    for match in _PARAGRAPH.finditer(text):
        yield start, match.start()
        start = match.start()
    yield start, len(text)


def _paragraph_marks(text: str, start: int, end: int, hidden: _Hidden) -> Iterator[Mark]:
    pairs, strays = _pairs(text, start, end, hidden)
    for place in strays:
        could_be = "a mark that is never closed" if text[place] in CLOSING.values() else "the end of a mark that was never opened"
        yield Mark(MarkKind.AMBIGUOUS, (place, place + 1), text[place], could_be=could_be)
    for pair in pairs:
        yield from _pair_marks(text, pair, hidden)


def _pairs(text: str, start: int, end: int, hidden: _Hidden) -> tuple[list[_Pair], list[int]]:
    """Return the outermost pairs of a stretch of text, with what they hold, and the brackets that have no partner."""
    strays: list[int] = []
    # Each level: where it was opened, and the pairs closed within it so far; the first is the paragraph itself.
    levels: list[tuple[int, list[_Pair]]] = [(-1, [])]
    for match in _BRACKET.finditer(text, start, end):
        place, sign = match.start(), match.group()
        if place in hidden or _escaped(text, place):
            continue
        if sign not in CLOSING:
            levels.append((place, []))
        elif len(levels) > 1 and text[levels[-1][0]] == CLOSING[sign]:
            opened, children = levels.pop()
            levels[-1][1].append(_Pair(opened, place + 1, tuple(children)))
        else:
            strays.append(place)
    for opened, _ in levels[1:]:
        strays.append(opened)
    return [pair for _, children in levels for pair in children], strays


def _escaped(text: str, place: int) -> bool:
    count = 0
    # Typists do not write backslashes: more than a few only come from an attack.
    while count < 8 and place > count and text[place - 1 - count] == "\\":
        count += 1
    return count % 2 == 1


def _pair_marks(text: str, outermost: _Pair, hidden: _Hidden) -> Iterator[Mark]:
    """Yield the marks of an outermost pair; of nested pairs the innermost are marks, and the others are reported."""
    waiting = [outermost]
    while waiting:
        pair = waiting.pop()
        if _is_link(text, pair, hidden):
            continue
        if not pair.children:
            yield _mark(text, pair)
        elif _is_double(pair):
            yield from _double(text, pair)
        else:
            yield Mark(MarkKind.AMBIGUOUS, (pair.start, pair.start + 1), text[pair.start], could_be="a note that holds other marks")
            waiting.extend(pair.children)


def _is_double(pair: _Pair) -> bool:
    """Tell whether this is `[[...]]`: marks of some projects, links of others."""
    child = pair.children[0]
    return len(pair.children) == 1 and not child.children and (child.start, child.end) == (pair.start + 1, pair.end - 1)


def _double(text: str, pair: _Pair) -> Iterator[Mark]:
    found = _classified(text, pair, text[pair.start + 2 : pair.end - 2])
    if found.kind in (MarkKind.GAP, MarkKind.WITHHELD):
        yield found


def _is_link(text: str, pair: _Pair, hidden: _Hidden) -> bool:
    """Tell whether Markdown reads the pair as a link, an image, a footnote or the name of a link."""
    if text[pair.start] != "[":
        return False
    if text.startswith("^", pair.start + 1):
        return True
    target = _TARGET.match(text, pair.end)
    if target and (text[max(0, pair.start - 1) : pair.start] == "!" or _ADDRESS.search(target.group())):
        return True
    return bool(hidden.names) and _is_named(text, pair, hidden)


def _is_named(text: str, pair: _Pair, hidden: _Hidden) -> bool:
    behind = re.compile(r"\[([^\[\]\n]{0,999})\]").match(text, pair.end)
    names = (text[pair.start + 1 : pair.end - 1], behind.group(1) if behind else "")
    return any(name.casefold() in hidden.names for name in names)


def _mark(text: str, pair: _Pair) -> Mark:
    return _classified(text, pair, text[pair.start + 1 : pair.end - 1])


def _classified(text: str, pair: _Pair, content: str) -> Mark:
    before = re.split(r"[\n\r\f]", text[max(0, pair.start - SIGHT) : pair.start])
    after = re.split(r"[\n\r\f]", text[pair.end : pair.end + SIGHT])
    # A gloss may begin the line after the word it explains.
    sight = before[-1] if before[-1].strip() or len(before) < 2 or not before[-2].strip() else before[-2] + " "
    return _marked(text, pair, meaning(content, Site(sight, after[0], white=text[pair.start] == "⟦")))


def _marked(text: str, pair: _Pair, found: Meaning) -> Mark:
    span = (pair.start, pair.end)
    return Mark(found.kind, span, text[pair.start : pair.end], found.extent, reason=found.reason, could_be=found.could_be)


def _other_forms(text: str) -> Iterator[Mark]:
    """Yield gaps and withheld passages in other brackets: `(illegible)`, `<illegible>`, `{redacted}`."""
    for match in _OTHER.finditer(text):
        if _CERTAIN.search(match.group()):
            found = _classified(text, _Pair(match.start(), match.end()), match.group()[1:-1])
            if found.kind in (MarkKind.GAP, MarkKind.WITHHELD):
                yield found


def _disjoint(found: list[Mark]) -> Iterator[Mark]:
    end = 0
    for mark in found:
        if mark.span[0] >= end:
            end = mark.span[1]
            yield mark


def _with_letters(text: str, found: Iterator[Mark]) -> Iterator[Mark]:
    """Widen gaps to the letters that touch them; letters between two gaps belong to the first."""
    ordered, floor = list(found), 0
    ceilings = [mark.span[0] for mark in ordered[1:]] + [len(text)]
    for mark, ceiling in zip(ordered, ceilings, strict=False):
        if mark.kind in (MarkKind.GAP, MarkKind.WITHHELD):
            start, end = _letters_before(text, mark.span[0], floor), _letters_after(text, mark.span[1], ceiling)
            kept = Letters(_composed(text[start : mark.span[0]]), _composed(text[mark.span[1] : end]))
            yield Mark(mark.kind, (start, end), text[start:end], mark.extent, kept, mark.reason, mark.could_be)
            floor = end
        else:
            yield mark
            floor = mark.span[1]


def _composed(letters: str) -> str:
    return unicodedata.normalize("NFC", letters)


def _is_letter(sign: str) -> bool:
    return sign.isalnum() or sign in "'’-" or unicodedata.category(sign)[0] == "M"


def _letters_before(text: str, place: int, floor: int) -> int:
    start = place
    while start > floor and _is_letter(text[start - 1]):
        start -= 1
    # A quotation mark or a dash that only stands before the word is not of the word.
    while start < place and not text[start].isalnum():
        start += 1
    return start


def _letters_after(text: str, place: int, ceiling: int) -> int:
    end = place
    while end < ceiling and _is_letter(text[end]):
        end += 1
    while end > place and not (text[end - 1].isalnum() or unicodedata.category(text[end - 1])[0] == "M"):
        end -= 1
    return end
