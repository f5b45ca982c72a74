"""The text in Markdown: to be read, not to be reviewed; gaps stand in it as their marks, and notes at the foot where the mode has any."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from desunt.export import Mode, Pictures
from desunt.export.dehyphenation import joined, says_so
from desunt.export.formats.text import fence_of, has_note
from desunt.export.gap_entries import Entry
from desunt.export.markdown_escape import sentence
from desunt.export.modes import Standing, in_mode, text_of
from desunt.export.notes import Note, note_about, notes_of
from desunt.export.text_stream import INSIDE, flow
from desunt.export.wording import GENERATOR, title_of
from desunt.record.conjecture import LABEL
from desunt.record.files import Record

LINE_END = re.compile(r"\r\n|[\n\r\v\x1c-\x1e\x85\u2028\u2029]")
SPACE = re.compile(r"(\s+)")
# What makes a list, a rule or a heading of a line that begins with it.
OPENING = re.compile(r"(\d{1,9})([.)])|([-+=])")
LABELLED = re.compile(rf"((?:{LABEL}(?:, not offered|, accepted)?: )?)(.*)")
RULE, PAGE_END = "---", "* * *"


class MarkdownExporter:
    """Write the text as paragraphs with hard line ends, and notes as footnotes (GitHub's; plain CommonMark shows their marks)."""

    name = "markdown"
    suffix = ".reading.md"
    kind: Literal["reading", "apparatus"] = "reading"
    modes: tuple[Mode, ...] = ("diplomatic", "accepted", "apparatus")
    one_per: Literal["document", "page"] = "document"

    def export(self, record: Record, pictures: Pictures, mode: Mode) -> Iterator[bytes]:
        """Yield UTF-8 Markdown; white space within a line is one space, and control characters are written out as `⟨U+202E⟩`."""
        shown = in_mode(record, mode)
        work = _Work(mode, notes_of(shown), fence_of(text_of(record, mode)))
        what = INSIDE[mode] + says_so(self.name, mode, record)
        yield f"# {sentence(title_of(record.document)) or 'Document'}\n\n*{what}*\n{work.legend()}\n{RULE}\n".encode()
        for line in _lines(flow(joined(shown, self.name, mode), mode), work):
            yield line.encode()
        yield f"\n\n{RULE}\n".encode()
        for number, note in enumerate(work.notes, start=1):
            yield f"\n[^{number}]: {_noted(note.lines[0])}\n".encode()
            yield "".join(f"    - {_noted(line)}\n" for line in note.lines[1:]).encode()
        yield f"\n*Written by {GENERATOR}.*\n".encode()


@dataclass(slots=True)
class _Work:
    """What is kept while lines are written: the notes so far, the line being made, and whether it goes on the one before."""

    mode: Mode
    known: dict[str, Entry]
    fence: int
    notes: list[Note] = field(default_factory=list)
    line: str = ""
    follows: bool = False

    def legend(self) -> str:
        brackets = f"{'⟦' * self.fence}brackets{'⟧' * self.fence}"
        return "" if self.mode == "diplomatic" else f"\n*What stands in {brackets} has a note below.*\n"

    def end_line(self) -> Iterator[str]:
        """Yield the line that was made: a paragraph's first after an empty line, the others after a hard line end."""
        line = " ".join(self.line.split())
        if line:
            yield ("\\\n" if self.follows else "\n\n") + _opened(line)
        self.line, self.follows = "", bool(line)

    def end_page(self) -> Iterator[str]:
        yield from self.end_line()
        yield f"\n\n{PAGE_END}"
        self.follows = False


def _lines(found: Iterator[str | Standing], work: _Work) -> Iterator[str]:
    for one in found:
        if isinstance(one, Standing):
            work.line += _marked(one, work)
            continue
        for number, page in enumerate(one.split("\f")):
            if number:
                yield from work.end_page()
            for count, piece in enumerate(LINE_END.split(page)):
                if count:
                    yield from work.end_line()
                work.line += _plain(piece)
    yield from work.end_line()


def _noted(line: str) -> str:
    """Return a line of a note; its label stays outside of what may have to be quoted."""
    label, words = LABELLED.fullmatch(line).groups()  # type: ignore[union-attr]  # it matches every line
    return f"{label}{sentence(words)}"


def _opened(line: str) -> str:
    return (
        OPENING.sub(lambda found: f"{found[1]}\\{found[2]}" if found[1] else f"\\{found[3]}", line, count=1)
        if OPENING.match(line)
        else line
    )


def _plain(text: str) -> str:
    return "".join(sentence(part) if part.strip() else " " * bool(part) for part in SPACE.split(text))


def _marked(one: Standing, work: _Work) -> str:
    note = note_about(one, work.known, work.mode) if has_note(one, work.mode) else None
    if note is None:
        return _plain(one.text)
    work.notes.append(note)
    return f"{'⟦' * work.fence}{_plain(one.text)}{'⟧' * work.fence}[^{len(work.notes)}]"
