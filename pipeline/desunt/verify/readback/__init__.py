"""Read exports back as a stranger would: their text-bearing part, and candidates that carry no label.

Nothing here is shared with the code that writes the exports, so that a fault there cannot hide itself here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from html import unescape

from desunt.verify.readback.html import html_generator, html_labelled, html_text, html_unlabelled
from desunt.verify.readback.pdf import normalise_for_pdf, pdf_comments, pdf_generator, pdf_notes, pdf_text
from desunt.verify.readback.plain_text import (
    apparatus_generator,
    apparatus_labelled,
    apparatus_unlabelled,
    candidate_lines,
    collapse_spaces,
    csv_labelled,
    csv_unlabelled,
    json_generator,
    json_labelled,
    json_text,
    json_unlabelled,
    manifest_generator,
    manifest_notes,
    manifest_text,
    markdown_notes,
    markdown_text,
    normalise_for_markdown,
    plain_notes,
    plain_text,
    text_generator,
)
from desunt.verify.readback.xml import (
    alto_generator,
    alto_labelled,
    alto_text,
    alto_unlabelled,
    hocr_generator,
    hocr_labelled,
    hocr_text,
    hocr_unlabelled,
    normalise_for_xml,
    page_generator,
    page_labelled,
    page_text,
    page_unlabelled,
    tei_generator,
    tei_labelled,
    tei_text,
    tei_unlabelled,
)


@dataclass(frozen=True, slots=True)
class Reader:
    """How to read a format back.

    `text` returns the text, whether of a reading export or beside an apparatus (None where a format has none); `normalise` brings what was
    read and the truth into the one form that the format can hold. `count_labelled` counts the candidates that carry their label,
    `find_unlabelled` yields the places of those that do not. `generator` returns which desunt wrote the file, nothing where it does not
    say; `credits` returns where an editor must be named.
    """

    text: Callable[[str], str] | None
    count_labelled: Callable[[str], int]
    find_unlabelled: Callable[[str], Iterator[str]]
    normalise: Callable[[str], str] = str
    generator: Callable[[str], str] = lambda _: ""
    credits: Callable[[str], str] = unescape


def _with_notes(
    text: Callable[[str], str],
    notes: Callable[[str], Iterable[str]],
    normalise: Callable[[str], str],
    generator: Callable[[str], str],
    credits: Callable[[str], str] = unescape,
) -> Reader:
    """Return the reader of a format whose candidates stand in notes, a line each."""
    return Reader(
        text, lambda content: candidate_lines(notes(content))[0], lambda content: iter(candidate_lines(notes(content))[1]),
        normalise, generator, credits,
    )  # fmt: skip


READERS: dict[str, Reader] = {
    "text": _with_notes(plain_text, plain_notes, str, text_generator),
    "apparatus": Reader(None, apparatus_labelled, apparatus_unlabelled, generator=apparatus_generator),
    "html": Reader(html_text, html_labelled, html_unlabelled, lambda text: text.replace("\0", "␀"), html_generator),
    "json": Reader(json_text, json_labelled, json_unlabelled, generator=json_generator),
    "tei": Reader(tei_text, tei_labelled, tei_unlabelled, normalise_for_xml, tei_generator),
    "page": Reader(page_text, page_labelled, page_unlabelled, normalise_for_xml, page_generator),
    "alto": Reader(alto_text, alto_labelled, alto_unlabelled, normalise_for_xml, alto_generator),
    "hocr": Reader(hocr_text, hocr_labelled, hocr_unlabelled, normalise_for_xml, hocr_generator),
    "markdown": _with_notes(markdown_text, markdown_notes, normalise_for_markdown, text_generator),
    "csv": Reader(None, csv_labelled, csv_unlabelled),
    "iiif": _with_notes(manifest_text, manifest_notes, collapse_spaces, manifest_generator),
    "pdf": _with_notes(pdf_text, pdf_notes, normalise_for_pdf, pdf_generator, pdf_comments),
}
