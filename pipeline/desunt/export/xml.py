"""What every XML export needs: characters XML cannot hold, elements, and pieces of a long document written one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from lxml import etree

# XML 1.0, production 2: these cannot stand in a document, not even as a character reference.
XML_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Where a piece of a long document goes; in text it would be escaped, so it cannot be met anywhere else.
PLACEHOLDER = "desunt-piece"
PLACEHOLDER_XML = etree.tostring(etree.ProcessingInstruction(PLACEHOLDER))


def xml_text(text: str) -> str:
    """Return the text with what XML forbids made visible: control characters as their symbols (NUL as ␀), the rest as U+FFFD."""
    return XML_FORBIDDEN.sub(lambda match: chr(0x2400 + ord(match[0])) if match[0] < " " else "\ufffd", text)


def element(tag: str, attributes: Mapping[str, object | None] | None = None, text: str = "") -> etree._Element:
    """Make an element of a namespace, `{namespace}name`; attributes that are None are left out, numbers are written plainly."""
    node = etree.Element(tag, nsmap={None: etree.QName(tag).namespace})
    for name, value in (attributes or {}).items():
        if value is not None:
            node.set(name, xml_text(_attribute_text(value)))
    if text:
        node.text = xml_text(text)
    return node


def _attribute_text(value: object) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def subelement(parent: etree._Element, tag: str, attributes: Mapping[str, object | None] | None = None, text: str = "") -> etree._Element:
    """Make an element inside another one, in the same namespace, and return it."""
    child = element(f"{{{etree.QName(parent).namespace}}}{tag}", attributes, text)
    parent.append(child)
    return child


def add_text(parent: etree._Element, text: str) -> None:
    """Write text behind what the element holds so far."""
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + xml_text(text)
    else:
        parent.text = (parent.text or "") + xml_text(text)


def add_placeholder(parent: etree._Element) -> None:
    """Mark the place of pieces that are written later."""
    parent.append(etree.ProcessingInstruction(PLACEHOLDER))


def serialize(root: etree._Element, element_groups: Iterable[Iterable[etree._Element]] = ()) -> Iterator[bytes]:
    """Yield a document; where `add_placeholder` marked places, the elements of each group stand, made one at a time.

    Whitespace is never added: what stands in the text is the text.
    """
    frame = etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8")
    parts = frame.split(PLACEHOLDER_XML)
    # An element that is written alone declares its namespace, which the root has declared already.
    declared = f' xmlns="{etree.QName(root).namespace}"'.encode()
    yield parts[0]
    for part, elements in zip(parts[1:], element_groups, strict=True):
        for node in elements:
            yield etree.tostring(node, encoding="UTF-8", xml_declaration=False).replace(declared, b"", 1) + b"\n"
        yield part
    yield b"\n"


def indent(parent: etree._Element) -> etree._Element:
    """Put every element of a part without running text on a line of its own."""
    etree.indent(parent, space=" ")
    return parent
