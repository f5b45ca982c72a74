"""The diplomatic text as a plain file: the page's own words and gap marks, and nothing else."""

from __future__ import annotations

from typing import Literal

from desunt.export import Pictures
from desunt.record import Record


class TextExporter:
    """Write `Document.text`; for a transcript without a scan these are the source's own bytes."""

    name = "text"
    suffix = ".txt"
    kind: Literal["reading", "apparatus"] = "reading"

    def export(self, record: Record, pictures: Pictures) -> bytes:
        """Return the text in UTF-8, or in the encoding of the transcript it came from."""
        return record.document.text.encode(text_encoding(record))


def text_encoding(record: Record) -> str:
    """Return the encoding of the text export."""
    document = record.document
    given_back = document.transcript is not None and not any(page.image for page in document.pages)
    return document.transcript.encoding if document.transcript and given_back else "utf-8"
