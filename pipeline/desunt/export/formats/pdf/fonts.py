"""The two fonts of a PDF: one without any ink for the text layer, which holds every character there is, and one that is seen.

Both are written when the last page is, for only then it is known which characters were used.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from desunt.errors import DependencyMissing
from desunt.export.formats.pdf.writer import PdfFile

EM = 1000
# Every glyph of the font without ink is so wide; words are stretched to their boxes.
UNSEEN_ADVANCE = 500
ASCENT, DESCENT = 800, -200
# The visible font has Latin, Greek, Cyrillic, Arabic and many signs; it comes with matplotlib.
VISIBLE_FONT_FILE = "DejaVuSansMono.ttf"
# What is drawn for a character that the visible font does not have; the text layer still has the character itself.
SUBSTITUTE = "\u25a1"
MAX_CODES = 65_000
# The beginning of 1970 in seconds since 1904, as TrueType counts.
TRUETYPE_1970_S = 2_082_844_800


def pdf_character(character: str) -> str:
    """Return the character as a PDF can carry it: a control character as its picture, what is no character as U+FFFD."""
    point = ord(character)
    if point < 0x20:
        return chr(0x2400 + point)
    if point == 0x7F:
        return "\u2421"
    return "\ufffd" if unicodedata.category(character) in ("Cc", "Cs") or point & 0xFFFE == 0xFFFE or point == 0xFEFF else character


class FontCodes:
    """Codes of two bytes for the characters of one font, in the order of their first use."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}

    def encode(self, text: str) -> bytes:
        """Return the text as a hexadecimal string of codes."""
        return b"<" + "".join(f"{self._code_of(pdf_character(c)):04X}" for c in text).encode() + b">"

    def _code_of(self, character: str) -> int:
        if len(self.codes) >= MAX_CODES:
            character = "\ufffd"
        return self.codes.setdefault(character, len(self.codes) + 1)


@dataclass(frozen=True, slots=True)
class FontProgram:
    """A font's program (TrueType) with the glyph and the width of each code, all in thousandths of the font size."""

    name: str
    glyphs: dict[int, int]
    widths: dict[int, int]
    ascent: int
    descent: int
    content: bytes


def write_fonts(pdf: PdfFile, unseen: tuple[int, FontCodes], visible: tuple[int, FontCodes]) -> Iterator[bytes]:
    """Write both fonts under the numbers that were kept for them; a font that no page used is not written."""
    for (reference, codes), program_of in ((unseen, _unseen_program), (visible, _visible_program)):
        if codes.codes:
            yield from _write_font(pdf, reference, codes, program_of(codes))


def _write_font(pdf: PdfFile, reference: int, codes: FontCodes, program: FontProgram) -> Iterator[bytes]:
    """Write a composite font (ISO 32000-1, 9.7) whose codes are glyphs by one map, and characters by another."""
    descendant, descriptor, font_file, cid_to_gid, to_text = (pdf.reserve() for _ in range(5))
    font_name = b"DESUNT+" + program.name.encode()
    yield pdf.write(
        reference,
        b"<< /Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H /DescendantFonts [%d 0 R] /ToUnicode %d 0 R >>"
        % (font_name, descendant, to_text),
    )
    width_entries = b" ".join(b"%d [%d]" % pair for pair in sorted(program.widths.items()))
    yield pdf.write(
        descendant,
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /%s /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> "
        b"/FontDescriptor %d 0 R /CIDToGIDMap %d 0 R /DW %d /W [%s] >>"
        % (font_name, descriptor, cid_to_gid, UNSEEN_ADVANCE, width_entries),
    )
    yield pdf.write(
        descriptor,
        b"<< /Type /FontDescriptor /FontName /%s /Flags 4 /FontBBox [0 %d %d %d] /ItalicAngle 0 /Ascent %d /Descent %d /CapHeight %d "
        b"/StemV 80 /FontFile2 %d 0 R >>"
        % (font_name, program.descent, EM, program.ascent, program.ascent, program.descent, program.ascent, font_file),
    )
    yield pdf.stream(font_file, b"/Length1 %d" % len(program.content), program.content)
    glyph_ids = [0, *(program.glyphs[code] for code in sorted(program.glyphs))]
    yield pdf.stream(cid_to_gid, b"", b"".join(place.to_bytes(2, "big") for place in glyph_ids))
    yield pdf.stream(to_text, b"", _to_unicode(codes))


def _to_unicode(codes: FontCodes) -> bytes:
    """Return the map from codes to characters (ISO 32000-1, 9.10.3); a block has at most 100 entries."""
    pairs = [b"<%04X> <%s>" % (code, c.encode("utf-16-be").hex().upper().encode()) for c, code in codes.codes.items()]
    blocks = [pairs[start : start + 100] for start in range(0, len(pairs), 100)]
    mapping = b"\n".join(b"%d beginbfchar\n%s\nendbfchar" % (len(block), b"\n".join(block)) for block in blocks)
    return (
        b"/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        b"/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        b"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n%s\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ) % mapping


def _unseen_program(font_codes: FontCodes) -> FontProgram:
    codes = font_codes.codes.values()
    return FontProgram("DesuntUnseen", dict.fromkeys(codes, 1), dict.fromkeys(codes, UNSEEN_ADVANCE), ASCENT, DESCENT, unseen_font())


@cache
def unseen_font() -> bytes:
    """Return a TrueType font of one empty glyph."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.ttLib.tables._g_l_y_f import Glyph

    builder = FontBuilder(EM, isTTF=True)
    builder.setupGlyphOrder([".notdef", "empty"])
    builder.setupCharacterMap({0x20: "empty"})
    builder.setupGlyf({".notdef": Glyph(), "empty": Glyph()})
    builder.setupHorizontalMetrics({".notdef": (UNSEEN_ADVANCE, 0), "empty": (UNSEEN_ADVANCE, 0)})
    builder.setupHorizontalHeader(ascent=ASCENT, descent=DESCENT)
    builder.setupNameTable({"familyName": "Desunt Unseen", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=ASCENT, sTypoDescender=DESCENT)
    builder.setupPost()
    builder.updateHead(created=TRUETYPE_1970_S, modified=TRUETYPE_1970_S)
    return _bytes_of(builder.font)


def _bytes_of(font: Any) -> bytes:
    font.recalcTimestamp = False
    buffer = io.BytesIO()
    font.save(buffer)
    return buffer.getvalue()


def visible_font() -> Path:
    """Return the file of the visible font. Raises DependencyMissing."""
    matplotlib = find_spec("matplotlib")
    path = Path(matplotlib.origin).parent / "mpl-data" / "fonts" / "ttf" / VISIBLE_FONT_FILE if matplotlib and matplotlib.origin else None
    if path is None or not path.is_file():
        raise DependencyMissing(f"the font {VISIBLE_FONT_FILE}, which comes with matplotlib, is missing", remedy="run `make install`")
    return path


def _visible_program(font_codes: FontCodes) -> FontProgram:
    from fontTools import subset
    from fontTools.ttLib import TTFont

    options = subset.Options(
        drop_tables=["FFTM", *subset.Options().drop_tables],
        notdef_outline=True,
        hinting=False,
        layout_features=[],
        name_IDs=[1, 2],
        recalc_timestamp=False,
    )
    with TTFont(visible_font(), recalcTimestamp=False) as font:
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes={ord(SUBSTITUTE), *(ord(c) for c in font_codes.codes)})
        subsetter.subset(font)
        cmap, scale = font.getBestCmap(), EM / font["head"].unitsPerEm
        names = {code: cmap.get(ord(c), cmap[ord(SUBSTITUTE)]) for c, code in font_codes.codes.items()}
        glyphs = {code: font.getGlyphID(name) for code, name in names.items()}
        widths = {code: round(font["hmtx"][name][0] * scale) for code, name in names.items()}
        ascent, descent = (round(value * scale) for value in (font["hhea"].ascent, font["hhea"].descent))
        return FontProgram("DejaVuSansMono", glyphs, widths, ascent, descent, _bytes_of(font))
