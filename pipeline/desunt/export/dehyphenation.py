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
from desunt.export.modes import is_transcript_only, text_of_view, view_for_mode
from desunt.export.wording import vouch_threshold
from desunt.lm.lexicon import Lexicon, load_lexicon, strip_punctuation
from desunt.record.document import Line, Page, Region, Word
from desunt.record.files import Record
from desunt.record.lazy import map_pages

# The formats and modes that are read and carry no boxes; every other file keeps the page's line ends and hyphens.
READING_TEXT: frozenset[tuple[str, Mode]] = frozenset(
    {("text", "accepted"), ("markdown", "diplomatic"), ("markdown", "accepted"), ("markdown", "apparatus")}
)
DEHYPHENATION_SENTENCE = "Words divided at line ends are joined."
# How engines and transcribers write the hyphen at a line's end; before it must stand a letter, or it is a dash.
FIRST_HALF = re.compile(r"[^\W\d_][-\u2010\u00ac\u00ad]$")
# Nobody parts a single letter from the end of a word; but a speck is read as one.
SECOND_HALF = re.compile(r"[^\W\d_]{2}")


@dataclass(frozen=True, slots=True)
class HyphenatedWord:
    """A word of two halves, by the ids of the words that they are in the record; `hyphen` says whether one belongs to the whole word."""

    first_id: str
    second_id: str
    whole: str
    keeps_hyphen: bool


def hyphenated_words(page: Page, view: Record) -> tuple[HyphenatedWord, ...]:
    """Return the words divided between two lines of one region, in reading order; `shown` is what `in_mode` gave.

    Never a word that an editor decided about, and none of which a half is a gap. Of a transcript without a scan there are none: it is given
    back as it came.
    """
    pairs = [] if is_transcript_only(view.document) else list(_divided_pairs(page, view.decisions or {}))
    if not pairs:
        return ()
    vouch = vouch_threshold(view)
    page_words = Counter(_comparison_key(token.text) for line in page.lines for token in line.tokens if isinstance(token, Word))
    hyphenated: list[HyphenatedWord] = []
    for first, second in pairs:
        reliable = all(word.legibility is None or word.legibility >= vouch for word in (first, second))
        whole = _whole_word(first.text, second.text, page_words, reliable=reliable)
        # A word of three lines is too rare to be worth a rule.
        if whole and not (hyphenated and hyphenated[-1].second_id == first.id):
            hyphenated.append(HyphenatedWord(first.id, second.id, whole, len(whole) == len(first.text + second.text)))
    return tuple(hyphenated)


def dehyphenate(view: Record, name: str, mode: Mode) -> Record:
    """Return what `in_mode` gave as a format shows it: in the reading text each divided word is whole, where its first half stood.

    A line of which nothing is left is gone, so that lines are to be counted in the record that was given.
    """
    if (name, mode) not in READING_TEXT:
        return view
    pages = map_pages(view.document.pages, lambda page: dehyphenate_page(page, view))
    return replace(view, document=replace(view.document, pages=pages))


def dehyphenate_page(page: Page, view: Record) -> Page:
    """Return a page with its divided words whole."""
    hyphenated = hyphenated_words(page, view)
    if not hyphenated:
        return page
    whole_words, second_ids = {word.first_id: word.whole for word in hyphenated}, {word.second_id for word in hyphenated}
    return replace(page, regions=tuple(_dehyphenate_region(region, whole_words, second_ids) for region in page.regions))


def text_in_format(name: str, record: Record, mode: Mode) -> str:
    """Return the text that a file of a format holds: that of the mode, with divided words joined where it is the reading text."""
    return text_of_view(dehyphenate(view_for_mode(record, mode), name, mode), mode)


def dehyphenation_note(name: str, mode: Mode, record: Record) -> str:
    """Return the sentence with which a file says that divided words are joined in it; nothing where they are not."""
    return f" {DEHYPHENATION_SENTENCE}" if (name, mode) in READING_TEXT and not is_transcript_only(record.document) else ""


def _divided_pairs(page: Page, decided_ids: Collection[str]) -> Iterator[tuple[Word, Word]]:
    """Yield the last word of a line and the first of the next where the first ends in a hyphen that may divide a word."""
    for region in page.regions:
        for line, following in pairwise(region.lines):
            first, second = line.tokens[-1] if line.tokens else None, following.tokens[0] if following.tokens else None
            if (
                isinstance(first, Word)
                and isinstance(second, Word)
                and FIRST_HALF.search(first.text)
                and SECOND_HALF.match(second.text)
                and not {first.id, second.id} & set(decided_ids)
            ):
                yield first, second


def _whole_word(first: str, second: str, page_words: Counter[str], *, reliable: bool) -> str | None:
    """Return the whole word, with or without its hyphen; None where that is in doubt.

    Evidence is how the page writes the word elsewhere, then the lexicon; of a word that neither knows, whether its halves are words.
    """
    joined, hyphenated = first[:-1] + second, f"{first[:-1]}-{second}"
    counts = _lexicon().counts
    for frequencies in (page_words, counts):
        joined_count, hyphenated_count = frequencies.get(_comparison_key(joined), 0), frequencies.get(_comparison_key(hyphenated), 0)
        if joined_count > hyphenated_count and _agree_in_case(first, second):
            return unicodedata.normalize("NFC", joined)
        if hyphenated_count > joined_count:
            return unicodedata.normalize("NFC", hyphenated)
    halves_known = all(counts.get(_comparison_key(half), 0) for half in (first, second))
    return unicodedata.normalize("NFC", joined) if reliable and second[0].islower() and not halves_known else None


def _agree_in_case(first: str, second: str) -> bool:
    """Say whether two halves can be one word: `govern-` and `ment`, `GOVERN-` and `MENT`, but not `anti-` and `Semitic`."""
    return second[0].islower() or (strip_punctuation(first).isupper() and strip_punctuation(second).isupper())


def _comparison_key(word: str) -> str:
    return strip_punctuation(word).casefold().removesuffix("'s")


@cache
def _lexicon() -> Lexicon:
    return load_lexicon()


def _dehyphenate_region(region: Region, whole_words: dict[str, str], second_ids: set[str]) -> Region:
    lines = (_dehyphenate_line(line, whole_words, second_ids) for line in region.lines)
    return replace(region, lines=tuple(new for new, old in zip(lines, region.lines, strict=True) if new.tokens or not old.tokens))


def _dehyphenate_line(line: Line, whole_words: dict[str, str], second_ids: set[str]) -> Line:
    tokens = (token for token in line.tokens if token.id not in second_ids)
    return replace(
        line,
        tokens=tuple(
            replace(token, text=whole_words[token.id]) if isinstance(token, Word) and token.id in whole_words else token for token in tokens
        ),
    )
