"""The text as a plain file: the page's own words and gap marks, and nothing else; in the other modes numbered notes stand below it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Literal

from desunt.export import ImageSource, Mode
from desunt.export.dehyphenation import dehyphenate, dehyphenation_note
from desunt.export.markdown_escape import visible_text
from desunt.export.modes import RenderedToken, is_transcript_only, text_for_mode, view_for_mode
from desunt.export.notes import Note, entries_by_gap, note_about
from desunt.export.text_stream import MODE_STATEMENTS, stream_text
from desunt.export.wording import GENERATOR, title_of
from desunt.record.conjecture import Corrected
from desunt.record.files import Record

RULE = "-" * 72
FENCE_RUNS = re.compile("⟦+|⟧+")


class TextExporter:
    """Write the text; for a transcript without a scan the diplomatic text is the source's own bytes."""

    name = "text"
    suffix = ".txt"
    kind: Literal["reading", "apparatus"] = "reading"
    modes: tuple[Mode, ...] = ("diplomatic", "accepted", "apparatus")
    one_per: Literal["document", "page"] = "document"

    def export(self, record: Record, images: ImageSource, mode: Mode) -> Iterator[bytes]:
        """Yield the diplomatic text in the encoding of the transcript it came from, everything else in UTF-8."""
        view = view_for_mode(record, mode)
        if mode == "diplomatic":
            encoding = text_encoding(record, mode)
            # Not piece by piece: a byte order mark would stand before each.
            yield text_for_mode(record, mode).encode(encoding)
            return
        yield _heading(record, mode).encode()
        notes: list[Note] = []
        for part in _text_with_note_numbers(view, mode, notes, fence_length(text_for_mode(record, mode))):
            yield part.encode()
        yield "".join(chain([RULE + "\n"], _note_list(notes))).encode()


def text_encoding(record: Record, mode: Mode) -> str:
    """Return the encoding of the text export."""
    document = record.document
    gives_source_bytes = mode == "diplomatic" and is_transcript_only(document)
    return document.transcript.encoding if document.transcript and gives_source_bytes else "utf-8"


def fence_length(text: str) -> int:
    """Return how many brackets mark a numbered place: one more than stand together anywhere in the text."""
    return 1 + max((len(run) for run in FENCE_RUNS.findall(text)), default=0)


def _heading(record: Record, mode: Mode) -> str:
    fence = fence_length(text_for_mode(record, mode))
    number_note = f"Numbers in {'⟦' * fence}brackets{'⟧' * fence} lead to the notes below the text."
    statement = MODE_STATEMENTS[mode] + dehyphenation_note("text", mode, record)
    lines = [f"{visible_text(title_of(record.document))} ({mode} text)", statement, f"{number_note} Written by {GENERATOR}.", RULE]
    return "\n".join(lines) + "\n"


def _text_with_note_numbers(view: Record, mode: Mode, notes: list[Note], fence: int) -> Iterator[str]:
    entries = entries_by_gap(view)
    for part in stream_text(dehyphenate(view, "text", mode), mode):
        note = None if isinstance(part, str) or not has_note(part, mode) else note_about(part, entries, mode)
        if note is None:
            yield part if isinstance(part, str) else part.text
        else:
            notes.append(note)
            yield f"{'⟦' * fence}{len(notes)}: {'' if isinstance(part, str) else part.text}{'⟧' * fence}"


def has_note(rendered: RenderedToken, mode: Mode) -> bool:
    """Say whether a numbered note is due: in the accepted text about what an editor reads, in the apparatus about every gap."""
    return rendered.decision is not None or (mode == "apparatus" and (rendered.is_gap or isinstance(rendered.segment, Corrected)))


def _note_list(notes: list[Note]) -> Iterator[str]:
    for number, note in enumerate(notes, start=1):
        yield f"{number}. {note.lines[0]}\n" + "".join(f"   {line}\n" for line in note.lines[1:])
    if not notes:
        yield "No notes.\n"
