"""From what a form hands in to a change of gaps: added, split, joined, moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from desunt.record.document import Box, Extent, Gap, Line, Reason, Word
from desunt.record.edits import EditKind
from desunt.review.decision_form import LONGEST_NOTE
from desunt.review.environment import Environment
from desunt.review.store.types import EditProposal, Invalid, NewGap
from desunt.review.views.text import place_of

MOST_LETTERS = 1000
MOST_PIXELS = 1_000_000
# A new gap beside a word, where nobody drew its box: so many letters wide.
NEW_LETTERS = 5

Pixel = Annotated[int | None, Field(ge=0, le=MOST_PIXELS)]
Letters = Annotated[int | None, Field(ge=0, le=MOST_LETTERS)]


class EditAsked(BaseModel):
    """A change at the token `at`, in a line of that `version`.

    `add` puts a gap in the place of `words` words from `at` on, or with 0 words behind it; `split` cuts a gap at `share` of its
    width; `join` takes the next gap into this one; `move` sets its box. The box is in pixels of the scan; without one it is worked out.
    """

    model_config = ConfigDict(extra="ignore")

    kind: EditKind
    at: str = Field(pattern="^[0-9a-zA-Z_-]{1,64}$")
    words: int = Field(1, ge=0, le=50)
    share: float = Field(0.5, gt=0, lt=1)
    left: Pixel = None
    top: Pixel = None
    right: Pixel = None
    bottom: Pixel = None
    least: Letters = None
    most: Letters = None
    reason: Reason = "illegible"
    note: str = Field("", max_length=LONGEST_NOTE)
    version: str = Field("", max_length=100)
    uid: str = Field("", pattern="^([0-9a-f]{32})?$")


def edit_proposal(desk: Environment, editor: str, document_id: str, asked: EditAsked) -> EditProposal:
    """Return the change as the store wants it; raises Invalid where it cannot mean anything."""
    found = place_of(desk.store.index.shown(document_id), asked.at)
    if found is None:
        raise Invalid("that place is no longer on the page", remedy="someone changed the line; look at it again")
    _, line, token = found
    place = [one.id for one in line.tokens].index(token.id)
    tokens, after, gaps = KINDS[asked.kind](line, place, asked)
    return EditProposal(
        document_id, asked.kind, line.id, tokens, after, gaps, editor, asked.version, asked.note.strip(), asked.uid or None
    )  # fmt: skip


Change = tuple[tuple[str, ...], str | None, tuple[NewGap, ...]]


def _add(line: Line, place: int, asked: EditAsked) -> Change:
    replaced = line.tokens[place : place + asked.words]
    if any(isinstance(one, Gap) for one in replaced):
        raise Invalid("among those words is a gap already", remedy="take fewer words, or join the gaps")
    token = line.tokens[place]
    box = _drawn(asked) or (_around([one.box for one in replaced]) if replaced else _behind(line, place))
    before = line.tokens[place - 1].id if place else None
    return tuple(one.id for one in replaced), before if replaced else token.id, (NewGap(box, asked.reason, _extent(asked, replaced)),)


def _split(line: Line, place: int, asked: EditAsked) -> Change:
    gap = _gap(line, place)
    if gap.box is None or gap.box.width < 2:
        raise Invalid("a gap without a box cannot be cut", remedy="add a second gap behind it")
    cut = min(max(gap.box.left + round(gap.box.width * asked.share), gap.box.left + 1), gap.box.right - 1)
    left, right = Box(gap.box.left, gap.box.top, cut, gap.box.bottom), Box(cut, gap.box.top, gap.box.right, gap.box.bottom)
    parts = tuple(NewGap(box, gap.reason, _part(gap, box)) for box in (left, right))
    return (gap.id,), None, parts


def _join(line: Line, place: int, asked: EditAsked) -> Change:
    first = _gap(line, place)
    following = line.tokens[place + 1] if place + 1 < len(line.tokens) else None
    if not isinstance(following, Gap):
        raise Invalid("the next place in the line is no gap", remedy="replace the words between them by a gap first")
    return (first.id, following.id), None, (NewGap(_around([first.box, following.box]), first.reason, _sum(first, following)),)


def _move(line: Line, place: int, asked: EditAsked) -> Change:
    gap, box = _gap(line, place), _drawn(asked)
    if box is None:
        raise Invalid("a gap is moved to a box of four numbers", remedy="draw it on the scan, or type left, top, right and bottom")
    extent = _extent(asked, ()) or gap.extent
    return (gap.id,), None, (NewGap(box, gap.reason, extent, gap.letters),)


KINDS: dict[EditKind, Callable[[Line, int, EditAsked], Change]] = {"add": _add, "split": _split, "join": _join, "move": _move}


def _gap(line: Line, place: int) -> Gap:
    token = line.tokens[place]
    if not isinstance(token, Gap):
        raise Invalid("that is a word, not a gap", remedy="make a gap of it first")
    return token


def _drawn(asked: EditAsked) -> Box | None:
    if asked.left is None or asked.top is None or asked.right is None or asked.bottom is None:
        return None
    if asked.left >= asked.right or asked.top >= asked.bottom:
        raise Invalid("the box is empty: left must be less than right, top less than bottom")
    return Box(asked.left, asked.top, asked.right, asked.bottom)


def _around(boxes: list[Box | None]) -> Box | None:
    there = [box for box in boxes if box]
    if not there:
        return None
    around = there[0]
    for box in there[1:]:
        around = around.union(box)
    return around


def _behind(line: Line, place: int) -> Box | None:
    """Return a box between a word and the next one; where they touch, or nothing follows, one of usual letters."""
    box = line.tokens[place].box
    if box is None:
        return None
    following = line.tokens[place + 1].box if place + 1 < len(line.tokens) else None
    if following and following.left - box.right > box.height // 2:
        return Box(box.right + 1, box.top, following.left - 1, box.bottom)
    return Box(box.right, box.top, box.right + NEW_LETTERS * max(1, box.height // 2), box.bottom)


def _extent(asked: EditAsked, replaced: tuple[Word | Gap, ...]) -> Extent | None:
    if asked.least is not None or asked.most is not None:
        least = asked.least or 0
        if asked.most is not None and asked.most < max(1, least):
            raise Invalid("the least number of letters is more than the most")
        return Extent("character", least, asked.most)
    letters = len(" ".join(one.text for one in replaced if isinstance(one, Word)))
    return Extent("character", max(1, letters - 1), letters + 1) if letters else None


def _part(gap: Gap, box: Box) -> Extent | None:
    if gap.extent is None or gap.box is None or gap.extent.unit != "character":
        return None
    share, most = box.width / gap.box.width, gap.extent.most
    return Extent("character", max(0, round(gap.extent.least * share) - 1), None if most is None else max(1, round(most * share)))


def _sum(first: Gap, second: Gap) -> Extent | None:
    one, two = first.extent, second.extent
    if one is None or two is None or one.unit != "character" or two.unit != "character":
        return None
    # One letter more for the space that may stand between them.
    return Extent("character", one.least + two.least, None if one.most is None or two.most is None else one.most + two.most + 1)
