"""The text of a mode from its beginning to its end, in pieces that can be marked: page by page, or as the transcript gave it."""

from __future__ import annotations

from collections.abc import Iterator

from desunt.export import Mode
from desunt.export.modes import RenderedToken, is_transcript_only, render_line, render_transcript
from desunt.record.files import Record

MODE_STATEMENTS: dict[Mode, str] = {
    "diplomatic": "The diplomatic text: the page's own words, its gaps left open. No conjecture stands in this file.",
    "accepted": "The ACCEPTED text: the page's own words, and where editors decided, what they accepted; notes say who, and on what basis.",
    "apparatus": "The text is diplomatic. What the notes call a CONJECTURE is a machine's guess that nobody has read on the page.",
}


def stream_text(view: Record, mode: Mode) -> Iterator[str | RenderedToken]:
    """Yield the text of a mode in pieces; joined they are what `reading.text_of` gives. `shown` is what `in_mode` gave for the mode."""
    if is_transcript_only(view.document):
        yield from render_transcript(view, mode)
        return
    for page_index, page in enumerate(view.document.pages):
        if page_index:
            yield "\f"
        for region_index, region in enumerate(region for region in page.regions if region.lines):
            if region_index:
                yield "\n"
            for line in region.lines:
                for token_index, rendered in enumerate(render_line(line, view, mode)):
                    if token_index:
                        yield " "
                    yield rendered
                yield "\n"
        if not page.lines:
            yield "\n"
