"""Read a transcript, plain text or Markdown with `[ILLEGIBLE]` marks, into a Document, and give its bytes back exactly."""

from __future__ import annotations

import codecs
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from desunt.errors import InputError
from desunt.record.atomic import sha256_of
from desunt.record.document import Document, Gap, Line, Page, Region, Token, Transcript, Word, stable_id
from desunt.transcript.context import gap_contexts
from desunt.transcript.marks import GAP_KINDS, Mark, MarkKind, find_marks
from desunt.transcript.metadata import read_heading

__all__ = ["gap_contexts", "read_transcript", "source_bytes", "transcript_document"]

# Codecs that write the byte order mark themselves use the machine's own order; these give the same bytes everywhere.
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Latin-1 reads anything: before it is believed, so few signs may be control characters.
MAX_CONTROL_SHARE = 0.02
OTHER_FILE_TYPES = {b"%PDF-": "a PDF", b"{\\rtf": "an RTF file", b"PK\x03\x04": "a Word document or an archive"}
MAX_NOTES = 100
SAVE_AS_UTF8 = "Save it as plain text in UTF-8"

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)?")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")


def read_transcript(path: Path, *, document_id: str) -> Document:
    """Read a transcript from a file; raises InputError naming the file and what to do."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file", remedy="Check the name of the transcript") from None
    except IsADirectoryError:
        raise InputError(f"{path}: a folder, not a transcript", remedy="Name the text file itself") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", remedy="Check the file's permissions") from None
    return transcript_document(content, path=str(path), document_id=document_id)


def transcript_document(content: bytes, *, path: str, document_id: str) -> Document:
    """Read a transcript from bytes; `path` is where they came from, for messages and the record.

    One Page a form feed, one Region a paragraph, one Line a physical line. Two tokens whose spans touch have no space between them.
    Raises InputError if the bytes are not text, or no text at all.
    """
    text, encoding = _decode(content, path)
    source = Transcript(path, sha256_of(content), encoding, text)
    heading = read_heading(text)
    marks = find_marks(text)
    pages = _TranscriptParser(source, document_id, heading.end, tuple(mark for mark in marks if mark.span[0] >= heading.end)).pages()
    return Document(document_id, path, heading.metadata, pages, source, _notes(text, marks, heading.end))


def source_bytes(document: Document) -> bytes:
    """Return the bytes the transcript was read from, exactly."""
    if document.transcript is None:
        raise InputError(f"{document.source}: the document did not come from a transcript", remedy="Give the transcript with --transcript")
    return document.transcript.text.encode(document.transcript.encoding)


def _decode(content: bytes, path: str) -> tuple[str, str]:
    """Return the text and the name of the codec that turns it into the same bytes again."""
    for start, kind in OTHER_FILE_TYPES.items():
        if content.startswith(start):
            raise InputError(f"{path}: {kind}, not a plain text", remedy=SAVE_AS_UTF8)
    for encoding in _candidate_encodings(content):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text.encode(encoding) == content:
            _check_text(text, encoding, path)
            return text, encoding
    raise InputError(f"{path}: the text breaks the encoding its byte order mark names", remedy=SAVE_AS_UTF8)


def _candidate_encodings(content: bytes) -> tuple[str, ...]:
    for mark, encoding in BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return (encoding,) if encoding != "utf-8-sig" else (encoding, "cp1252", "latin-1")
    return ("utf-8", "cp1252", "latin-1")


def _check_text(text: str, encoding: str, path: str) -> None:
    if not text.strip("\ufeff \t\r\n\f\v\x1a\x00"):
        raise InputError(f"{path}: the transcript is empty", remedy="Check that the file was saved with its text")
    controls = sum(1 for _ in _CONTROL.finditer(text))
    if "\0" in text or (encoding in ("cp1252", "latin-1") and controls > MAX_CONTROL_SHARE * len(text)):
        raise InputError(f"{path}: not a text: it holds bytes that no text has", remedy=SAVE_AS_UTF8)


class _TranscriptParser:
    """One pass over the body of a transcript."""

    def __init__(self, source: Transcript, document_id: str, start: int, marks: tuple[Mark, ...]) -> None:
        self._source, self._id_seed, self._start = source, (document_id, source.sha256), start
        self._gaps = [mark for mark in marks if mark.kind in GAP_KINDS]
        # Where the next token may begin: a mark may reach into the next line.
        self._floor, self._next_gap = start, 0

    def pages(self) -> tuple[Page, ...]:
        text, spans, start = self._source.text, [], self._start
        for match in [*re.finditer("\f", text[start:])]:
            spans.append((start, self._start + match.start()))
            start = self._start + match.end()
        if not spans or text[start:].strip():
            spans.append((start, len(text)))
        return tuple(Page(number, None, tuple(self._regions(*span))) for number, span in enumerate(spans, 1))

    def _regions(self, start: int, end: int) -> Iterator[Region]:
        for spans in _paragraph_lines(self._source.text, start, end):
            tokens = [tuple(self._tokens(*span)) for span in spans]
            lines = tuple(
                Line(stable_id(*self._id_seed, "line", span[0]), None, _mark_open_end(line, tokens[n + 1] if n + 1 < len(tokens) else ()))
                for n, (span, line) in enumerate(zip(spans, tokens, strict=True))
                if line
            )
            if lines:
                yield Region(stable_id(*self._id_seed, "region", spans[0][0]), "body", None, lines)

    def _tokens(self, start: int, end: int) -> Iterator[Token]:
        position = max(start, self._floor)
        while self._next_gap < len(self._gaps) and self._gaps[self._next_gap].span[0] < end:
            mark = self._gaps[self._next_gap]
            yield from self._words(position, mark.span[0])
            yield self._gap(mark)
            position = self._floor = mark.span[1]
            self._next_gap += 1
        yield from self._words(position, end)

    def _words(self, start: int, end: int) -> Iterator[Word]:
        for match in re.compile(r"[^\s\ufeff]+").finditer(self._source.text, start, max(start, end)):
            text = unicodedata.normalize("NFC", match.group())
            yield Word(stable_id(*self._id_seed, match.start()), text, None, "transcript", span=match.span())

    def _gap(self, mark: Mark) -> Gap:
        reason = "withheld" if mark.kind is MarkKind.WITHHELD else mark.reason
        gap_id = stable_id(*self._id_seed, mark.span[0])
        return Gap(gap_id, None, mark.extent, reason, letters=mark.letters, span=mark.span, mark=mark.text)


def _paragraph_lines(text: str, start: int, end: int) -> Iterator[list[tuple[int, int]]]:
    """Yield for each paragraph the stretches of its physical lines."""
    lines: list[tuple[int, int]] = []
    for match in _LINE.finditer(text, start, end):
        if match.group().strip("\ufeff \t\r\n\f\v"):
            lines.append(match.span())
        elif lines:
            yield lines
            lines = []
    if lines:
        yield lines


def _mark_open_end(tokens: tuple[Token, ...], following: tuple[Token, ...]) -> tuple[Token, ...]:
    """Say of a gap at the end of its line whether the next line goes on where it ends.

    Where the mark tells the length, the gap ends within its line, and the next line of the paragraph goes on; else nobody knows.
    """
    end = len(tokens)
    # The signs of Markdown's emphasis are no words.
    while end and isinstance(token := tokens[end - 1], Word) and not token.text.strip("*_"):
        end -= 1
    last = tokens[end - 1] if end else None
    if not isinstance(last, Gap):
        return tokens
    closed = last.extent is not None and last.extent.unit != "line" and last.extent.most is not None
    return (*tokens[: end - 1], replace(last, continues=bool(following) if closed else None), *tokens[end:])


def _notes(text: str, marks: tuple[Mark, ...], body: int) -> tuple[str, ...]:
    """Return a sentence for each mark that was left alone though it may mean something."""
    starts = [0, *(m.end() for m in re.finditer(r"\r\n|\n|\r", text))]
    notes = []
    for mark in marks:
        line = bisect_right(starts, mark.span[0])
        place = f"line {line}, column {mark.span[0] - starts[line - 1] + 1}: `{' '.join(mark.text.split())[:80]}`"
        if mark.kind is MarkKind.AMBIGUOUS and mark.span[0] >= body:
            notes.append(f"{place} may be {mark.could_be}; it is left as it stands")
        elif mark.span[0] < body and mark.kind in GAP_KINDS:
            notes.append(f"{place} stands above the text, among the metadata, and is not treated as a gap")
    rest = len(notes) - MAX_NOTES
    return (*notes[:MAX_NOTES], f"{rest} more marks are not clear and are left as they stand") if rest > 0 else tuple(notes)
