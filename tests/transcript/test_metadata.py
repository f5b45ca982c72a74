"""The heading above a transcript's text: what is taken for one, and what is not."""

from __future__ import annotations

import pytest

from desunt.transcript.metadata import read_heading


@pytest.mark.parametrize(
    ("text", "pairs", "body"),
    [
        ('---\ntitle: "A: b"\ndate: 1945\ntags:\n  - x\n  - y\n---\nBody', (("title", "A: b"), ("date", "1945"), ("tags", "x; y")), "Body"),
        ("---\r\ntitle: A\r\n---\r\nBody", (("title", "A"),), "Body"),
        ("Title: X\nRepository: Library\n  of Congress\n\nBody", (("title", "X"), ("repository", "Library of Congress")), "Body"),
        ("Title: X\n\nDate: Y\n\nSubject: Z", (("title", "X"), ("date", "Y")), "Subject: Z"),
        ("**Summary:**\n\na\n\nb\n\n**Credits:**\n\nc\n\nBody", (("summary", "a\n\nb"), ("credits", "c")), "Body"),
        ("**Source:** Box 3\n\nBody\n\n**Date:**\n\n1945", (("source", "Box 3"),), "Body\n\n**Date:**\n\n1945"),
    ],
)
def test_forms_of_metadata(text: str, pairs: tuple[tuple[str, str], ...], body: str) -> None:
    heading = read_heading(text)
    assert heading.metadata == pairs
    assert text[heading.end :].strip() == body


@pytest.mark.parametrize(
    "text",
    [
        "DATE: 3 May 1945\nTO: The President\nFROM: Harriman\n\nBody",
        "SOURCE: a reliable informant\nDATE: 3 May\n\nBody",
        "**MEMORANDUM**\n\nBody",
        "# CABLE\n\nBody",
        "---\ntitle: never closed\n\nBody",
        "**Recommendation:**\n\nThat you sign.",
        "Date: 3 May 1945\n\nDear Sir",
    ],
)
def test_words_of_the_page_are_not_taken_for_metadata(text: str) -> None:
    assert read_heading(text).metadata == ()
