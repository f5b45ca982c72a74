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


def info_dictionary(said: PdfInfo) -> bytes:
    """Return the information dictionary."""
    made = text_string(said.generator)
    pairs = (text_string(said.clean_title), text_string(said.description), made, made)
    return b"<< /Title %s /Subject %s /Creator %s /Producer %s >>" % pairs


def metadata(said: PdfInfo) -> bytes:
    """Return the XMP packet (ISO 16684-1) with the mark of PDF/A-2b."""
    from lxml import etree

    spaces = {"rdf": RDF, "dc": DC, "xmp": XMP, "pdf": PDF, "pdfaid": PDFA}
    root = etree.Element(f"{{{RDF}}}RDF", nsmap=spaces)
    about = etree.SubElement(root, f"{{{RDF}}}Description", {f"{{{RDF}}}about": ""})
    for name, text in (("title", said.clean_title), ("description", said.description)):
        choices = etree.SubElement(etree.SubElement(about, f"{{{DC}}}{name}"), f"{{{RDF}}}Alt")
        etree.SubElement(choices, f"{{{RDF}}}li", {f"{{{XML}}}lang": "x-default"}).text = text
    simple = ((XMP, "CreatorTool", said.generator), (PDF, "Producer", said.generator), (PDFA, "part", "2"), (PDFA, "conformance", "B"))
    for space, name, text in simple:
        etree.SubElement(about, f"{{{space}}}{name}").text = text
    wrapper = etree.Element("{adobe:ns:meta/}xmpmeta", nsmap={"x": "adobe:ns:meta/"})
    wrapper.append(root)
    begin, end = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n', '\n<?xpacket end="r"?>'
    written: bytes = etree.tostring(wrapper, encoding="utf-8")
    return begin.encode() + written + end.encode()
