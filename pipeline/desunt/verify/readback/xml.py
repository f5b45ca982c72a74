"""Read TEI, PAGE XML, ALTO and hOCR back as a stranger would: their text-bearing part, and what they hold without a label.

Nothing here is shared with the code that writes the exports: another parser, and the standards' own rules of what is text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from typing import get_args
from xml.etree import ElementTree as ET

from desunt.record.conjecture import CONJECTURE_LABEL
from desunt.record.document import RegionKind

XML_ID = "{http://www.w3.org/XML/1998/namespace}id"
IN_TEXT = frozenset({"lb", "pb", "gap", "desc", "unclear", "supplied", "seg", "note", "pc"})
# Everything these formats call text beside the one place that desunt writes: none of it may be there.
PAGE_STRANGERS = frozenset({"PlainText", "Glyph", "Grapheme", "NonPrintingChar", "GraphemeGroup"})
REGION_KINDS = frozenset(get_args(RegionKind))
ALTO_STRANGERS = frozenset({"ALTERNATIVE", "Glyph", "Variant", "XmlData"})
PAGE_REMARKS = frozenset(
    {"place", "gap", "gap-id", "legibility", "unclear", "editor", "date", "basis", "decision", "reading", "accepted-guess", "refusal"}
    | {"none-of-these", CONJECTURE_LABEL}
)
HOCR_META = frozenset(f"desunt-{name}" for name in PAGE_REMARKS | {"mode", "step"}) | {
    "ocr-system",
    "ocr-capabilities",
    "ocr-number-of-pages",
}


def normalise_for_xml(text: str) -> str:
    """Return the text as XML can hold it: control characters as their symbols, what has none as U+FFFD."""
    return "".join(_xml_character(character) for character in text)


def _xml_character(character: str) -> str:
    number = ord(character)
    if number < 0x20 and character not in "\t\n\r":
        return chr(0x2400 + number)
    return "\ufffd" if 0xD800 <= number <= 0xDFFF or number in (0xFFFE, 0xFFFF) else character


def _root(content: str, name: str) -> ET.Element:
    root = ET.fromstring(content.encode("utf-8", "surrogatepass"))
    if _name(root) != name:
        raise ValueError(f"the root element is {_name(root)}, not {name}")
    return root


def _name(one: ET.Element) -> str:
    return str(one.tag).rpartition("}")[2]


def _found(one: ET.Element, name: str) -> list[ET.Element]:
    return one.findall(f".//{{*}}{name}")


def tei_text(content: str) -> str:
    """Return the text of the body, its tags taken away; pages are joined by form feeds."""
    body = _root(content, "TEI").find("{*}text/{*}body/{*}div")
    if body is None:
        raise ValueError("no text/body/div")
    blocks = [one for one in body if _name(one) == "ab"]
    if body.get("type") == "transcript":
        return "".join(_tei_run(block) for block in blocks)
    pages: list[list[str]] = []
    for one in body:
        if _name(one) == "pb":
            pages.append([])
        elif pages:
            pages[-1].append(_tei_run(one))
        elif _tei_run(one):
            raise ValueError("text before the first page break")
    return "\f".join("\n\n".join(page) + "\n" for page in pages)


def _tei_run(one: ET.Element) -> str:
    if _name(one) not in IN_TEXT | {"ab"}:
        raise ValueError(f"a {_name(one)} stands in the text")
    if _name(one) == "pb":
        return "\f"
    return (one.text or "") + "".join(_tei_run(child) + (child.tail or "") for child in one)


def tei_unlabelled(content: str) -> Iterator[str]:
    """Yield what is supplied without an editor's name in the body, and readings without their label in the apparatus."""
    root = _root(content, "TEI")
    editors = {f"#{one.get(XML_ID)}" for one in _found(root, "respStmt") if one.find("{*}persName") is not None}
    text = root.find("{*}text")
    body, back = (None, None) if text is None else (text.find("{*}body"), text.find("{*}back"))
    for number, one in enumerate(_found(body, "supplied") if body is not None else [], 1):
        if not one.get("resp") or not set((one.get("resp") or "").split()) <= editors:
            yield f"supplied {number} of the body, which no editor stands for"
    for number, one in enumerate(_found(back, "rdg") if back is not None else [], 1):
        label = one.find("{*}note[@type='label']")
        said = "" if label is None else "".join(label.itertext())
        if one.get("type") != "reading" and not (one.get("type") == CONJECTURE_LABEL and said.startswith(CONJECTURE_LABEL)):
            yield f"rdg {number} of the apparatus"
        if one.get("type") == "reading" and not set((one.get("resp") or "-").split()) <= editors:
            yield f"rdg {number} of the apparatus, which no editor stands for"


def tei_labelled(content: str) -> int:
    """Count the candidates of the apparatus: readings that a model supposes, with their probability."""
    return sum(one.get("type") == CONJECTURE_LABEL and one.get("cert") is not None for one in _found(_root(content, "TEI"), "rdg"))


def page_text(content: str) -> str:
    """Return the text of the words; raises ValueError where lines or regions say something else, or hold text elsewhere."""
    root = _root(content, "PcGts")
    strangers = {_name(one) for one in root.iter()} & PAGE_STRANGERS
    if strangers:
        raise ValueError(f"holds text in {', '.join(sorted(strangers))}")
    return "\n\n".join(_page_region(region) for region in _found(root, "TextRegion")) + "\n"


def _page_region(region: ET.Element) -> str:
    lines = []
    for line in region.findall("{*}TextLine"):
        lines.append(" ".join(_unicode(word) for word in line.findall("{*}Word")))
        _check_same(line, lines[-1])
    _check_same(region, "\n".join(lines))
    return "\n".join(lines)


def _check_same(one: ET.Element, text: str) -> None:
    if _unicode(one) != text:
        raise ValueError(f"{_name(one)} {one.get('id')} says something else than its words")


def _unicode(one: ET.Element) -> str:
    texts = one.findall("{*}TextEquiv")
    if len(texts) != 1:
        raise ValueError(f"{_name(one)} {one.get('id')} has {len(texts)} texts instead of one")
    return texts[0].findtext("{*}Unicode") or ""


def page_unlabelled(content: str) -> Iterator[str]:
    """Yield remarks of words that have a name nobody knows, or claim to be a conjecture and do not say so."""
    for one in _found(_root(content, "PcGts"), "UserAttribute"):
        name, says = one.get("name", ""), one.get("description", "")
        if (
            name not in PAGE_REMARKS
            or (name == CONJECTURE_LABEL and not says.startswith(CONJECTURE_LABEL))
            or ("rank" in says.split() and name != CONJECTURE_LABEL)
        ):
            yield f"UserAttribute {name!r} ({one.get('value', '')[:60]!r})"


def page_labelled(content: str) -> int:
    """Count the candidates."""
    return sum(one.get("name") == CONJECTURE_LABEL for one in _found(_root(content, "PcGts"), "UserAttribute"))


def alto_text(content: str) -> str:
    """Return the content of strings and hyphens; raises ValueError for text elsewhere, and for whole words that their halves are not."""
    root = _root(content, "alto")
    strangers = {_name(one) for one in root.iter()} & ALTO_STRANGERS
    if strangers:
        raise ValueError(f"holds text in {', '.join(sorted(strangers))}")
    blocks = [block.findall("{*}TextLine") for block in _found(root, "TextBlock")]
    whole = sum(_alto_wholes(line, following) for lines in blocks for line, following in pairwise(lines))
    if 2 * whole != sum("SUBS_CONTENT" in one.attrib for one in root.iter()):
        raise ValueError("holds text in SUBS_CONTENT that is no word divided at the end of its line")
    return "\n\n".join("\n".join(_alto_line(line) for line in lines) for lines in blocks) + "\n"


def _alto_line(line: ET.Element) -> str:
    return "".join(" " if _name(one) == "SP" else one.get("CONTENT", "") for one in line)


def _alto_wholes(line: ET.Element, following: ET.Element) -> int:
    """Return 1 if a word is divided between two lines, and whole in both halves' SUBS_CONTENT, with the hyphen or without; else 0."""
    ends, begins = line.findall("{*}String")[-1:], following.findall("{*}String")[:1]
    hyphen = line.find("{*}HYP")
    if hyphen is None or not ends or not begins or line[-1] is not hyphen:
        return 0
    halves = [(ends[0], "HypPart1"), (begins[0], "HypPart2")]
    parts = [one.get("CONTENT", "") for one, _ in halves]
    wholes = {unicodedata.normalize("NFC", between.join(parts)) for between in ("", "-")}
    said = {one.get("SUBS_CONTENT") for one, kind in halves if one.get("SUBS_TYPE") == kind}
    return int(len(said) == 1 and said <= wholes)


def alto_unlabelled(content: str) -> Iterator[str]:
    """Yield tags of a type nobody knows, conjectures whose label is not CONJECTURE, and kinds of blocks that there are not."""
    root = _root(content, "alto")
    for one in _found(root, "StructureTag"):
        if one.get("LABEL") not in REGION_KINDS or one.get("DESCRIPTION"):
            yield f"tag {one.get('ID')} ({one.get('LABEL', '')[:60]!r})"
    for one in _found(root, "OtherTag"):
        kind, label, says = one.get("TYPE", ""), one.get("LABEL", ""), one.get("DESCRIPTION", "")
        if (
            kind not in PAGE_REMARKS
            or (kind == CONJECTURE_LABEL) != (label == CONJECTURE_LABEL)
            or ("rank" in says.split() and kind != CONJECTURE_LABEL)
        ):
            yield f"tag {one.get('ID')} ({label[:60]!r})"


def alto_labelled(content: str) -> int:
    """Count the candidates to which strings point."""
    root = _root(content, "alto")
    guesses = {one.get("ID") for one in _found(root, "OtherTag") if one.get("LABEL") == CONJECTURE_LABEL}
    return sum(tag in guesses for one in _found(root, "String") for tag in one.get("TAGREFS", "").split())


class _Hocr(HTMLParser):
    """Collect the text of each block of an hOCR page, and what stands in its head."""

    def __init__(self, content: str) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[str] = []
        self.stray = ""
        self.meta: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "meta":
            self.meta.append((given.get("name") or "", given.get("content") or ""))
            return
        self._open.append(tag)
        if given.get("class") == "ocr_par":
            self.blocks.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            raise ValueError(f"an empty {tag}, which HTML does not know")
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            raise ValueError(f"{tag} is closed where it is not open")

    def handle_data(self, data: str) -> None:
        if "p" in self._open:
            self.blocks[-1] += data
        elif "body" in self._open:
            self.stray += data.strip()


def hocr_text(content: str) -> str:
    """Return the text of the blocks; raises ValueError if the body holds text elsewhere."""
    page = _Hocr(content)
    if page.stray:
        raise ValueError(f"text outside of every block: {page.stray[:60]!r}")
    return "\n\n".join(page.blocks) + "\n"


def hocr_unlabelled(content: str) -> Iterator[str]:
    """Yield `meta` elements that nobody knows, and conjectures that do not begin with CONJECTURE."""
    for name, says in _Hocr(content).meta:
        if name and (name not in HOCR_META or (name == f"desunt-{CONJECTURE_LABEL}") != says.startswith(f"{CONJECTURE_LABEL} ")):
            yield f"meta {name} ({says[:60]!r})"


def hocr_labelled(content: str) -> int:
    """Count the candidates."""
    return sum(name == f"desunt-{CONJECTURE_LABEL}" for name, _ in _Hocr(content).meta)


def tei_generator(content: str) -> str:
    """Return which desunt wrote a file; likewise for the other formats."""
    program = _root(content, "TEI").find(".//{*}application[@ident='desunt']")
    return f"desunt {program.get('version')}" if program is not None else ""


def page_generator(content: str) -> str:
    return _root(content, "PcGts").findtext("{*}Metadata/{*}Creator") or ""


def alto_generator(content: str) -> str:
    version = _root(content, "alto").findtext(".//{*}Processing[@ID='desunt']//{*}softwareVersion")
    return f"desunt {version}" if version is not None else ""


def hocr_generator(content: str) -> str:
    return next((says for name, says in _Hocr(content).meta if name == "ocr-system"), "")
