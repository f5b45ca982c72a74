"""hOCR 1.2: one file a page, XHTML with the boxes of words in pixels of the original scan."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import quote

from lxml import etree

from desunt.export import ImageSource, Mode
from desunt.export.modes import view_for_mode
from desunt.export.placed_words import (
    MODE_DESCRIPTIONS,
    PlacedBlock,
    PlacedLine,
    PlacedWord,
    WordAttribute,
    confidence_of,
    placed_blocks,
    scanned_page,
    word_attributes,
)
from desunt.export.wording import GENERATOR, title_of, vouch_threshold
from desunt.export.xml import add_text, element, serialize, subelement, xml_text
from desunt.record.document import Box, Line, Page
from desunt.record.files import Record

XHTML = "http://www.w3.org/1999/xhtml"
CAPABILITIES = "ocr_page ocr_carea ocr_par ocr_line ocrx_word"
# Remarks that are about what a word says stand at the word; all others are suppositions, and stand in the head.
TEXT_ATTRIBUTES = frozenset({"place", "gap", "gap-id", "legibility", "unclear", "editor", "date", "basis"})


class HocrExporter:
    """Write hOCR. The text of the body is the text of the mode and nothing else, gap marks among it.

    The standard has no place for what is supposed: in the apparatus file it stands in `meta` elements of the head, which no reader of
    hOCR takes for text, and never in a `title` of the body, which browsers show.
    """

    name = "hocr"
    suffix = ".hocr"
    kind: Literal["reading", "apparatus"] = "reading"
    modes: tuple[Mode, ...] = ("diplomatic", "accepted", "apparatus")
    one_per: Literal["document", "page"] = "page"

    def export(self, record: Record, images: ImageSource, mode: Mode) -> Iterator[bytes]:
        """Yield the file of one page; raises UsageError if the page has no scan."""
        view = view_for_mode(record, mode)
        page, vouch = scanned_page(view), vouch_threshold(view)
        blocks = placed_blocks(page, view, mode)
        root = element(f"{{{XHTML}}}html")
        _head(
            root,
            view,
            mode,
            [(word, attribute) for word, attribute in _words_with_attributes(blocks, vouch) if attribute.name not in TEXT_ATTRIBUTES],
        )
        page_element = _page(subelement(root, "body"), page)
        add_text(page_element, "\n")
        for block in blocks:
            _block(page_element, block, vouch)
            add_text(page_element, "\n")
        yield from serialize(root)


def _words_with_attributes(blocks: tuple[PlacedBlock, ...], vouch: float) -> Iterator[tuple[PlacedWord, WordAttribute]]:
    for block in blocks:
        for line in block.lines:
            for word in line.words:
                yield from ((word, attribute) for attribute in word_attributes(word, vouch))


def _head(root: etree._Element, view: Record, mode: Mode, conjectures: list[tuple[PlacedWord, WordAttribute]]) -> None:
    head = subelement(root, "head")
    subelement(head, "title", {}, title_of(view.document) or "untitled")
    subelement(head, "meta", {"http-equiv": "Content-Type", "content": "text/html; charset=utf-8"})
    _meta(head, "ocr-system", GENERATOR)
    _meta(head, "ocr-capabilities", CAPABILITIES)
    _meta(head, "ocr-number-of-pages", "1")
    _meta(head, "desunt-mode", f"{mode}. {MODE_DESCRIPTIONS[mode]}")
    for step in dict.fromkeys(view.steps):
        _meta(head, "desunt-step", "; ".join([f"{step.name} {step.version}", *(f"{name} {value}" for name, value in step.settings)]))
    for word, attribute in conjectures:
        # The label comes first, and the guess last: whatever it says, it cannot take the label's place.
        _meta(head, f"desunt-{attribute.name}", f"{attribute.description} [{word.id}]: {attribute.value}")
    for element_in_head in head:
        element_in_head.tail = "\n"


def _meta(head: etree._Element, name: str, content: str) -> None:
    subelement(head, "meta", {"name": name, "content": content})


def _page(body: etree._Element, page: Page) -> etree._Element:
    image = page.image
    assert image is not None
    # The grammar of titles knows no way to write a quotation mark inside quotation marks.
    file_name = quote(PurePosixPath(image.path).name, safe=" ()[]{},+=@~!$&'")
    title = f'image "{file_name}"; bbox 0 0 {image.width} {image.height}; ppageno {image.frame}; scan_res {image.dpi} {image.dpi}'
    return _ocr_element(body, "div", "ocr_page", f"page_{page.number}", title)


def _block(page: etree._Element, block: PlacedBlock, vouch: float) -> None:
    area = _ocr_element(page, "div", "ocr_carea", block.id, _bbox(block.box))
    area.set("data-kind", block.region.kind)
    paragraph = _ocr_element(area, "p", "ocr_par", f"{block.id}p", _bbox(block.box))
    for index, line in enumerate(block.lines):
        if index:
            add_text(paragraph, "\n")
        _line(paragraph, line, vouch)


def _line(paragraph: etree._Element, line: PlacedLine, vouch: float) -> None:
    line_element = _ocr_element(paragraph, "span", "ocr_line", line.id, _bbox(line.box) + _baseline(line.line, line.box))
    for index, word in enumerate(line.words):
        if index:
            add_text(line_element, " ")
        _word(line_element, word, vouch)
    if not line.words:
        # An element without content would be written in a way that HTML does not know.
        line_element.text = ""


def _baseline(line: Line, box: Box) -> str:
    """Return the baseline as slope, and offset of its left end from the bottom left corner of the line's box."""
    if line.baseline is None or line.baseline[0][0] >= line.baseline[1][0]:
        return ""
    (x0, y0), (x1, y1) = line.baseline
    slope = (y1 - y0) / (x1 - x0)
    return f"; baseline {slope:.4f} {round(y0 + slope * (box.left - x0)) - box.bottom}"


def _word(line: etree._Element, word: PlacedWord, vouch: float) -> None:
    confidence = 0.0 if word.rendered.is_gap else confidence_of(word)
    confidence_property = f"; x_wconf {round(100 * confidence)}" if confidence is not None else ""
    word_element = _ocr_element(line, "span", "ocrx_word", word.id, _bbox(word.box) + confidence_property)
    # A gap mark is a word to every reader of hOCR, so that nobody joins what stands on its two sides.
    text_element = subelement(word_element, "span", {"class": "ocrx_gap"}) if word.rendered.is_gap else word_element
    text_element.text = ""
    add_text(text_element, word.rendered.text)
    for attribute in word_attributes(word, vouch):
        if attribute.name in TEXT_ATTRIBUTES:
            text_element.set(f"data-{attribute.name}", xml_text(_attribute_value(attribute)))


def _attribute_value(attribute: WordAttribute) -> str:
    return f"{attribute.value}: {attribute.description}" if attribute.name in ("gap", "editor") else attribute.value


def _bbox(box: Box) -> str:
    return f"bbox {max(0, box.left)} {max(0, box.top)} {box.right} {box.bottom}"


def _ocr_element(parent: etree._Element, tag: str, css_class: str, element_id: str, title: str) -> etree._Element:
    return subelement(parent, tag, {"class": css_class, "id": element_id, "title": title})
