"""Transcripts: read into documents, given back byte for byte, with their metadata, gaps and the text round them."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desunt.errors import InputError
from desunt.record.document import Document, Extent, Gap, Letters, Word
from desunt.transcript import gap_contexts, read_transcript, source_bytes, transcript_document


def document_of(text: str) -> Document:
    return transcript_document(text.encode(), path="cable.txt", document_id="cable")


def tokens_of(document: Document) -> list[str]:
    return [t.text if isinstance(t, Word) else f"<{t.mark}>" for page in document.pages for line in page.lines for t in line.tokens]


CABLE = """

**July 3, 1945**

**Cable, Summary of a Meeting with  \nStalin and Soong**

**Citation:**

"Cable, Summary", July 3, 1945, Wilson Center Digital Archive, Harriman Papers, Library of Congress.  \n<https://example.org/document/1>

**Original Language:**

English

TOP SECRET

With reference to the port of Darien [Dalian], Stalin made demands... [ILLEGIBLE]  \nhopes to be able to... [ILLEGIBLE]

LAX"""


def test_the_heading_becomes_metadata_and_is_no_part_of_the_body() -> None:
    document = document_of(CABLE)
    assert dict(document.metadata) == {
        "title": "Cable, Summary of a Meeting with Stalin and Soong",
        "date": "July 3, 1945",
        "citation": '"Cable, Summary", July 3, 1945, Wilson Center Digital Archive, Harriman Papers, Library of Congress.',
        "source-url": "https://example.org/document/1",
        "original-language": "English",
        "repository": "Harriman Papers, Library of Congress",
    }
    assert [line.text for line in document.pages[0].lines] == [
        "TOP SECRET",
        "With reference to the port of Darien [Dalian], Stalin made demands... [ILLEGIBLE]",
        "hopes to be able to... [ILLEGIBLE]",
        "LAX",
    ]
    assert [len(region.lines) for region in document.pages[0].regions] == [1, 2, 1]


def test_tokens_are_words_and_gaps_with_their_places() -> None:
    text = "A (s[????]), of [ILLEGIBLE]. Mu\u0308nchen\n"
    document = document_of(text)
    assert tokens_of(document) == ["A", "(", "<s[????]>", "),", "of", "<[ILLEGIBLE]>", ".", "München"]
    first, second = document.gaps
    assert (first.letters, first.extent, first.reason, first.continues) == (Letters("s"), Extent("character", 4, 4), "illegible", False)
    assert (second.extent, second.continues, second.box) == (None, False, None)
    for line in document.pages[0].lines:
        for token in line.tokens:
            assert token.span is not None
            assert text[slice(*token.span)] == (token.mark if isinstance(token, Gap) else token.text.replace("ü", "u\u0308"))


def test_withheld_marks_are_gaps_of_their_own_reason() -> None:
    (gap,) = document_of("He met [less than 1 line not declassified] there.").gaps
    assert (gap.reason, gap.extent, gap.engine_reading) == ("withheld", Extent("line", 0, 1), None)


@pytest.mark.parametrize(
    ("text", "continues"),
    [
        ("in [ILLEGIBLE]\nhopes to", None),
        ("in [ILLEGIBLE]", None),
        ("in *[ILLEGIBLE]*\nhopes", None),
        ("in [1 line illegible]\nhopes", None),
        ("in [two words illegible]\nhopes", True),
        ("in Mosc[..]\nhopes", True),
        ("in [two words illegible]\n\nHopes", False),
        ("in [ILLEGIBLE].\nHopes", False),
        ("in [ILLEGIBLE] of", False),
    ],
)
def test_whether_the_next_line_goes_on(text: str, continues: bool | None) -> None:
    (gap,) = document_of(text).gaps
    assert gap.continues is continues


def test_gap_ids_depend_on_document_content_and_place() -> None:
    text = "[ILLEGIBLE] and [ILLEGIBLE]"
    first, second = document_of(text).gaps
    assert first.id != second.id
    assert document_of(text).gaps == (first, second)
    other = transcript_document(text.encode(), path="cable.txt", document_id="other")
    assert other.gaps[0].id != first.id


def test_form_feeds_part_pages_and_a_mark_may_reach_into_the_next_line() -> None:
    document = document_of("one\n\ftwo [two words\nillegible] three\f\n")
    assert [page.text for page in document.pages] == ["one", "two [two words\nillegible]\nthree"]
    assert [page.number for page in document.pages] == [1, 2]


def test_ambiguous_marks_are_told_and_left_as_text() -> None:
    document = document_of("Title: [x]\nSummary: it is [illegible]\n\nthe request [result]\r\nof Molotov[?] was")
    assert document.gaps == ()
    assert "[result]" in tokens_of(document)
    above, first, second = document.notes
    assert above.startswith("line 2, column 16: `[illegible]`")
    assert first.startswith("line 4, column 13: `[result]`")
    assert second.startswith("line 5, column 11: `[?]`")


def test_very_many_ambiguous_marks_make_no_endless_list() -> None:
    notes = document_of("a [x] " * 500).notes
    assert len(notes) == 101
    assert notes[-1].startswith("400 more")


@pytest.mark.parametrize(
    "content",
    [
        "Zürich [ILLEGIBLE]\r\nline\rend".encode(),
        codecs.BOM_UTF8 + b"plain [?]",
        codecs.BOM_UTF8 * 2 + b"plain",
        "\ufeffZürich [?]".encode("utf-16-le"),
        "\ufeffZürich [?]".encode("utf-16-be"),
        "\ufeffZürich [?]".encode("utf-32-le"),
        "Zürich — “quoted” [?]".encode("cp1252"),
        b"caf\x81\xe9 and a long enough text after it so that one odd byte does not matter [?]",
        codecs.BOM_UTF8 + b"caf\xe9 [?]",
    ],
    ids=["utf-8", "bom", "two boms", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1", "bom before cp1252"],
)
def test_bytes_come_back_exactly(content: bytes) -> None:
    document = transcript_document(content, path="x", document_id="x")
    assert source_bytes(document) == content
    assert document.transcript is not None
    assert not any("\ufeff" in word for word in tokens_of(document)[:1])


@given(st.text(max_size=200), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
def test_any_text_comes_back_exactly(text: str, encoding: str) -> None:
    content = text.encode(encoding, errors="ignore")
    try:
        document = transcript_document(content, path="x", document_id="x")
    except InputError:
        return
    assert source_bytes(document) == content
    _check_tokens(document)


@given(
    st.lists(
        st.sampled_from(
            [
                "the",
                "Port ",
                "[ILLEGIBLE]",
                "s[????]",
                " [?]",
                "\n",
                "\n\n",
                "\r\n",
                "[Dalian]",
                ". ",
                "  \n",
                "\f",
                "[two words\nillegible]",
            ]
        )
    )
)
def test_the_tokens_and_the_blanks_between_them_are_the_whole_text(pieces: list[str]) -> None:
    text = "x " + "".join(pieces)
    document = document_of(text)
    _check_tokens(document)
    assert set(gap_contexts(document)) == {gap.id for gap in document.gaps}


def _check_tokens(document: Document) -> None:
    """Nothing of the body is lost, doubled or out of order: between tokens there are only blanks."""
    assert document.transcript is not None
    text, end = document.transcript.text, 0
    for page in document.pages:
        for line in page.lines:
            assert line.tokens
            for token in line.tokens:
                assert token.span is not None
                assert token.span[0] >= end
                if end or not document.metadata:
                    assert not text[end : token.span[0]].strip("\ufeff \t\r\n\f\v\x1c\x1d\x1e\x1f\x85").strip()
                end = token.span[1]
    assert not text[end:].strip("\ufeff").strip() or document.metadata


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (codecs.BOM_UTF8, "empty"),
        (b"a\0b", "not a text"),
        ("Zürich".encode("utf-16-be"), "not a text"),
        (codecs.BOM_UTF16_LE + b"abc", "byte order mark"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\x89\x01\x02\x03\x04\x05\xff", "not a text"),
    ],
)
def test_what_is_no_text_is_refused_with_a_remedy(content: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        transcript_document(content, path="letters/a.txt", document_id="a")
    assert "letters/a.txt" in caught.value.problem
    assert caught.value.remedy


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    for path, says in ((tmp_path / "none.txt", "no such file"), (tmp_path, "folder")):
        with pytest.raises(InputError, match=says):
            read_transcript(path, document_id="x")


@pytest.mark.data
def test_the_harriman_cable(shared: Path) -> None:
    path = shared / "seed" / "harriman-cable-1945-07-03.txt"
    document = read_transcript(path, document_id="harriman")
    assert source_bytes(document) == path.read_bytes()
    assert document.notes == ()
    assert dict(document.metadata)["date"] == "July 3, 1945"
    assert dict(document.metadata)["title"] == "Cable, Summary of Averell Harriman Meeting with Stalin and T. V. Soong"
    assert [name for name, _ in document.metadata] == [
        "title", "date", "citation", "source-url", "summary", "credits", "original-language", "contents", "repository",
    ]  # fmt: skip
    assert len(document.gaps) == 4
    ends = [line.tokens[-1] for line in document.pages[0].lines if any(isinstance(token, Gap) for token in line.tokens)]
    assert tuple(ends) == document.gaps
    assert {(gap.extent, gap.continues, gap.reason) for gap in document.gaps} == {(None, None, "illegible")}
    assert document.pages[0].lines[0].text.startswith("PARAPHRASE OF NAVY CABLE")
    assert document.pages[0].lines[-1].text == "LAX"
    around = gap_contexts(document)
    assert all(after == "" for _, after in around.values())
    before = around[document.gaps[3].id][0]
    assert before.endswith("hopes to be able to... \nunderstanding... \nthis subject... ")
    assert "Dalian" not in before
    assert "Wilson" not in before
