"""Words divided at line ends: which they are, and the reading text, in which they stand whole.

Nothing is supposed here but what a hyphen at a line's end means, and where that is in doubt the line end stays. The rule is written out for
editors in docs/formats.md.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

from desunt.export import Mode
from desunt.export.modes import in_mode, is_given_back, shown_text
from desunt.export.wording import vouch_of
from desunt.lm.lexicon import Lexicon, bare, load_lexicon
from desunt.record.document import Line, Page, Region, Word
from desunt.record.files import Record
from desunt.record.lazy import changed_pages

# The formats and modes that are read and carry no boxes; every other file keeps the page's line ends and hyphens.
READING_TEXT: frozenset[tuple[str, Mode]] = frozenset(
    {("text", "accepted"), ("markdown", "diplomatic"), ("markdown", "accepted"), ("markdown", "apparatus")}
)
JOINED = "Words divided at line ends are joined."
# How engines and transcribers write the hyphen at a line's end; before it must stand a letter, or it is a dash.
FIRST_HALF = re.compile(r"[^\W\d_][-\u2010\u00ac\u00ad]$")
# Nobody parts a single letter from the end of a word; but a speck is read as one.
SECOND_HALF = re.compile(r"[^\W\d_]{2}")


@dataclass(frozen=True, slots=True)
class Divided:
    """A word of two halves, by the ids of the words that they are in the record; `hyphen` says whether one belongs to the whole word."""

    first: str
    second: str
    whole: str
    hyphen: bool


def divided_words(page: Page, shown: Record) -> tuple[Divided, ...]:
    """Return the words divided between two lines of one region, in reading order; `shown` is what `in_mode` gave.

    Never a word that an editor decided about, and none of which a half is a gap. Of a transcript without a scan there are none: it is given
    back as it came.
    """
    pairs = [] if is_given_back(shown.document) else list(_pairs(page, shown.decisions or {}))
    if not pairs:
        return ()
    vouch = vouch_of(shown)
    own = Counter(_folded(token.text) for line in page.lines for token in line.tokens if isinstance(token, Word))
    found: list[Divided] = []
    for first, second in pairs:
        sure = all(word.legibility is None or word.legibility >= vouch for word in (first, second))
        whole = _whole(first.text, second.text, own, sure=sure)
        # A word of three lines is too rare to be worth a rule.
        if whole and not (found and found[-1].second == first.id):
            found.append(Divided(first.id, second.id, whole, len(whole) == len(first.text + second.text)))
    return tuple(found)


def joined(shown: Record, name: str, mode: Mode) -> Record:
    """Return what `in_mode` gave as a format shows it: in the reading text each divided word is whole, where its first half stood.

    A line of which nothing is left is gone, so that lines are to be counted in the record that was given.
    """
    if (name, mode) not in READING_TEXT:
        return shown
    pages = changed_pages(shown.document.pages, lambda page: joined_page(page, shown))
    return replace(shown, document=replace(shown.document, pages=pages))


def joined_page(page: Page, shown: Record) -> Page:
    """Return a page with its divided words whole."""
    found = divided_words(page, shown)
    if not found:
        return page
    whole, gone = {one.first: one.whole for one in found}, {one.second for one in found}
    return replace(page, regions=tuple(_region(region, whole, gone) for region in page.regions))


def text_in(name: str, record: Record, mode: Mode) -> str:
    """Return the text that a file of a format holds: that of the mode, with divided words joined where it is the reading text."""
    return shown_text(joined(in_mode(record, mode), name, mode), mode)


def says_so(name: str, mode: Mode, record: Record) -> str:
    """Return the sentence with which a file says that divided words are joined in it; nothing where they are not."""
    return f" {JOINED}" if (name, mode) in READING_TEXT and not is_given_back(record.document) else ""


def _pairs(page: Page, decided: Collection[str]) -> Iterator[tuple[Word, Word]]:
    """Yield the last word of a line and the first of the next where the first ends in a hyphen that may divide a word."""
    for region in page.regions:
        for line, following in pairwise(region.lines):
            first, second = line.tokens[-1] if line.tokens else None, following.tokens[0] if following.tokens else None
            if (
                isinstance(first, Word)
                and isinstance(second, Word)
                and FIRST_HALF.search(first.text)
                and SECOND_HALF.match(second.text)
                and not {first.id, second.id} & set(decided)
            ):
                yield first, second


def _whole(first: str, second: str, own: Counter[str], *, sure: bool) -> str | None:
    """Return the whole word, with or without its hyphen; None where that is in doubt.

    Evidence is how the page writes the word elsewhere, then the lexicon; of a word that neither knows, whether its halves are words.
    """
    solid, hyphened = first[:-1] + second, f"{first[:-1]}-{second}"
    counts = _lexicon().counts
    for known in (own, counts):
        without, with_it = known.get(_folded(solid), 0), known.get(_folded(hyphened), 0)
        if without > with_it and _one_case(first, second):
            return unicodedata.normalize("NFC", solid)
        if with_it > without:
            return unicodedata.normalize("NFC", hyphened)
    both = all(counts.get(_folded(half), 0) for half in (first, second))
    return unicodedata.normalize("NFC", solid) if sure and second[0].islower() and not both else None


def _one_case(first: str, second: str) -> bool:
    """Say whether two halves can be one word: `govern-` and `ment`, `GOVERN-` and `MENT`, but not `anti-` and `Semitic`."""
    return second[0].islower() or (bare(first).isupper() and bare(second).isupper())


def _folded(word: str) -> str:
    return bare(word).casefold().removesuffix("'s")


@cache
def _lexicon() -> Lexicon:
    return load_lexicon()


def _region(region: Region, whole: dict[str, str], gone: set[str]) -> Region:
    lines = (_line(line, whole, gone) for line in region.lines)
    return replace(region, lines=tuple(new for new, old in zip(lines, region.lines, strict=True) if new.tokens or not old.tokens))


def _line(line: Line, whole: dict[str, str], gone: set[str]) -> Line:
    kept = (token for token in line.tokens if token.id not in gone)
    return replace(
        line, tokens=tuple(replace(one, text=whole[one.id]) if isinstance(one, Word) and one.id in whole else one for one in kept)
    )
