"""What a PDF says about itself, twice as PDF/A wants it: in its information dictionary and as XMP, in the same words."""

from __future__ import annotations

from dataclasses import dataclass

from desunt.export.formats.pdf.fonts import pdf_character
from desunt.export.formats.pdf.writer import text_string

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
DC = "http://purl.org/dc/elements/1.1/"
XMP = "http://ns.adobe.com/xap/1.0/"
PDF = "http://ns.adobe.com/pdf/1.3/"
PDFA = "http://www.aiim.org/pdfa/ns/id/"
XML = "http://www.w3.org/XML/1998/namespace"


@dataclass(frozen=True, slots=True)
class PdfInfo:
    """Title, description and maker of the file."""

    title: str
    description: str
    generator: str

    @property
    def clean_title(self) -> str:
        """Return the title on one line, in characters that XML can hold."""
        return "".join(pdf_character(c) for c in " ".join(self.title.split()))


def info_dictionary(info: PdfInfo) -> bytes:
    """Return the information dictionary."""
    generator = text_string(info.generator)
    entries = (text_string(info.clean_title), text_string(info.description), generator, generator)
    return b"<< /Title %s /Subject %s /Creator %s /Producer %s >>" % entries


def xmp_packet(info: PdfInfo) -> bytes:
    """Return the XMP packet (ISO 16684-1) with the mark of PDF/A-2b."""
    from lxml import etree

    namespaces = {"rdf": RDF, "dc": DC, "xmp": XMP, "pdf": PDF, "pdfaid": PDFA}
    root = etree.Element(f"{{{RDF}}}RDF", nsmap=namespaces)
    description = etree.SubElement(root, f"{{{RDF}}}Description", {f"{{{RDF}}}about": ""})
    for name, text in (("title", info.clean_title), ("description", info.description)):
        choices = etree.SubElement(etree.SubElement(description, f"{{{DC}}}{name}"), f"{{{RDF}}}Alt")
        etree.SubElement(choices, f"{{{RDF}}}li", {f"{{{XML}}}lang": "x-default"}).text = text
    simple = ((XMP, "CreatorTool", info.generator), (PDF, "Producer", info.generator), (PDFA, "part", "2"), (PDFA, "conformance", "B"))
    for namespace, name, text in simple:
        etree.SubElement(description, f"{{{namespace}}}{name}").text = text
    wrapper = etree.Element("{adobe:ns:meta/}xmpmeta", nsmap={"x": "adobe:ns:meta/"})
    wrapper.append(root)
    packet_begin, packet_end = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n', '\n<?xpacket end="r"?>'
    packet: bytes = etree.tostring(wrapper, encoding="utf-8")
    return packet_begin.encode() + packet + packet_end.encode()
