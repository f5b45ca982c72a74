"""The text in Markdown: to be read, not to be reviewed; gaps stand in it as their marks, and notes at the foot where the mode has any."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from desunt.export import ImageSource, Mode
from desunt.export.dehyphenation import dehyphenate, dehyphenation_note
from desunt.export.formats.text import fence_length, has_note
from desunt.export.gap_entries import ApparatusEntry
from desunt.export.markdown_escape import escape_prose
from desunt.export.modes import RenderedToken, text_for_mode, view_for_mode
from desunt.export.notes import Note, entries_by_gap, note_about
from desunt.export.text_stream import MODE_STATEMENTS, stream_text
from desunt.export.wording import GENERATOR, title_of
from desunt.record.conjecture import CONJECTURE_LABEL
from desunt.record.files import Record

LINE_END = re.compile(r"\r\n|[\n\r\v\x1c-\x1e\x85\u2028\u2029]")
SPACE = re.compile(r"(\s+)")
# What makes a list, a rule or a heading of a line that begins with it.
BLOCK_OPENING = re.compile(r"(\d{1,9})([.)])|([-+=])")
NOTE_LABEL = re.compile(rf"((?:{CONJECTURE_LABEL}(?:, not offered|, accepted)?: )?)(.*)")
RULE, PAGE_END = "---", "* * *"


class MarkdownExporter:
    """Write the text as paragraphs with hard line ends, and notes as footnotes (GitHub's; plain CommonMark shows their marks)."""

    name = "markdown"
    suffix = ".reading.md"
    kind: Literal["reading", "apparatus"] = "reading"
    modes: tuple[Mode, ...] = ("diplomatic", "accepted", "apparatus")
    one_per: Literal["document", "page"] = "document"

    def export(self, record: Record, images: ImageSource, mode: Mode) -> Iterator[bytes]:
        """Yield UTF-8 Markdown; white space within a line is one space, and control characters are written out as `⟨U+202E⟩`."""
        view = view_for_mode(record, mode)
        state = _MarkdownState(mode, entries_by_gap(view), fence_length(text_for_mode(record, mode)))
        statement = MODE_STATEMENTS[mode] + dehyphenation_note(self.name, mode, record)
        yield f"# {escape_prose(title_of(record.document)) or 'Document'}\n\n*{statement}*\n{state.legend()}\n{RULE}\n".encode()
        for line in _text_lines(stream_text(dehyphenate(view, self.name, mode), mode), state):
            yield line.encode()
        yield f"\n\n{RULE}\n".encode()
        for number, note in enumerate(state.notes, start=1):
            yield f"\n[^{number}]: {_escape_note(note.lines[0])}\n".encode()
            yield "".join(f"    - {_escape_note(line)}\n" for line in note.lines[1:]).encode()
        yield f"\n*Written by {GENERATOR}.*\n".encode()


@dataclass(slots=True)
class _MarkdownState:
    """What is kept while lines are written: the notes so far, the line being made, and whether it goes on the one before."""

    mode: Mode
    entries: dict[str, ApparatusEntry]
    fence: int
    notes: list[Note] = field(default_factory=list)
    line: str = ""
    continues_paragraph: bool = False

    def legend(self) -> str:
        brackets = f"{'⟦' * self.fence}brackets{'⟧' * self.fence}"
        return "" if self.mode == "diplomatic" else f"\n*What stands in {brackets} has a note below.*\n"

    def end_line(self) -> Iterator[str]:
        """Yield the line that was made: a paragraph's first after an empty line, the others after a hard line end."""
        line = " ".join(self.line.split())
        if line:
            yield ("\\\n" if self.continues_paragraph else "\n\n") + _escape_block_opening(line)
        self.line, self.continues_paragraph = "", bool(line)

    def end_page(self) -> Iterator[str]:
        yield from self.end_line()
        yield f"\n\n{PAGE_END}"
        self.continues_paragraph = False


def _text_lines(parts: Iterator[str | RenderedToken], state: _MarkdownState) -> Iterator[str]:
    for part in parts:
        if isinstance(part, RenderedToken):
            state.line += _bracketed(part, state)
            continue
        for page_index, page in enumerate(part.split("\f")):
            if page_index:
                yield from state.end_page()
            for line_index, text in enumerate(LINE_END.split(page)):
                if line_index:
                    yield from state.end_line()
                state.line += _escape_text(text)
    yield from state.end_line()


def _escape_note(line: str) -> str:
    """Return a line of a note; its label stays outside of what may have to be quoted."""
    label, text = NOTE_LABEL.fullmatch(line).groups()  # type: ignore[union-attr]  # it matches every line
    return f"{label}{escape_prose(text)}"


def _escape_block_opening(line: str) -> str:
    return (
        BLOCK_OPENING.sub(lambda match: f"{match[1]}\\{match[2]}" if match[1] else f"\\{match[3]}", line, count=1)
        if BLOCK_OPENING.match(line)
        else line
    )


def _escape_text(text: str) -> str:
    return "".join(escape_prose(part) if part.strip() else " " * bool(part) for part in SPACE.split(text))


def _bracketed(rendered: RenderedToken, state: _MarkdownState) -> str:
    note = note_about(rendered, state.entries, state.mode) if has_note(rendered, state.mode) else None
    if note is None:
        return _escape_text(rendered.text)
    state.notes.append(note)
    return f"{'⟦' * state.fence}{_escape_text(rendered.text)}{'⟧' * state.fence}[^{len(state.notes)}]"
