"""The text of a mode from its beginning to its end, in pieces that can be marked: page by page, or as the transcript gave it."""

from __future__ import annotations

from collections.abc import Iterator

from desunt.export import Mode
from desunt.export.modes import Standing, is_given_back, pieces, standings
from desunt.record.files import Record

INSIDE: dict[Mode, str] = {
    "diplomatic": "The diplomatic text: the page's own words, its gaps left open. No conjecture stands in this file.",
    "accepted": "The ACCEPTED text: the page's own words, and where editors decided, what they accepted; notes say who, and on what basis.",
    "apparatus": "The text is diplomatic. What the notes call a CONJECTURE is a machine's guess that nobody has read on the page.",
}


def flow(shown: Record, mode: Mode) -> Iterator[str | Standing]:
    """Yield the text of a mode in pieces; joined they are what `reading.text_of` gives. `shown` is what `in_mode` gave for the mode."""
    if is_given_back(shown.document):
        yield from pieces(shown, mode)
        return
    for number, page in enumerate(shown.document.pages):
        if number:
            yield "\f"
        for count, region in enumerate(region for region in page.regions if region.lines):
            if count:
                yield "\n"
            for line in region.lines:
                for place, one in enumerate(standings(line, shown, mode)):
                    if place:
                        yield " "
                    yield one
                yield "\n"
        if not page.lines:
            yield "\n"
