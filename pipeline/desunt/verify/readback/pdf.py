"""Read a PDF back as a stranger would: every text that any stream draws, by the fonts' own maps to characters, and every comment."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

BFCHAR = re.compile(rb"<([0-9A-F]{4})> <([0-9A-F]+)>")
# All that our streams draw with. Anything else could write text another way (ActualText, inline images, Type 3 fonts).
ALLOWED_OPERATORS = frozenset(("q", "Q", "cm", "Do", "BT", "ET", "Tf", "Tr", "Tz", "Tm", "Tj", "RG", "w", "re", "S"))
COMMENT_SUBTYPES = ("/Highlight",)


class _ParsedPdf:
    """What a PDF says, page by page: its text in lines, its comments, its images as they are coded."""

    def __init__(self, content: bytes) -> None:
        import pikepdf

        try:
            self._parse(pikepdf, content)
        # What pikepdf raises over damaged files.
        except (pikepdf.PdfError, pikepdf.DataDecodingError, AttributeError, RuntimeError, ArithmeticError, EOFError) as error:
            raise ValueError(f"is no PDF that can be read: {error}") from None

    def _parse(self, pikepdf: Any, content: bytes) -> None:
        self.lines: list[str] = []
        self.comments: list[str] = []
        self.authors: list[str] = []
        self.images: dict[int, dict[str, Any]] = {}
        with pikepdf.open(io.BytesIO(content)) as document:
            self.generator = str(document.docinfo.get("/Producer", ""))
            self.subject = str(document.docinfo.get("/Subject", ""))
            if "/AcroForm" in document.Root or "/Names" in document.Root or "/OpenAction" in document.Root:
                raise ValueError("has forms, attachments or actions, which no export has")
            for number, page in enumerate(document.pages, start=1):
                self._parse_page(pikepdf, page, number)

    def _parse_page(self, pikepdf: Any, page: Any, number: int) -> None:
        resources = page.obj.get("/Resources", {})
        self._parse_stream(pikepdf, page.obj, resources)
        for name, image in resources.get("/XObject", {}).items():
            if not name.startswith("/Scan") or image.get("/Subtype") != "/Image":
                raise ValueError(f"page {number} has a picture {name} besides its scan")
            keys = {key: int(image[key]) for key in ("/Width", "/Height")}
            channels = 3 if image.get("/ColorSpace") == "/DeviceRGB" else 1
            self.images[int(name.removeprefix("/Scan"))] = {
                "data": image.read_raw_bytes(), "filter": str(image.get("/Filter")), "channels": channels, **keys
            }  # fmt: skip
        for comment in page.obj.get("/Annots", []):
            kind = str(comment.get("/Subtype"))
            if kind in COMMENT_SUBTYPES:
                self.comments.append(str(comment.get("/Contents", "")))
                self.authors.append(str(comment.get("/T", "")))
                self._parse_stream(pikepdf, comment.AP.N, {})
            elif kind != "/Popup" or "/Contents" in comment:
                raise ValueError(f"page {number} has a comment of the kind {kind}, which no export has")

    def _parse_stream(self, pikepdf: Any, stream: Any, resources: Any) -> None:
        fonts = {str(name): _to_unicode(font) for name, font in resources.get("/Font", {}).items()}
        font: dict[bytes, str] = {}
        for operands, operator in pikepdf.parse_content_stream(stream):
            name = str(operator)
            if name not in ALLOWED_OPERATORS:
                raise ValueError(f"draws with {name}, which no export does")
            if name == "BT":
                self.lines.append("")
            elif name == "Tf":
                font = fonts[str(operands[0])]
            elif name == "Tj":
                codes = bytes(operands[0])
                self.lines[-1] += "".join(font[codes[offset : offset + 2]] for offset in range(0, len(codes), 2))


def _to_unicode(font: Any) -> dict[bytes, str]:
    pairs = BFCHAR.findall(font.ToUnicode.read_bytes())
    return {bytes.fromhex(code.decode()): bytes.fromhex(text.decode()).decode("utf-16-be") for code, text in pairs}


@lru_cache(maxsize=1)
def _parsed(content: str) -> _ParsedPdf:
    return _ParsedPdf(content.encode("latin-1"))


def pdf_text(content: str) -> str:
    """Return the words of a PDF (its bytes as Latin-1), a space between them."""
    return " ".join(" ".join(_parsed(content).lines).split())


def pdf_lines(content: str) -> list[str]:
    """Return the lines of the text: each is one text object."""
    return [" ".join(line.split()) for line in _parsed(content).lines]


def normalise_for_pdf(text: str) -> str:
    """Return the words of a text as a PDF can hold them: control characters as their pictures, what is no character as U+FFFD."""
    return "".join(map(_storable_character, " ".join(text.split())))


def _storable_character(character: str) -> str:
    point = ord(character)
    if point < 0x20 or point == 0x7F:
        return chr(0x2400 + point) if point < 0x20 else "\u2421"
    wrong = 0x80 <= point < 0xA0 or 0xD800 <= point < 0xE000 or point & 0xFFFE == 0xFFFE or point == 0xFEFF
    return "\ufffd" if wrong else character


def pdf_notes(content: str) -> Iterator[str]:
    return (line for comment in _parsed(content).comments for line in comment.split("\n"))


def pdf_comments(content: str) -> str:
    """Return everything that comments say, and who is named as their author."""
    read = _parsed(content)
    return "\n".join([*read.comments, *read.authors])


def pdf_images(content: str) -> dict[int, dict[str, Any]]:
    """Return the page images by page of the PDF: data as coded, filter, /Width, /Height, channels."""
    return _parsed(content).images


def pdf_generator(content: str) -> str:
    return _parsed(content).generator
