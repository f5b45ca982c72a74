"""PAGE XML (PAGE content 2019-07-15): one file a page, words with their boxes in pixels of the original scan."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Literal

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
    legibility_of,
    page_decisions,
    placed_blocks,
    scanned_page,
    word_attributes,
)
from desunt.export.wording import GENERATOR, decision_in_words, vouch_threshold
from desunt.export.xml import element, indent, serialize, subelement
from desunt.record.conjecture import Decision
from desunt.record.document import Box, Gap, Page, RegionKind
from desunt.record.files import Record

PAGE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"
REGION_TYPES: dict[RegionKind, str] = {
    "body": "paragraph",
    "letterhead": "header",
    "addressee": "paragraph",
    "margin": "marginalia",
    "footer": "footer",
    "stamp": "other",
    "handwriting": "other",
    "table": "other",
    "form": "other",
    "withheld": "other",
    "unread": "other",
}
# The schema asks for a time, and the record has none of its own: a clock would give other bytes at each export.
NO_TIME = "1970-01-01T00:00:00Z"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")


class PageExporter:
    """Write PAGE XML. `TextEquiv` holds the text of the mode and nothing else, gap marks among it.

    What is known about a word that is no text stands in `UserDefined`; in the apparatus file conjectures do, named CONJECTURE.
    """

    name = "page"
    suffix = ".page.xml"
    kind: Literal["reading", "apparatus"] = "reading"
    modes: tuple[Mode, ...] = ("diplomatic", "accepted", "apparatus")
    one_per: Literal["document", "page"] = "page"

    def export(self, record: Record, images: ImageSource, mode: Mode) -> Iterator[bytes]:
        """Yield the file of one page; raises UsageError if the page has no scan."""
        view = view_for_mode(record, mode)
        root, page = element(f"{{{PAGE}}}PcGts"), scanned_page(view)
        _metadata(root, view, page_decisions(page, view), mode)
        _page(root, page, view, mode)
        yield from serialize(indent(root))


def _metadata(root: etree._Element, view: Record, decisions: tuple[Decision, ...], mode: Mode) -> None:
    metadata, times = subelement(root, "Metadata"), [decision.at for decision in decisions if TIME.fullmatch(decision.at)]
    subelement(metadata, "Creator", {}, GENERATOR)
    subelement(metadata, "Created", {}, NO_TIME)
    subelement(metadata, "LastChange", {}, max(times, default=NO_TIME))
    comments = f"{MODE_DESCRIPTIONS[mode]} Times are those of editors' decisions; {NO_TIME} stands where there is none."
    subelement(metadata, "Comments", {}, comments)
    for step in dict.fromkeys(view.steps):
        metadata_item = subelement(metadata, "MetadataItem", {"type": "processingStep", "name": step.name, "value": step.version})
        labels = subelement(metadata_item, "Labels")
        for name, value in step.settings:
            subelement(labels, "Label", {"value": value, "type": name})
    for name, value in view.document.metadata:
        subelement(metadata, "MetadataItem", {"type": "other", "name": name, "value": value})
    for decision in decisions:
        subelement(
            metadata, "MetadataItem", {"type": "other", "name": "decision", "value": f"{decision.gap_id}: {decision_in_words(decision)}"}
        )


def _page(root: etree._Element, page: Page, view: Record, mode: Mode) -> None:
    image = page.image
    assert image is not None
    size = {"imageWidth": image.width, "imageHeight": image.height, "imageXResolution": image.dpi, "imageYResolution": image.dpi}
    attributes = {
        "imageResolutionUnit": "PPI",
        "custom": f"number {{value:{page.number};}} frame {{index:{image.frame};}}",
        "conf": page.legibility,
    }
    page_element = subelement(root, "Page", {"imageFilename": PurePosixPath(image.path).name, **size, **attributes})
    blocks, vouch = placed_blocks(page, view, mode), vouch_threshold(view)
    if blocks:
        group = subelement(subelement(page_element, "ReadingOrder"), "OrderedGroup", {"id": "order"})
        for index, block in enumerate(blocks):
            subelement(group, "RegionRefIndexed", {"index": index, "regionRef": block.id})
    for block in blocks:
        _block(page_element, block, vouch)


def _block(page: etree._Element, block: PlacedBlock, vouch: float) -> None:
    kind = block.region.kind
    region_element = subelement(page, "TextRegion", {"id": block.id, "type": REGION_TYPES[kind], "custom": f"structure {{type:{kind};}}"})
    _coords(region_element, block.box)
    for index, line in enumerate(block.lines):
        _line(region_element, line, index, vouch)
    _text_equiv(region_element, block.text)


def _line(block: etree._Element, line: PlacedLine, index: int, vouch: float) -> None:
    line_element = subelement(
        block, "TextLine", {"id": line.id, "custom": " ".join([f"readingOrder {{index:{index};}}", *_transkribus_spans(line, vouch)])}
    )
    _coords(line_element, line.box)
    if line.line.baseline:
        subelement(line_element, "Baseline", {"points": " ".join(f"{max(0, x)},{max(0, y)}" for x, y in line.line.baseline)})
    for word in line.words:
        _word(line_element, word, vouch)
    _text_equiv(line_element, line.text)


def _transkribus_spans(line: PlacedLine, vouch: float) -> Iterator[str]:
    """Yield gaps and unclear words as Transkribus marks them; offsets count UTF-16 units of the line's text, as Java does."""
    offset = 0
    for word in line.words:
        length = len(word.rendered.text.encode("utf-16-le", "surrogatepass")) // 2
        token, legibility = word.rendered.token, legibility_of(word)
        if word.rendered.is_gap and isinstance(token, Gap):
            yield f"gap {{offset:{offset}; length:{length}; reason:{token.reason};}}"
        elif legibility is not None and legibility < vouch:
            yield f"unclear {{offset:{offset}; length:{length};}}"
        offset += length + 1


def _word(line: etree._Element, word: PlacedWord, vouch: float) -> None:
    word_element = subelement(line, "Word", {"id": word.id})
    _coords(word_element, word.box)
    decision = word.rendered.decision
    _text_equiv(word_element, word.rendered.text, conf=confidence_of(word), comments=decision_in_words(decision) if decision else None)
    _user_attributes(word_element, word_attributes(word, vouch))


def _user_attributes(word: etree._Element, attributes: Iterable[WordAttribute]) -> None:
    user_defined = subelement(word, "UserDefined")
    for attribute in attributes:
        xml_attributes = {
            "name": attribute.name,
            "description": attribute.description or None,
            "type": "xsd:string",
            "value": attribute.value,
        }
        subelement(user_defined, "UserAttribute", xml_attributes)
    if not len(user_defined):
        word.remove(user_defined)


def _coords(parent: etree._Element, box: Box) -> None:
    """Write a box by its corners, clockwise from top left; right and bottom are the edges, so that right minus left is the width."""
    left, top = max(0, box.left), max(0, box.top)
    subelement(parent, "Coords", {"points": f"{left},{top} {box.right},{top} {box.right},{box.bottom} {left},{box.bottom}"})


def _text_equiv(parent: etree._Element, text: str, **attributes: object) -> None:
    subelement(subelement(parent, "TextEquiv", attributes), "Unicode", {}, text)
