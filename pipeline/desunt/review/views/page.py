"""A page as a whole, and the word or gap on it that an editor looks at."""

from __future__ import annotations

from dataclasses import dataclass

from desunt.export.wording import REASON_WORDS, decision_in_words, extent_in_words
from desunt.record.document import Box, Gap, Page, Word
from desunt.record.files import Record
from desunt.review.environment import Environment
from desunt.review.store.types import NotFound
from desunt.review.views.gap import gap_marks
from desunt.review.views.picture import LinePicture, PagePicture, line_picture, page_picture
from desunt.review.views.text import PageTextLine, find_token, text_lines


@dataclass(frozen=True, slots=True)
class TokenView:
    """The word or gap that is looked at; `version` is its own for a word, `line_version` that of its line, for changes of gaps."""

    id: str
    is_gap: bool
    text: str
    box: Box | None
    reason: str
    extent: str
    decision: str
    reading: str
    words_after: int
    next_is_gap: bool
    version: str
    line_version: str
    line_picture: LinePicture | None


@dataclass(frozen=True, slots=True)
class PageView:
    """A page with its picture and text; `at` is the token that is looked at, None if none is."""

    document: str
    title: str
    number: int
    pages: int
    picture: PagePicture | None
    text: tuple[PageTextLine, ...]
    at: TokenView | None


def page_view(desk: Environment, key: str, number: int, token_id: str) -> PageView:
    """Return a page of a document; raises NotFound for a page or token that is not there."""
    row = desk.library.find(key)
    record = desk.store.index.edited_record(row.document_id)
    page = next((page for page in record.document.pages if page.number == number), None)
    if page is None:
        raise NotFound(f"{row.title} has no page {number}", remedy="go back to the overview")
    lines = text_lines(page, record)
    at = _token_view(desk, key, record, page, token_id) if token_id else None
    return PageView(key, row.title, number, len(record.document.pages), page_picture(page.image, gap_marks(lines)), lines, at)


def _token_view(desk: Environment, key: str, record: Record, page: Page, token_id: str) -> TokenView | None:
    """Return the token; None if an edit has taken it off the page, which a link from the log may still name."""
    place = find_token(record, token_id)
    if place is None or place.page.number != page.number:
        return None
    line, token = place.line, place.token
    following = line.tokens[line.tokens.index(token) + 1 :]
    words_after = next((count for count, later in enumerate(following) if isinstance(later, Gap)), len(following))
    decision = (record.decisions or {}).get(token.id)
    decisions = desk.store.decisions
    return TokenView(
        id=token.id, is_gap=isinstance(token, Gap), text=token.text if isinstance(token, Word) else token.printed, box=token.box,
        reason=REASON_WORDS[token.reason] if isinstance(token, Gap) else "",
        extent=extent_in_words(token) if isinstance(token, Gap) else "",
        decision=decision_in_words(decision) if decision else "", reading=(decision.text or "") if decision else "",
        words_after=words_after, next_is_gap=bool(following) and isinstance(following[0], Gap),
        version=decisions.version(token.id), line_version=decisions.version(line.id), line_picture=line_picture(key, place),
    )  # fmt: skip
