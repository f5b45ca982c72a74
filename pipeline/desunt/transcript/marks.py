"""Find the marks of a transcript: which brackets are marks, where they begin and end, and which letters survive beside them.

Every function here is linear in the length of the text, whatever the text is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from desunt.record.document import Extent, Letters, Reason, Span
from desunt.transcript.bracket_grammar import BracketContext, MarkKind, classify_bracket

__all__ = ["Mark", "MarkKind", "find_marks"]

# How much of the line before and after a bracket decides what it means.
LINE_CONTEXT_CHARS = 60
NO_LETTERS = Letters()
GAP_KINDS = (MarkKind.GAP, MarkKind.WITHHELD)
OPENING_OF = {"]": "[", "⟧": "⟦"}

_BRACKET = re.compile(r"[\[\]⟦⟧]")
_PARAGRAPH = re.compile(r"(?:\r\n|\n|\r)[ \t]*(?:\r\n|\n|\r)|\f")
_CODE_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^\r\n]*)", re.M)
# A back-quote opens code only where a word may begin and closes it where one may end: old typists wrote quotation marks with it.
_INLINE_CODE = re.compile(r"(?<![\w`])`(?![\s`])[^`\n\r]*(?<![\s`])`(?![\w`])")
_LINK_TARGET = re.compile(r"""\((?:<[^<>\n]*>|[^\s()<>]*)(?:\s+(?:"[^"\n]*"|'[^'\n]*'))?\)""")
_LINK_ADDRESS = re.compile(r"\(<|[/.#:]")
_LINK_DEFINITION = re.compile(r"^ {0,3}\[(?P<name>[^\[\]\n]+)\]:[ \t]*(?:<|https?:|mailto:|www\.|[./#])", re.M)
# The other forms: only words that nobody writes in parentheses for another purpose.
_OTHER_BRACKETS = re.compile(r"[({<][^()\[\]{}<>\n\r]{1,60}[)}>]")
_UNMISTAKABLE_WORDS = re.compile(r"illeg(?:ible)?\b|unreadable|indecipherable|undecipherable|redacted\b|not declassified|not legible", re.I)


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
class _BracketPair:
    """A bracket from its opening to behind its closing; `children` are the pairs directly inside it."""

    start: int
    end: int
    children: tuple[_BracketPair, ...] = ()


def find_marks(text: str) -> tuple[Mark, ...]:
    """Return every mark of the text in order; they never overlap."""
    mask = _MarkdownMask(text)
    marks = [mark for start, end in _paragraph_spans(text) for mark in _paragraph_marks(text, start, end, mask)]
    marks += [mark for mark in _marks_in_other_brackets(text) if mark.span[0] not in mask]
    return tuple(_attach_letters(text, _drop_overlapping(sorted(marks, key=lambda mark: mark.span))))


class _MarkdownMask:
    """The places that Markdown takes out of the text: code and escaped brackets; and the names that links may use."""

    def __init__(self, text: str) -> None:
        self._covered = bytearray(len(text) + 1)
        for start, end in (*_code_blocks(text), *(match.span() for match in _INLINE_CODE.finditer(text))):
            self._covered[start:end] = b"\1" * (end - start)
        self.link_names = frozenset(m["name"].casefold() for m in _LINK_DEFINITION.finditer(text) if not m["name"].startswith("^"))

    def __contains__(self, position: int) -> bool:
        return bool(self._covered[position])


def _code_blocks(text: str) -> Iterator[Span]:
    """Yield blocks of code; one that is never closed is none, for its marks would be lost."""
    opening: re.Match[str] | None = None
    for match in _CODE_FENCE.finditer(text):
        if opening is None:
            opening = match
        elif match[1].startswith(opening[1]) and not match[2].strip():
            yield opening.start(), match.end()
            opening = None


def _paragraph_spans(text: str) -> Iterator[Span]:
    """Yield the stretches between empty lines: a bracket never reaches over one."""
    start = 0
    for match in _PARAGRAPH.finditer(text):
        yield start, match.start()
        start = match.start()
    yield start, len(text)


def _paragraph_marks(text: str, start: int, end: int, mask: _MarkdownMask) -> Iterator[Mark]:
    pairs, unmatched = _match_brackets(text, start, end, mask)
    for position in unmatched:
        could_be = "a mark that is never closed" if text[position] in OPENING_OF.values() else "the end of a mark that was never opened"
        yield Mark(MarkKind.AMBIGUOUS, (position, position + 1), text[position], could_be=could_be)
    for pair in pairs:
        yield from _marks_of_pair(text, pair, mask)


def _match_brackets(text: str, start: int, end: int, mask: _MarkdownMask) -> tuple[list[_BracketPair], list[int]]:
    """Return the outermost pairs of a stretch of text, with what they hold, and the brackets that have no partner."""
    unmatched: list[int] = []
    # Each level: where it was opened, and the pairs closed within it so far; the first is the paragraph itself.
    levels: list[tuple[int, list[_BracketPair]]] = [(-1, [])]
    for match in _BRACKET.finditer(text, start, end):
        position, sign = match.start(), match.group()
        if position in mask or _is_escaped(text, position):
            continue
        if sign not in OPENING_OF:
            levels.append((position, []))
        elif len(levels) > 1 and text[levels[-1][0]] == OPENING_OF[sign]:
            opened, children = levels.pop()
            levels[-1][1].append(_BracketPair(opened, position + 1, tuple(children)))
        else:
            unmatched.append(position)
    for opened, _ in levels[1:]:
        unmatched.append(opened)
    return [pair for _, children in levels for pair in children], unmatched


def _is_escaped(text: str, position: int) -> bool:
    count = 0
    # Typists do not write backslashes: more than a few only come from an attack.
    while count < 8 and position > count and text[position - 1 - count] == "\\":
        count += 1
    return count % 2 == 1


def _marks_of_pair(text: str, outermost: _BracketPair, mask: _MarkdownMask) -> Iterator[Mark]:
    """Yield the marks of an outermost pair; of nested pairs the innermost are marks, and the others are reported."""
    stack = [outermost]
    while stack:
        pair = stack.pop()
        if _is_link(text, pair, mask):
            continue
        if not pair.children:
            yield _classify(text, pair, text[pair.start + 1 : pair.end - 1])
        elif _is_double(pair):
            yield from _double_bracket_mark(text, pair)
        else:
            yield Mark(MarkKind.AMBIGUOUS, (pair.start, pair.start + 1), text[pair.start], could_be="a note that holds other marks")
            stack.extend(pair.children)


def _is_double(pair: _BracketPair) -> bool:
    """Tell whether this is `[[...]]`: marks of some projects, links of others."""
    child = pair.children[0]
    return len(pair.children) == 1 and not child.children and (child.start, child.end) == (pair.start + 1, pair.end - 1)


def _double_bracket_mark(text: str, pair: _BracketPair) -> Iterator[Mark]:
    mark = _classify(text, pair, text[pair.start + 2 : pair.end - 2])
    if mark.kind in GAP_KINDS:
        yield mark


def _is_link(text: str, pair: _BracketPair, mask: _MarkdownMask) -> bool:
    """Tell whether Markdown reads the pair as a link, an image, a footnote or the name of a link."""
    if text[pair.start] != "[":
        return False
    if text.startswith("^", pair.start + 1):
        return True
    target = _LINK_TARGET.match(text, pair.end)
    if target and (text[max(0, pair.start - 1) : pair.start] == "!" or _LINK_ADDRESS.search(target.group())):
        return True
    return bool(mask.link_names) and _is_reference_link(text, pair, mask)


def _is_reference_link(text: str, pair: _BracketPair, mask: _MarkdownMask) -> bool:
    behind = re.compile(r"\[([^\[\]\n]{0,999})\]").match(text, pair.end)
    names = (text[pair.start + 1 : pair.end - 1], behind.group(1) if behind else "")
    return any(name.casefold() in mask.link_names for name in names)


def _classify(text: str, pair: _BracketPair, content: str) -> Mark:
    before = re.split(r"[\n\r\f]", text[max(0, pair.start - LINE_CONTEXT_CHARS) : pair.start])
    after = re.split(r"[\n\r\f]", text[pair.end : pair.end + LINE_CONTEXT_CHARS])
    # A gloss may begin the line after the word it explains.
    line_before = before[-1] if before[-1].strip() or len(before) < 2 or not before[-2].strip() else before[-2] + " "
    bracket = classify_bracket(content, BracketContext(line_before, after[0], white=text[pair.start] == "⟦"))
    span, source = (pair.start, pair.end), text[pair.start : pair.end]
    return Mark(bracket.kind, span, source, bracket.extent, reason=bracket.reason, could_be=bracket.could_be)


def _marks_in_other_brackets(text: str) -> Iterator[Mark]:
    """Yield gaps and withheld passages in other brackets: `(illegible)`, `<illegible>`, `{redacted}`."""
    for match in _OTHER_BRACKETS.finditer(text):
        if _UNMISTAKABLE_WORDS.search(match.group()):
            mark = _classify(text, _BracketPair(match.start(), match.end()), match.group()[1:-1])
            if mark.kind in GAP_KINDS:
                yield mark


def _drop_overlapping(marks: list[Mark]) -> Iterator[Mark]:
    end = 0
    for mark in marks:
        if mark.span[0] >= end:
            end = mark.span[1]
            yield mark


def _attach_letters(text: str, marks: Iterator[Mark]) -> Iterator[Mark]:
    """Widen gaps to the letters that touch them; letters between two gaps belong to the first."""
    ordered, floor = list(marks), 0
    ceilings = [mark.span[0] for mark in ordered[1:]] + [len(text)]
    for mark, ceiling in zip(ordered, ceilings, strict=False):
        if mark.kind in GAP_KINDS:
            start, end = _letters_before(text, mark.span[0], floor), _letters_after(text, mark.span[1], ceiling)
            letters = Letters(_nfc(text[start : mark.span[0]]), _nfc(text[mark.span[1] : end]))
            yield Mark(mark.kind, (start, end), text[start:end], mark.extent, letters, mark.reason, mark.could_be)
            floor = end
        else:
            yield mark
            floor = mark.span[1]


def _nfc(letters: str) -> str:
    return unicodedata.normalize("NFC", letters)


def _is_letter(sign: str) -> bool:
    return sign.isalnum() or sign in "'’-" or unicodedata.category(sign)[0] == "M"


def _letters_before(text: str, position: int, floor: int) -> int:
    start = position
    while start > floor and _is_letter(text[start - 1]):
        start -= 1
    # A quotation mark or a dash that only stands before the word is not of the word.
    while start < position and not text[start].isalnum():
        start += 1
    return start


def _letters_after(text: str, position: int, ceiling: int) -> int:
    end = position
    while end < ceiling and _is_letter(text[end]):
        end += 1
    while end > position and not (text[end - 1].isalnum() or unicodedata.category(text[end - 1])[0] == "M"):
        end -= 1
    return end
