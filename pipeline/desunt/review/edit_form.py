"""From what a form hands in to a change of gaps: added, split, joined, moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from desunt.record.document import Box, Extent, Gap, Line, Reason, Word
from desunt.record.edits import EditKind
from desunt.review.decision_form import MAX_NOTE_LETTERS
from desunt.review.environment import Environment
from desunt.review.store.types import EditProposal, Invalid, NewGap
from desunt.review.views.text import find_token

MAX_GAP_LETTERS = 1000
MAX_PIXEL = 1_000_000
# The width of a new gap beside a word, where nobody drew its box.
NEW_GAP_LETTERS = 5

Pixel = Annotated[int | None, Field(ge=0, le=MAX_PIXEL)]
Letters = Annotated[int | None, Field(ge=0, le=MAX_GAP_LETTERS)]


class EditForm(BaseModel):
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
    note: str = Field("", max_length=MAX_NOTE_LETTERS)
    version: str = Field("", max_length=100)
    uid: str = Field("", pattern="^([0-9a-f]{32})?$")


def to_edit_proposal(desk: Environment, editor: str, document_id: str, form: EditForm) -> EditProposal:
    """Return the change as the store wants it; raises Invalid where it cannot mean anything."""
    place = find_token(desk.store.index.edited_record(document_id), form.at)
    if place is None:
        raise Invalid("that place is no longer on the page", remedy="someone changed the line; look at it again")
    line = place.line
    tokens, after, gaps = EDITS_BY_KIND[form.kind](line, line.tokens.index(place.token), form)
    return EditProposal(
        document_id, form.kind, line.id, tokens, after, gaps, editor, form.version, form.note.strip(), form.uid or None
    )  # fmt: skip


# The ids of the tokens that give way, the token behind which the new gaps stand if none does, and those gaps.
EditedTokens: TypeAlias = tuple[tuple[str, ...], str | None, tuple[NewGap, ...]]


def _add_gap(line: Line, position: int, form: EditForm) -> EditedTokens:
    replaced = line.tokens[position : position + form.words]
    if any(isinstance(replaced_token, Gap) for replaced_token in replaced):
        raise Invalid("among those words is a gap already", remedy="take fewer words, or join the gaps")
    token = line.tokens[position]
    box = _drawn_box(form) or (Box.enclosing_known(word.box for word in replaced) if replaced else _box_behind(line, position))
    before = line.tokens[position - 1].id if position else None
    gap = NewGap(box, form.reason, _extent_of_words(form, replaced))
    return tuple(word.id for word in replaced), before if replaced else token.id, (gap,)


def _split_gap(line: Line, position: int, form: EditForm) -> EditedTokens:
    gap = _require_gap(line, position)
    if gap.box is None or gap.box.width < 2:
        raise Invalid("a gap without a box cannot be cut", remedy="add a second gap behind it")
    cut = min(max(gap.box.left + round(gap.box.width * form.share), gap.box.left + 1), gap.box.right - 1)
    left, right = Box(gap.box.left, gap.box.top, cut, gap.box.bottom), Box(cut, gap.box.top, gap.box.right, gap.box.bottom)
    parts = tuple(NewGap(box, gap.reason, _extent_of_part(gap, box)) for box in (left, right))
    return (gap.id,), None, parts


def _join_gaps(line: Line, position: int, form: EditForm) -> EditedTokens:
    first = _require_gap(line, position)
    following = line.tokens[position + 1] if position + 1 < len(line.tokens) else None
    if not isinstance(following, Gap):
        raise Invalid("the next place in the line is no gap", remedy="replace the words between them by a gap first")
    box = Box.enclosing_known([first.box, following.box])
    return (first.id, following.id), None, (NewGap(box, first.reason, _joined_extent(first, following)),)


def _move_gap(line: Line, position: int, form: EditForm) -> EditedTokens:
    gap, box = _require_gap(line, position), _drawn_box(form)
    if box is None:
        raise Invalid("a gap is moved to a box of four numbers", remedy="draw it on the scan, or type left, top, right and bottom")
    extent = _extent_of_words(form, ()) or gap.extent
    return (gap.id,), None, (NewGap(box, gap.reason, extent, gap.letters),)


EDITS_BY_KIND: dict[EditKind, Callable[[Line, int, EditForm], EditedTokens]] = {
    "add": _add_gap, "split": _split_gap, "join": _join_gaps, "move": _move_gap,
}  # fmt: skip


def _require_gap(line: Line, position: int) -> Gap:
    token = line.tokens[position]
    if not isinstance(token, Gap):
        raise Invalid("that is a word, not a gap", remedy="make a gap of it first")
    return token


def _drawn_box(form: EditForm) -> Box | None:
    if form.left is None or form.top is None or form.right is None or form.bottom is None:
        return None
    if form.left >= form.right or form.top >= form.bottom:
        raise Invalid("the box is empty: left must be less than right, top less than bottom")
    return Box(form.left, form.top, form.right, form.bottom)


def _box_behind(line: Line, position: int) -> Box | None:
    """Return a box between a word and the next one; where they touch, or nothing follows, one of usual letters."""
    box = line.tokens[position].box
    if box is None:
        return None
    following = line.tokens[position + 1].box if position + 1 < len(line.tokens) else None
    if following and following.left - box.right > box.height // 2:
        return Box(box.right + 1, box.top, following.left - 1, box.bottom)
    return Box(box.right, box.top, box.right + NEW_GAP_LETTERS * max(1, box.height // 2), box.bottom)


def _extent_of_words(form: EditForm, replaced: tuple[Word | Gap, ...]) -> Extent | None:
    if form.least is not None or form.most is not None:
        least = form.least or 0
        if form.most is not None and form.most < max(1, least):
            raise Invalid("the least number of letters is more than the most")
        return Extent("character", least, form.most)
    letters = len(" ".join(token.text for token in replaced if isinstance(token, Word)))
    return Extent("character", max(1, letters - 1), letters + 1) if letters else None


def _extent_of_part(gap: Gap, box: Box) -> Extent | None:
    if gap.extent is None or gap.box is None or gap.extent.unit != "character":
        return None
    share, most = box.width / gap.box.width, gap.extent.most
    return Extent("character", max(0, round(gap.extent.least * share) - 1), None if most is None else max(1, round(most * share)))


def _joined_extent(first: Gap, second: Gap) -> Extent | None:
    extents = [extent for extent in (first.extent, second.extent) if extent and extent.unit == "character"]
    if len(extents) < 2:
        return None
    most = [extent.most for extent in extents if extent.most is not None]
    # One letter more for the space that may stand between them.
    return Extent("character", sum(extent.least for extent in extents), sum(most) + 1 if len(most) == 2 else None)
