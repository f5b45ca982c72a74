"""Find for every word and gap of a transcript its place among the words that an engine read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from desunt.record.document import Box, Document, Gap, Token, Word, lines_with_pages
from desunt.transcript.alignment.gap_placement import (
    AnchorWord,
    GapPlacement,
    ScanLine,
    ScanToken,
    Surroundings,
    TypePitch,
    blank_space,
    measure_pitch,
    place_gap,
    scan_tokens,
    split_box,
)
from desunt.transcript.alignment.sequences import match_words, matching_key
from desunt.transcript.context import VisibleText

# Words that were not recognised share unread ink whose length differs from theirs by no more than this factor.
MAX_LENGTH_RATIO = 1.6
# Regions in which the text of a transcript may stand though no word of it was recognised there.
TEXT_REGIONS = frozenset({"body", "unread", "table", "form"})


@dataclass(frozen=True, slots=True)
class AlignedPlace:
    """Where a token of the transcript stands on the scan: its line, its box, and the tokens of the scan it is."""

    line: int
    box: Box | None
    scan_tokens: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TranscriptTokens:
    """The transcript token by token, with the transcript's own line of each.

    `keys` are the words that stand on the page, by token: what editors put between them is not among them. `gaps` are the
    places among the keys before which a gap stands.
    """

    tokens: tuple[Token, ...]
    line_numbers: tuple[int, ...]
    keys: dict[int, str]
    gaps: frozenset[int]


@dataclass(slots=True)
class TokenAlignment:
    """The alignment while it is made: where tokens were placed, which tokens of the scan are used up, where gaps lie, what the type is."""

    source: TranscriptTokens
    lines: tuple[ScanLine, ...]
    scan_tokens: tuple[ScanToken, ...]
    places: dict[int, AlignedPlace] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)
    gap_placements: dict[int, GapPlacement] = field(default_factory=dict)
    pitches: dict[int, TypePitch | None] = field(default_factory=dict)
    matched_lines: frozenset[int] = frozenset()

    def text(self, token: int) -> str:
        word = self.source.tokens[token]
        return word.text if isinstance(word, Word) else ""

    def line_of(self, scan_token: int) -> int:
        return self.scan_tokens[scan_token].line

    def anchor(self, token: int | None) -> AnchorWord | None:
        """Return a placed word as the neighbour of a gap."""
        if token is None or token not in self.places:
            return None
        return AnchorWord(self.text(token), self.places[token].box, self.places[token].line)

    def box(self, scan_tokens: Iterable[int]) -> Box | None:
        return Box.enclosing_known(self.scan_tokens[n].box for n in scan_tokens)

    def assign(self, token: int, line: int, box: Box | None, scan_tokens: Sequence[int]) -> None:
        self.places[token] = AlignedPlace(line, box, tuple(scan_tokens))
        self.used.update(scan_tokens)


def align_tokens(transcript: Document, lines: tuple[ScanLine, ...]) -> TokenAlignment:
    """Return the alignment of a transcript with the lines of its scan."""
    alignment = TokenAlignment(_transcript_tokens(transcript), lines, scan_tokens(lines))
    _place_matched(alignment)
    _measure_pitches(alignment)
    for before, after in list(_unplaced_runs(alignment)):
        _place_unmatched(alignment, before, after)
    return alignment


def _transcript_tokens(transcript: Document) -> TranscriptTokens:
    visible = VisibleText(transcript)
    keys: dict[int, str] = {}
    gaps: set[int] = set()
    numbered = [(number, token) for number, (_, line) in enumerate(lines_with_pages(transcript)) for token in line.tokens]
    for n, (_, token) in enumerate(numbered):
        if isinstance(token, Gap):
            gaps.add(len(keys))
        elif (text := visible.text(token)) and (text == token.text or any(sign.isalnum() for sign in text)):
            keys[n] = matching_key(text)
    return TranscriptTokens(tuple(token for _, token in numbered), tuple(number for number, _ in numbered), keys, frozenset(gaps))


def _place_matched(alignment: TokenAlignment) -> None:
    """Place the words that transcript and engine agree on.

    Where several words are one for the engine, each has its share of the box; where one is several, it has the part on the first line.
    """
    words = list(alignment.source.keys)
    read = [n for n, scan_token in enumerate(alignment.scan_tokens) if scan_token.text.strip()]
    read_keys = [matching_key(alignment.scan_tokens[n].text) for n in read]
    for match in match_words(list(alignment.source.keys.values()), read_keys, alignment.source.gaps):
        _assign_shares(alignment, words[match.first_start : match.first_end], read[match.second_start : match.second_end])


def _assign_shares(alignment: TokenAlignment, tokens: Sequence[int], scan_tokens: Sequence[int]) -> None:
    """Place tokens on the line of the first of the scan's, each with its share of the box of those on that line."""
    line = alignment.line_of(scan_tokens[0])
    box = alignment.box(n for n in scan_tokens if alignment.line_of(n) == line)
    parts: Sequence[Box | None] = [box] * len(tokens)
    if box and len(tokens) > 1:
        parts = split_box(box, [len(alignment.text(token)) for token in tokens])
    for token, part in zip(tokens, parts, strict=True):
        alignment.assign(token, line, part, scan_tokens)


def _measure_pitches(alignment: TokenAlignment) -> None:
    """Find the pitch of each page, and the lines on which words were recognised."""
    by_page: dict[int, list[AnchorWord]] = defaultdict(list)
    for token in sorted(alignment.places):
        if word := alignment.anchor(token):
            by_page[alignment.lines[word.line].page.number].append(word)
    alignment.pitches.update({number: measure_pitch(words) for number, words in by_page.items()})
    alignment.matched_lines = frozenset(alignment.line_of(n) for n in alignment.used)


def _unplaced_runs(alignment: TokenAlignment) -> Iterator[tuple[int | None, int | None]]:
    """Yield the placed tokens on both sides of each run of tokens without a place; None at the ends of the document."""
    placed = sorted(alignment.places)
    for before, after in zip([None, *placed], [*placed, None], strict=True):
        if (len(alignment.source.tokens) if after is None else after) - (-1 if before is None else before) > 1:
            yield before, after


def _place_unmatched(alignment: TokenAlignment, before: int | None, after: int | None) -> None:
    """Deal with a run of tokens without a place, and with the ink between its neighbours."""
    first = 0 if before is None else alignment.places[before].scan_tokens[-1] + 1
    last = len(alignment.scan_tokens) if after is None else alignment.places[after].scan_tokens[0]
    free = [n for n in range(first, last) if n not in alignment.used]
    tokens = range(0 if before is None else before + 1, len(alignment.source.tokens) if after is None else after)
    gaps = [n for n in tokens if isinstance(alignment.source.tokens[n], Gap)]
    words = [n for n in tokens if n in alignment.source.keys]
    if not gaps:
        if words and free:
            _place_unmatched_words(alignment, words, free, before, after)
        elif words:
            _place_faded_words(alignment, words, before, after)
        return
    before, after = _place_edge_words(alignment, gaps, words, free, before, after)
    shares = _deal_out(alignment, gaps, [n for n in free if _may_belong(alignment, gaps, n, before, after)])
    for gap, share in zip(gaps, shares, strict=True):
        alone = len(gaps) == 1
        left = before if alone or (gap == gaps[0] and share) else None
        right = after if alone or (gap == gaps[-1] and share) else None
        _place_unmatched_gap(alignment, gap, share, left, right)


def _place_unmatched_words(alignment: TokenAlignment, words: list[int], free: list[int], before: int | None, after: int | None) -> None:
    """Give words that were not recognised the unread ink of one line, where about as much of it stands between the same neighbours.

    At the ends of the document, where only one neighbour vouches for the place, the ink must stand on its line.
    """
    boxed = [n for n in free if alignment.scan_tokens[n].box]
    lines = {alignment.line_of(n) for n in boxed}
    anchor_lines = {alignment.places[n].line for n in (before, after) if n is not None}
    if len(lines) != 1 or (None in (before, after) and not lines & anchor_lines):
        return
    if _similar_length(len(" ".join(map(alignment.text, words))), _letter_count(alignment, boxed)):
        _assign_shares(alignment, words, boxed)


def _place_faded_words(alignment: TokenAlignment, words: list[int], before: int | None, after: int | None) -> None:
    """Give words of which the engine saw no ink the empty paper they fit: between their neighbours, or at a line's end or start."""
    left, right = alignment.anchor(before), alignment.anchor(after)
    both = left and right and left.line == right.line
    for start, end in [(left, right)] if both else [(left, None), (None, right)]:
        anchor = start or end
        pitch = _pitch_of_line(alignment, anchor.line) if anchor else None
        box = blank_space(alignment.lines, start, end, pitch) if pitch else None
        if anchor and pitch and box and _similar_length(len(" ".join(map(alignment.text, words))), box.width / pitch.advance):
            for word, part in zip(words, split_box(box, [len(alignment.text(word)) for word in words]), strict=True):
                alignment.assign(word, anchor.line, part, [])
            return


def _similar_length(length: float, other: float) -> bool:
    return length <= MAX_LENGTH_RATIO * other + 1 and other <= MAX_LENGTH_RATIO * length + 1


def _letter_count(alignment: TokenAlignment, scan_tokens: Sequence[int]) -> float:
    """Return about how many letters the inks are: by their width where the pitch is known."""
    pitch, box = _pitch_of_line(alignment, alignment.line_of(scan_tokens[0])), alignment.box(scan_tokens)
    return box.width / pitch.advance if pitch and box else len(" ".join(alignment.scan_tokens[n].text for n in scan_tokens))


def _pitch_of_line(alignment: TokenAlignment, line: int) -> TypePitch | None:
    return alignment.pitches.get(alignment.lines[line].page.number)


def _place_edge_words(
    alignment: TokenAlignment, gaps: list[int], words: list[int], free: list[int], before: int | None, after: int | None
) -> tuple[int | None, int | None]:
    """Give the words between a neighbour and the gaps the ink that fits them; return the neighbours the gaps touch, if they do."""
    for word in [n for n in words if n < gaps[0]]:
        before = word if before is not None and _take_token(alignment, word, free, 0) else None
    for word in [n for n in reversed(words) if n > gaps[-1]]:
        after = word if after is not None and _take_token(alignment, word, free, -1) else None
    return before, after


def _take_token(alignment: TokenAlignment, word: int, free: list[int], end: int) -> bool:
    """Place a word on the ink at this end of the run if that is about as long."""
    if not free or not alignment.scan_tokens[free[end]].text:
        return False
    length = len(alignment.text(word))
    if abs(length - len(alignment.scan_tokens[free[end]].text)) > max(1, length // 3):
        return False
    scan_token = free.pop(end)
    alignment.assign(word, alignment.line_of(scan_token), alignment.scan_tokens[scan_token].box, [scan_token])
    return True


def _may_belong(alignment: TokenAlignment, gaps: list[int], scan_token: int, before: int | None, after: int | None) -> bool:
    """Tell whether unread ink may be of the gaps: in a neighbour's region, or in any text where a gap has its line for itself."""
    region = alignment.lines[alignment.line_of(scan_token)].region
    neighbours = [alignment.places[n].line for n in (before, after) if n is not None]
    if any(alignment.lines[line].region is region for line in neighbours):
        return True
    line_numbers = alignment.source.line_numbers
    alone = any(line_numbers[g] not in (line_numbers[n] for n in (g - 1, g + 1) if 0 <= n < len(line_numbers)) for g in gaps)
    return region.kind in TEXT_REGIONS and (alone or not neighbours)


def _deal_out(alignment: TokenAlignment, gaps: list[int], unread: list[int]) -> list[list[int]]:
    """Deal out unread ink to the gaps of a run: a line each where that comes out even, else in equal parts."""
    by_line: dict[int, list[int]] = defaultdict(list)
    for n in unread:
        by_line[alignment.line_of(n)].append(n)
    if len(by_line) == len(gaps):
        return list(by_line.values())
    edges = [len(unread) * n // len(gaps) for n in range(len(gaps) + 1)]
    return [unread[start:end] for start, end in pairwise(edges)]


def _place_unmatched_gap(alignment: TokenAlignment, gap: int, unread: list[int], before: int | None, after: int | None) -> None:
    """Place a gap on its ink, or on the empty paper where it stood."""
    token, line_numbers = alignment.source.tokens[gap], alignment.source.line_numbers
    assert isinstance(token, Gap)
    left, right = alignment.anchor(before), alignment.anchor(after)
    if before is not None and right and line_numbers[before] != line_numbers[gap]:
        # The transcript begins a line with the gap: it belongs to what follows it.
        left = left if line_numbers[gap] != line_numbers[after or 0] else None
    elif left and right and after is not None and line_numbers[after] != line_numbers[gap]:
        # It ends a line with the gap: ink at the start of the next word's line is not the gap's, if there is other.
        unread = [n for n in unread if alignment.line_of(n) != right.line or right.line == left.line] or unread
    line = alignment.line_of(unread[0]) if unread else left.line if left else right.line if right else None
    if line is None or (not unread and _is_cut_off(alignment, gap, left, right)):
        return
    own_lines = frozenset(alignment.line_of(n) for n in unread) - alignment.matched_lines
    surroundings = Surroundings(alignment.lines, left, right, _pitch_of_line(alignment, line), own_lines)
    placement = place_gap(token, [alignment.scan_tokens[n] for n in unread], surroundings)
    alignment.gap_placements[gap] = placement
    alignment.assign(gap, placement.line, placement.box, unread)


def _is_cut_off(alignment: TokenAlignment, gap: int, left: AnchorWord | None, right: AnchorWord | None) -> bool:
    """Tell whether words of the gap's own line stand beside it that were not found: then nobody knows how far the paper is empty."""
    line_numbers = alignment.source.line_numbers
    behind = gap > 0 and line_numbers[gap - 1] == line_numbers[gap]
    ahead = gap + 1 < len(line_numbers) and line_numbers[gap + 1] == line_numbers[gap]
    return (left is None and behind) or (right is None and ahead)
