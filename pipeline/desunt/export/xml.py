"""What every XML export needs: characters XML cannot hold, elements, and pieces of a long document written one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from lxml import etree

# XML 1.0, production 2: these cannot stand in a document, not even as a character reference.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Where a piece of a long document goes; in text it would be escaped, so it cannot be met anywhere else.
HERE = "desunt-piece"
MARKER = etree.tostring(etree.ProcessingInstruction(HERE))


def xml_text(text: str) -> str:
    """Return the text with what XML forbids made visible: control characters as their symbols (NUL as ␀), the rest as U+FFFD."""
    return FORBIDDEN.sub(lambda found: chr(0x2400 + ord(found[0])) if found[0] < " " else "\ufffd", text)


def element(tag: str, attributes: Mapping[str, object | None] | None = None, text: str = "") -> etree._Element:
    """Make an element of a namespace, `{namespace}name`; attributes that are None are left out, numbers are written plainly."""
    made = etree.Element(tag, nsmap={None: etree.QName(tag).namespace})
    for name, value in (attributes or {}).items():
        if value is not None:
            made.set(name, xml_text(_written(value)))
    if text:
        made.text = xml_text(text)
    return made


def _written(value: object) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def sub(parent: etree._Element, tag: str, attributes: Mapping[str, object | None] | None = None, text: str = "") -> etree._Element:
    """Make an element inside another one, in the same namespace, and return it."""
    made = element(f"{{{etree.QName(parent).namespace}}}{tag}", attributes, text)
    parent.append(made)
    return made


def add_text(parent: etree._Element, text: str) -> None:
    """Write text behind what the element holds so far."""
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + xml_text(text)
    else:
        parent.text = (parent.text or "") + xml_text(text)


def put_piece(parent: etree._Element) -> None:
    """Mark the place of pieces that are written later."""
    parent.append(etree.ProcessingInstruction(HERE))


def written(root: etree._Element, pieces: Iterable[Iterable[etree._Element]] = ()) -> Iterator[bytes]:
    """Yield a document; where `put_piece` marked places, the elements of each of `pieces` stand, made one at a time.

    Whitespace is never added: what stands in the text is the text.
    """
    tree = etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8")
    parts = tree.split(MARKER)
    # An element that is written alone declares its namespace, which the root has declared already.
    declared = f' xmlns="{etree.QName(root).namespace}"'.encode()
    yield parts[0]
    for part, made in zip(parts[1:], pieces, strict=True):
        for one in made:
            yield etree.tostring(one, encoding="UTF-8", xml_declaration=False).replace(declared, b"", 1) + b"\n"
        yield part
    yield b"\n"


def indented(parent: etree._Element) -> etree._Element:
    """Put every element of a part without running text on a line of its own."""
    etree.indent(parent, space=" ")
    return parent
