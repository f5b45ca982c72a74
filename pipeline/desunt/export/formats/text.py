"""The text as a plain file: the page's own words and gap marks, and nothing else; in the other modes numbered notes stand below it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Literal

from desunt.export import Mode, Pictures
from desunt.export.dehyphenation import joined, says_so
from desunt.export.markdown_escape import visible
from desunt.export.modes import Standing, in_mode, is_given_back, text_of
from desunt.export.notes import Note, note_about, notes_of
from desunt.export.text_stream import INSIDE, flow
from desunt.export.wording import GENERATOR, title_of
from desunt.record.conjecture import Corrected
from desunt.record.files import Record

RULE = "-" * 72
FENCES = re.compile("⟦+|⟧+")


class TextExporter:
    """Write the text; for a transcript without a scan the diplomatic text is the source's own bytes."""

    name = "text"
    suffix = ".txt"
    kind: Literal["reading", "apparatus"] = "reading"
    modes: tuple[Mode, ...] = ("diplomatic", "accepted", "apparatus")
    one_per: Literal["document", "page"] = "document"

    def export(self, record: Record, pictures: Pictures, mode: Mode) -> Iterator[bytes]:
        """Yield the diplomatic text in the encoding of the transcript it came from, everything else in UTF-8."""
        shown = in_mode(record, mode)
        if mode == "diplomatic":
            encoding = text_encoding(record, mode)
            # Not piece by piece: a byte order mark would stand before each.
            yield text_of(record, mode).encode(encoding)
            return
        yield _top(record, mode).encode()
        notes: list[Note] = []
        for piece in _numbered(shown, mode, notes, fence_of(text_of(record, mode))):
            yield piece.encode()
        yield "".join(chain([RULE + "\n"], _listed(notes))).encode()


def text_encoding(record: Record, mode: Mode) -> str:
    """Return the encoding of the text export."""
    document = record.document
    given_back = mode == "diplomatic" and is_given_back(document)
    return document.transcript.encoding if document.transcript and given_back else "utf-8"


def fence_of(text: str) -> int:
    """Return how many brackets mark a numbered place: one more than stand together anywhere in the text."""
    return 1 + max((len(run) for run in FENCES.findall(text)), default=0)


def _top(record: Record, mode: Mode) -> str:
    fence = fence_of(text_of(record, mode))
    how = f"Numbers in {'⟦' * fence}brackets{'⟧' * fence} lead to the notes below the text."
    what = INSIDE[mode] + says_so("text", mode, record)
    lines = [f"{visible(title_of(record.document))} ({mode} text)", what, f"{how} Written by {GENERATOR}.", RULE]
    return "\n".join(lines) + "\n"


def _numbered(shown: Record, mode: Mode, notes: list[Note], fence: int) -> Iterator[str]:
    known = notes_of(shown)
    for one in flow(joined(shown, "text", mode), mode):
        note = None if isinstance(one, str) or not has_note(one, mode) else note_about(one, known, mode)
        if note is None:
            yield one if isinstance(one, str) else one.text
        else:
            notes.append(note)
            yield f"{'⟦' * fence}{len(notes)}: {'' if isinstance(one, str) else one.text}{'⟧' * fence}"


def has_note(one: Standing, mode: Mode) -> bool:
    """Say whether a numbered note is due: in the accepted text about what an editor reads, in the apparatus about every gap."""
    return one.decision is not None or (mode == "apparatus" and (one.is_gap or isinstance(one.segment, Corrected)))


def _listed(notes: list[Note]) -> Iterator[str]:
    for number, note in enumerate(notes, start=1):
        yield f"{number}. {note.lines[0]}\n" + "".join(f"   {line}\n" for line in note.lines[1:])
    if not notes:
        yield "No notes.\n"
