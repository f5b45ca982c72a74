"""Find for every word and gap of a transcript its place among the words that an engine read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from desunt.record.document import Box, Document, Gap, Token, Word, lines_with_pages
from desunt.transcript.alignment.sequences import key_of, match_words
from desunt.transcript.alignment.stretches import Ink, Neighbour, Pitch, ScanLine, Stretch, inks, paper, pitch_of, share, stretch_of, union
from desunt.transcript.context import Shown

# Words that were not recognised share unread ink whose length differs from theirs by no more than this factor.
LIKE_LENGTH = 1.6
# Regions in which the text of a transcript may stand though no word of it was recognised there.
TEXT_REGIONS = frozenset({"body", "unread", "table", "form"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a token of the transcript stands on the scan: its line, its box, and the inks it is."""

    line: int
    box: Box | None
    inks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """The transcript token by token, with the transcript's own line of each.

    `keys` are the words that stand on the page, by token: what editors put between them is not among them. `gaps` are the
    places among the keys before which a gap stands.
    """

    tokens: tuple[Token, ...]
    rows: tuple[int, ...]
    keys: dict[int, str]
    gaps: frozenset[int]


@dataclass(slots=True)
class Overlay:
    """The alignment while it is made: where tokens were placed, which inks are used up, what is known of gaps and of the type."""

    source: Source
    lines: tuple[ScanLine, ...]
    inks: tuple[Ink, ...]
    places: dict[int, Place] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)
    stretches: dict[int, Stretch] = field(default_factory=dict)
    pitches: dict[int, Pitch | None] = field(default_factory=dict)
    read_lines: frozenset[int] = frozenset()

    def text(self, token: int) -> str:
        said = self.source.tokens[token]
        return said.text if isinstance(said, Word) else ""

    def neighbour(self, token: int | None) -> Neighbour | None:
        """Return a placed word as the neighbour of a gap."""
        if token is None or token not in self.places:
            return None
        return Neighbour(self.text(token), self.places[token].box, self.places[token].line)

    def box(self, found: Iterable[int]) -> Box | None:
        return union([box for n in found if (box := self.inks[n].box)])

    def put(self, token: int, line: int, box: Box | None, found: Sequence[int]) -> None:
        self.places[token] = Place(line, box, tuple(found))
        self.used.update(found)


def overlay_of(transcript: Document, lines: tuple[ScanLine, ...]) -> Overlay:
    """Return the alignment of a transcript with the lines of its scan."""
    overlay = Overlay(_source(transcript), lines, inks(lines))
    _match(overlay)
    _measure(overlay)
    for before, after in list(_runs(overlay)):
        _settle(overlay, before, after)
    return overlay


def _source(transcript: Document) -> Source:
    shown = Shown(transcript)
    keys: dict[int, str] = {}
    gaps: set[int] = set()
    placed = [(row, token) for row, (_, line) in enumerate(lines_with_pages(transcript)) for token in line.tokens]
    for n, (_, token) in enumerate(placed):
        if isinstance(token, Gap):
            gaps.add(len(keys))
        elif (said := shown.text(token)) and (said == token.text or any(sign.isalnum() for sign in said)):
            keys[n] = key_of(said)
    return Source(tuple(token for _, token in placed), tuple(row for row, _ in placed), keys, frozenset(gaps))


def _match(overlay: Overlay) -> None:
    """Place the words that transcript and engine agree on.

    Where several words are one for the engine, each has its share of the box; where one is several, it has the part on the first line.
    """
    words = list(overlay.source.keys)
    read = [n for n, ink in enumerate(overlay.inks) if ink.text.strip()]
    for match in match_words(list(overlay.source.keys.values()), [key_of(overlay.inks[n].text) for n in read], overlay.source.gaps):
        tokens, found = words[match.top : match.bottom], read[match.left : match.right]
        line = overlay.inks[found[0]].line
        _share(overlay, tokens, line, [n for n in found if overlay.inks[n].line == line], found)


def _share(overlay: Overlay, tokens: Sequence[int], line: int, seen: Sequence[int], found: Sequence[int]) -> None:
    box = overlay.box(seen)
    parts: Sequence[Box | None] = [box] * len(tokens)
    if box and len(tokens) > 1:
        parts = share(box, [len(overlay.text(token)) for token in tokens])
    for token, part in zip(tokens, parts, strict=True):
        overlay.put(token, line, part, found)


def _measure(overlay: Overlay) -> None:
    """Find the pitch of each page, and the lines on which words were recognised."""
    by_page: dict[int, list[Neighbour]] = defaultdict(list)
    for token in sorted(overlay.places):
        if word := overlay.neighbour(token):
            by_page[overlay.lines[word.line].page.number].append(word)
    overlay.pitches.update({number: pitch_of(words) for number, words in by_page.items()})
    overlay.read_lines = frozenset(overlay.inks[n].line for n in overlay.used)


def _runs(overlay: Overlay) -> Iterator[tuple[int | None, int | None]]:
    """Yield the placed tokens on both sides of each run of tokens without a place; None at the ends of the document."""
    placed = sorted(overlay.places)
    for before, after in zip([None, *placed], [*placed, None], strict=True):
        if (len(overlay.source.tokens) if after is None else after) - (-1 if before is None else before) > 1:
            yield before, after


def _settle(overlay: Overlay, before: int | None, after: int | None) -> None:
    """Deal with a run of tokens without a place, and with the ink between its neighbours."""
    first = 0 if before is None else overlay.places[before].inks[-1] + 1
    last = len(overlay.inks) if after is None else overlay.places[after].inks[0]
    free = [n for n in range(first, last) if n not in overlay.used]
    tokens = range(0 if before is None else before + 1, len(overlay.source.tokens) if after is None else after)
    gaps = [n for n in tokens if isinstance(overlay.source.tokens[n], Gap)]
    words = [n for n in tokens if n in overlay.source.keys]
    if not gaps:
        if words and free:
            _settle_words(overlay, words, free, before, after)
        elif words:
            _settle_faded(overlay, words, before, after)
        return
    before, after = _settle_edges(overlay, gaps, words, free, before, after)
    shares = _split(overlay, gaps, [n for n in free if _belongs(overlay, gaps, n, before, after)])
    for gap, found in zip(gaps, shares, strict=True):
        alone = len(gaps) == 1
        left = before if alone or (gap == gaps[0] and found) else None
        right = after if alone or (gap == gaps[-1] and found) else None
        _settle_gap(overlay, gap, found, left, right)


def _settle_words(overlay: Overlay, words: list[int], free: list[int], before: int | None, after: int | None) -> None:
    """Give words that were not recognised the unread ink of one line, where about as much of it stands between the same neighbours.

    At the ends of the document, where only one neighbour vouches for the place, the ink must stand on its line.
    """
    found = [n for n in free if overlay.inks[n].box]
    lines = {overlay.inks[n].line for n in found}
    known = {overlay.places[n].line for n in (before, after) if n is not None}
    if len(lines) != 1 or (None in (before, after) and not lines & known):
        return
    if _alike(len(" ".join(map(overlay.text, words))), _letters(overlay, found)):
        _share(overlay, words, overlay.inks[found[0]].line, found, found)


def _settle_faded(overlay: Overlay, words: list[int], before: int | None, after: int | None) -> None:
    """Give words of which the engine saw no ink the empty paper they fit: between their neighbours, or at a line's end or start."""
    left, right = overlay.neighbour(before), overlay.neighbour(after)
    both = left and right and left.line == right.line
    for start, end in [(left, right)] if both else [(left, None), (None, right)]:
        place = start or end
        pitch = _pitch(overlay, place.line) if place else None
        box = paper(overlay.lines, start, end, pitch) if pitch else None
        if place and pitch and box and _alike(len(" ".join(map(overlay.text, words))), box.width / pitch.step):
            for word, part in zip(words, share(box, [len(overlay.text(word)) for word in words]), strict=True):
                overlay.put(word, place.line, part, [])
            return


def _alike(length: float, other: float) -> bool:
    return length <= LIKE_LENGTH * other + 1 and other <= LIKE_LENGTH * length + 1


def _letters(overlay: Overlay, found: Sequence[int]) -> float:
    """Return about how many letters the inks are: by their width where the pitch is known."""
    pitch, box = _pitch(overlay, overlay.inks[found[0]].line), overlay.box(found)
    return box.width / pitch.step if pitch and box else len(" ".join(overlay.inks[n].text for n in found))


def _pitch(overlay: Overlay, line: int) -> Pitch | None:
    return overlay.pitches.get(overlay.lines[line].page.number)


def _settle_edges(
    overlay: Overlay, gaps: list[int], words: list[int], free: list[int], before: int | None, after: int | None
) -> tuple[int | None, int | None]:
    """Give the words between a neighbour and the gaps the ink that fits them; return the neighbours the gaps touch, if they do."""
    for word in [n for n in words if n < gaps[0]]:
        before = word if before is not None and _take(overlay, word, free, 0) else None
    for word in [n for n in reversed(words) if n > gaps[-1]]:
        after = word if after is not None and _take(overlay, word, free, -1) else None
    return before, after


def _take(overlay: Overlay, word: int, free: list[int], end: int) -> bool:
    """Place a word on the ink at this end of the run if that is about as long."""
    if not free or not overlay.inks[free[end]].text:
        return False
    length = len(overlay.text(word))
    if abs(length - len(overlay.inks[free[end]].text)) > max(1, length // 3):
        return False
    ink = free.pop(end)
    overlay.put(word, overlay.inks[ink].line, overlay.inks[ink].box, [ink])
    return True


def _belongs(overlay: Overlay, gaps: list[int], ink: int, before: int | None, after: int | None) -> bool:
    """Tell whether unread ink may be of the gaps: in a neighbour's region, or in any text where a gap has its line for itself."""
    region = overlay.lines[overlay.inks[ink].line].region
    neighbours = [overlay.places[n].line for n in (before, after) if n is not None]
    if any(overlay.lines[line].region is region for line in neighbours):
        return True
    rows = overlay.source.rows
    alone = any(rows[g] not in (rows[n] for n in (g - 1, g + 1) if 0 <= n < len(rows)) for g in gaps)
    return region.kind in TEXT_REGIONS and (alone or not neighbours)


def _split(overlay: Overlay, gaps: list[int], found: list[int]) -> list[list[int]]:
    """Deal out unread ink to the gaps of a run: a line each where that comes out even, else in equal parts."""
    by_line: dict[int, list[int]] = defaultdict(list)
    for n in found:
        by_line[overlay.inks[n].line].append(n)
    if len(by_line) == len(gaps):
        return list(by_line.values())
    edges = [len(found) * n // len(gaps) for n in range(len(gaps) + 1)]
    return [found[start:end] for start, end in pairwise(edges)]


def _settle_gap(overlay: Overlay, gap: int, found: list[int], before: int | None, after: int | None) -> None:
    """Place a gap on its ink, or on the empty paper where it stood."""
    token, rows = overlay.source.tokens[gap], overlay.source.rows
    assert isinstance(token, Gap)
    left, right = overlay.neighbour(before), overlay.neighbour(after)
    if before is not None and right and rows[before] != rows[gap]:
        # The transcript begins a line with the gap: it belongs to what follows it.
        left = left if rows[gap] != rows[after or 0] else None
    elif left and after is not None and rows[after] != rows[gap]:
        # It ends a line with the gap: ink at the start of the next word's line is not the gap's, if there is other.
        near = [n for n in found if overlay.inks[n].line != overlay.places[after].line or overlay.places[after].line == left.line]
        found = near or found
    line = overlay.inks[found[0]].line if found else left.line if left else right.line if right else None
    if line is None or (not found and _is_cut_off(overlay, gap, left, right)):
        return
    whole = frozenset(overlay.inks[n].line for n in found) - overlay.read_lines
    stretch = stretch_of(token, [overlay.inks[n] for n in found], overlay.lines, left, right, _pitch(overlay, line), whole)
    overlay.stretches[gap] = stretch
    overlay.put(gap, stretch.line, stretch.box, found)


def _is_cut_off(overlay: Overlay, gap: int, left: Neighbour | None, right: Neighbour | None) -> bool:
    """Tell whether words of the gap's own line stand beside it that were not found: then nobody knows how far the paper is empty."""
    rows = overlay.source.rows
    behind = gap > 0 and rows[gap - 1] == rows[gap]
    ahead = gap + 1 < len(rows) and rows[gap + 1] == rows[gap]
    return (left is None and behind) or (right is None and ahead)
