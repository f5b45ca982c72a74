"""ALTO 4.4: one file a page, strings with their boxes in pixels of the original scan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Literal

from lxml import etree

from desunt.__version__ import __version__
from desunt.export import ImageSource, Mode
from desunt.export.dehyphenation import HyphenatedWord, hyphenated_words
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
from desunt.export.wording import vouch_threshold
from desunt.export.xml import element, indent, serialize, subelement
from desunt.record.conjecture import CONJECTURE_LABEL
from desunt.record.document import Box, Page, RegionKind
from desunt.record.files import Record

ALTO = "http://www.loc.gov/standards/alto/ns-v4#"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
SCHEMA = f"{ALTO} http://www.loc.gov/standards/alto/v4/alto-4-4.xsd"


class AltoExporter:
    """Write ALTO. `String/@CONTENT` holds the text of the mode and nothing else, gap marks among it; `ALTERNATIVE` is never used.

    Of a word divided at a line's end the hyphen is a `HYP`, and both halves have the whole word as `SUBS_CONTENT`.

    What is known about a string that is no text stands in an `OtherTag` to which it points; in the apparatus file conjectures do, with
    the label CONJECTURE. A block points to a `StructureTag` that says what it is.
    """

    name = "alto"
    suffix = ".alto.xml"
    kind: Literal["reading", "apparatus"] = "reading"
    modes: tuple[Mode, ...] = ("diplomatic", "accepted", "apparatus")
    one_per: Literal["document", "page"] = "page"

    def export(self, record: Record, images: ImageSource, mode: Mode) -> Iterator[bytes]:
        """Yield the file of one page; raises UsageError if the page has no scan."""
        view = view_for_mode(record, mode)
        page = scanned_page(view)
        blocks, tags = placed_blocks(page, view, mode), _Tags(vouch_threshold(view))
        root = element(f"{{{ALTO}}}alto", {XSI: SCHEMA, "SCHEMAVERSION": "4.4"})
        _description(root, page, view, mode)
        layout = element(f"{{{ALTO}}}Layout")
        space = _print_space(layout, page)
        halves = {half: hyphenated for hyphenated in hyphenated_words(page, view) for half in (hyphenated.first_id, hyphenated.second_id)}
        for block in blocks:
            _block(space, block, tags, halves)
        root.extend([tags.root, layout] if len(tags.root) else [layout])
        yield from serialize(indent(root))


class _Tags:
    """The tags of a file: each remark once, however many strings point to it."""

    def __init__(self, vouch: float) -> None:
        self.root = element(f"{{{ALTO}}}Tags")
        self._vouch = vouch
        self._names: dict[WordAttribute, str] = {}
        self._kinds: set[RegionKind] = set()

    def of_kind(self, kind: RegionKind) -> str:
        """Return a pointer to the tag of a kind of block."""
        if kind not in self._kinds:
            self._kinds.add(kind)
            subelement(self.root, "StructureTag", {"ID": f"kind-{kind}", "TYPE": "region", "LABEL": kind})
        return f"kind-{kind}"

    def of(self, word: PlacedWord) -> str | None:
        """Return pointers to the tags of a word."""
        return " ".join(self._name(attribute) for attribute in word_attributes(word, self._vouch)) or None

    def _name(self, attribute: WordAttribute) -> str:
        if attribute not in self._names:
            tag_id = self._names[attribute] = f"tag{len(self._names) + 1}"
            is_guess = attribute.name == CONJECTURE_LABEL
            # The label of a conjecture is the word itself; the guess stands behind it.
            label = CONJECTURE_LABEL if is_guess else attribute.value
            description = f"{attribute.description}: {attribute.value}" if is_guess else attribute.description
            subelement(self.root, "OtherTag", {"ID": tag_id, "TYPE": attribute.name, "LABEL": label, "DESCRIPTION": description or None})
        return self._names[attribute]


def _description(root: etree._Element, page: Page, view: Record, mode: Mode) -> None:
    assert page.image is not None
    description = subelement(root, "Description")
    subelement(description, "MeasurementUnit", {}, "pixel")
    source = subelement(description, "sourceImageInformation")
    subelement(source, "fileName", {}, PurePosixPath(page.image.path).name)
    subelement(source, "fileIdentifier", {}, f"sha256:{page.image.sha256}")
    subelement(source, "documentIdentifier", {}, view.document.id)
    _processing_step(description, "desunt", "desunt", __version__, MODE_DESCRIPTIONS[mode])
    for number, step in enumerate(dict.fromkeys(view.steps), 1):
        _processing_step(
            description, f"step{number}", step.name, step.version, "; ".join(f"{name} {value}" for name, value in step.settings)
        )


def _processing_step(description: etree._Element, step_id: str, program: str, version: str, settings: str) -> None:
    processing = subelement(description, "Processing", {"ID": step_id})
    subelement(processing, "processingStepDescription", {}, program)
    subelement(processing, "processingStepSettings", {}, settings)
    software = subelement(processing, "processingSoftware")
    subelement(software, "softwareCreator", {}, "desunt")
    subelement(software, "softwareName", {}, program)
    subelement(software, "softwareVersion", {}, version)


def _print_space(layout: etree._Element, page: Page) -> etree._Element:
    assert page.image is not None
    size = {"WIDTH": page.image.width, "HEIGHT": page.image.height}
    page_element = subelement(layout, "Page", {"ID": "page", "PHYSICAL_IMG_NR": page.number, **size, "PC": page.legibility})
    return subelement(page_element, "PrintSpace", {"HPOS": 0, "VPOS": 0, **size})


def _block(space: etree._Element, block: PlacedBlock, tags: _Tags, halves: Mapping[str, HyphenatedWord]) -> None:
    text_block = subelement(space, "TextBlock", {"ID": block.id, **_position(block.box), "TAGREFS": tags.of_kind(block.region.kind)})
    for line in block.lines:
        _line(text_block, line, tags, halves)


def _line(block: etree._Element, line: PlacedLine, tags: _Tags, halves: Mapping[str, HyphenatedWord]) -> None:
    baseline = " ".join(f"{x},{y}" for x, y in line.line.baseline) if line.line.baseline else None
    text_line = subelement(block, "TextLine", {"ID": line.id, **_position(line.box), "BASELINE": baseline})
    for index, word in enumerate(line.words):
        if index:
            subelement(text_line, "SP")
        half = halves.get(word.rendered.token.id)
        is_first_half = half is not None and half.first_id == word.rendered.token.id
        text, hyphen = (word.rendered.text[:-1], word.rendered.text[-1]) if is_first_half else (word.rendered.text, "")
        # CS says that a person corrected the string.
        attributes = {
            "CONTENT": text,
            "WC": confidence_of(word),
            "CS": "true" if word.rendered.decision else None,
            "TAGREFS": tags.of(word),
        }
        subs_attributes = {"SUBS_TYPE": "HypPart1" if is_first_half else "HypPart2", "SUBS_CONTENT": half.whole} if half else {}
        subelement(text_line, "String", {"ID": word.id, **_position(word.box), **attributes, **subs_attributes})
        if hyphen:
            subelement(text_line, "HYP", {"CONTENT": hyphen})
    if not line.words:
        # The schema wants a string in every line.
        subelement(text_line, "String", {"ID": f"{line.id}w1", "CONTENT": ""})


def _position(box: Box) -> dict[str, int]:
    return {"HPOS": box.left, "VPOS": box.top, "WIDTH": box.width, "HEIGHT": box.height}
