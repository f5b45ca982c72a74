"""What every exporter must keep, run over all members of the table; and what single formats promise."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.metadata import entry_points

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from desunt.conjecture import LABEL, Candidate, Conjecture, Decision, Opinion, Refusal
from desunt.document import Box, Document, Gap, ImageRef, Line, Page, Region, Word
from desunt.errors import UsageError
from desunt.export import EXPORTERS, RESERVED, Exporter, export_name, exporter_names, load_exporter
from desunt.export.entries import entries
from desunt.export.json import ExportFile
from desunt.export.readback import LABELLED, TEXT_OF, UNLABELLED, generator_of, html_pictures
from desunt.export.wording import extent_in_words, per_cent
from desunt.record import Record, adapter
from tests.sample_records import MODEL, SCRIPT, SQUARE, sample_record, sample_transcript


@pytest.fixture(params=sorted(EXPORTERS))
def exporter(request: pytest.FixtureRequest) -> Exporter:
    return load_exporter(request.param)


def no_picture(_: ImageRef) -> bytes | None:
    return None


def text_of(exporter: Exporter, record: Record) -> str:
    made = exporter.export(record, no_picture)
    encoding = record.document.transcript.encoding if exporter.name == "text" and record.document.transcript else "utf-8"
    return TEXT_OF[exporter.name](made.decode(encoding))


def exported(name: str, record: Record, pictures=no_picture) -> str:
    return load_exporter(name).export(record, pictures).decode()


class Html(HTMLParser):
    """Count what a browser would act on."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_exporter_is_what_the_table_calls_it(exporter):
    assert exporter.name in EXPORTERS
    assert exporter.kind in ("reading", "apparatus")
    assert [load_exporter(name).suffix for name in EXPORTERS].count(exporter.suffix) == 1


def test_exporter_gives_the_same_bytes_again(exporter):
    assert exporter.export(sample_record(), lambda _: SQUARE) == exporter.export(sample_record(), lambda _: SQUARE)


@pytest.mark.parametrize(
    "record", [sample_record(), sample_record(scanned=False), sample_transcript()], ids=["scan", "no scan", "transcript"]
)
def test_text_is_the_diplomatic_text_and_holds_no_conjecture(exporter, record):
    if exporter.name in TEXT_OF:
        text = text_of(exporter, record)
        assert text == record.document.text
        assert not [c.text for o in record.opinions.values() for c in o.candidates if c.text in text and c.text not in record.document.text]


def test_reading_export_holds_no_candidate_anywhere(exporter):
    record = sample_record()
    if exporter.kind == "reading":
        made = exporter.export(record, lambda _: SQUARE).decode()
        assert not [canary for canary in ("quondam", "quorum", "zephyr", "\u202eett", "qu@nd", "1ette") if canary in made]


def test_apparatus_export_holds_every_candidate_with_its_label(exporter):
    record = sample_record()
    if exporter.kind == "apparatus":
        made = exporter.export(record, lambda _: SQUARE).decode()
        assert not list(UNLABELLED[exporter.name](made))
        assert LABELLED[exporter.name](made) == 11
        assert made.count(LABEL) >= 11
        assert "quondam" in made
        assert "zephyr" in made


def test_exporter_takes_a_document_without_pages(exporter):
    made = exporter.export(Record(Document("a", "a", (), ()), {}), no_picture)
    assert exporter.name not in TEXT_OF or TEXT_OF[exporter.name](made.decode()) == ""


def test_golden_scan(exporter, golden, root):
    golden(root / "tests" / "golden" / f"letter{exporter.suffix}", exporter.export(sample_record(), lambda _: SQUARE))


def test_golden_transcript(exporter, golden, root):
    golden(root / "tests" / "golden" / f"cable{exporter.suffix}", exporter.export(sample_transcript(), no_picture))


MARKUP = ["<script>", "</script>", "</div></span>", "]]>", "<!--", "&lt;", "{{ x }}", "{% raw %}", "data-text", "'", '"']
MARKDOWN = ["[a](b)", "`", "``", "**", "#", "1.", "- ", "www.a.example", "https://a.example", "a@b.example", "$x$", "|", "\\"]
HOSTILE = st.sampled_from([*MARKUP, *MARKDOWN, "CONJECTURE:", "\u202e", "\u2066", "\x00", "\r", "\x0b", "e\u0301"])
TEXT = st.lists(st.one_of(HOSTILE, st.text(max_size=4)), min_size=1, max_size=4).map("".join)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """A document with random, hostile text, gaps of every reason and every kind of opinion."""
    import unicodedata

    words = TEXT.map(lambda t: unicodedata.normalize("NFC", t.encode("utf-8", "replace").decode())).filter(lambda t: t.strip())
    opinions: dict[str, Opinion] = {}

    def token(name: str):
        if draw(st.booleans()):
            return Word(
                name,
                draw(words),
                draw(st.sampled_from([None, Box(1, 2, 30, 40)])),
                "tesseract",
                None,
                draw(st.sampled_from([None, 0.2, 0.95])),
            )
        reason = draw(st.sampled_from(["illegible", "damaged", "withheld", "blank", "struck-out", "handwriting", "low-confidence"]))
        reading = None if reason == "withheld" else draw(st.none() | TEXT)
        kind = draw(st.sampled_from(["none", "conjecture", "refusal"]))
        found = () if reason == "withheld" else tuple(Candidate(draw(words), 0.1) for _ in range(draw(st.integers(0, 7))))
        if kind == "conjecture" and reason != "withheld":
            opinions[name] = Conjecture(name, found, 0.2, MODEL, ("", ""))
        elif kind == "refusal":
            opinions[name] = Refusal(name, draw(words), found, 0.2, MODEL)
        return Gap(
            name, Box(5, 5, 9, 9), None, reason, reading, mark=draw(st.none() | words), continues=draw(st.sampled_from([None, True, False]))
        )

    pages = []
    for number in range(1, draw(st.integers(1, 2)) + 1):
        sizes = draw(st.lists(st.lists(st.integers(0, 3), max_size=2), max_size=2))
        regions = [
            Region(
                f"r{r}",
                "body",
                None,
                tuple(Line(f"l{n}", None, tuple(token(f"{number}-{r}-{n}-{t}") for t in range(size))) for n, size in enumerate(lines)),
            )
            for r, lines in enumerate(sizes)
        ]
        pages.append(Page(number, ImageRef("a.png", "0" * 64, 100, 100, 300), tuple(regions)))
    metadata = (("title", draw(TEXT)),) if draw(st.booleans()) else ()
    metadata = tuple((name, value.encode("utf-8", "replace").decode()) for name, value in metadata)
    return Record(Document("a.png", "a.png", metadata, tuple(pages), notes=(draw(words),)), opinions)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(records())
def test_no_text_breaks_out_of_any_export(record):
    number = sum(len(opinion.candidates) for opinion in record.opinions.values())
    for name in EXPORTERS:
        exporter = load_exporter(name)
        made = exporter.export(record, no_picture).decode()
        if name in TEXT_OF:
            truth = record.document.text.replace("\0", "␀") if name == "html" else record.document.text
            assert TEXT_OF[name](made) == truth
        if name in UNLABELLED:
            assert not list(UNLABELLED[name](made))
            assert LABELLED[name](made) == number
    html = Html(exported("html", record))
    assert [tag for tag, _ in html.tags].count("script") == 1
    assert {given["href"][:1] for tag, given in html.tags if "href" in given} <= {"#"}
    assert not [name for _, given in html.tags for name in given if name.startswith("on") or name in ("style", "src", "action")]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(records())
def test_markdown_of_an_apparatus_has_no_links_no_html_and_only_its_own_headings(record):
    made = exported("apparatus", record)
    tokens = MarkdownIt("commonmark").parse(made)
    inside = [child for token in tokens for child in token.children or ()]
    assert not [t for t in (*tokens, *inside) if t.type in ("html_block", "html_inline", "link_open", "image", "fence", "code_block")]
    headings = [tokens[n + 1].content for n, t in enumerate(tokens) if t.type == "heading_open"]
    assert len(headings) == 3 + len(entries(record))
    linked = [child.content for child in inside if child.type == "text" and re.search(r"@|://|www\.", child.content, re.IGNORECASE)]
    assert not linked


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_text_of_a_transcript_is_its_bytes(encoding):
    record = sample_transcript(encoding)
    assert load_exporter("text").export(record, no_picture) == record.document.transcript.text.encode(encoding)


def test_unknown_format_is_named_with_those_that_are_known():
    with pytest.raises(UsageError, match=r"unknown format 'pdf'\. Known formats: text, apparatus, html, json"):
        load_exporter("pdf")


def test_table_and_entry_points_agree(monkeypatch):
    assert exporter_names()[:4] == list(EXPORTERS)
    assert not entry_points(group="desunt.export").names & EXPORTERS.keys()


@pytest.mark.parametrize("stem", ["record", "Conjectures", "manifest", "source"])
def test_no_export_takes_the_name_of_a_record(stem):
    name = export_name(stem, load_exporter("json"))
    assert name.casefold() not in RESERVED
    assert name == f"{stem}.export.json"
    assert export_name(stem, load_exporter("text")) == f"{stem}.txt"


def test_json_reads_back_under_its_schema():
    made = load_exporter("json").export(sample_record(), no_picture)
    read = adapter(ExportFile).validate_json(made, strict=True)
    assert read.gaps[0].candidates[0].status == LABEL
    assert read.gaps[0].place.in_words == "page 1, line 2"
    refused = next(gap for gap in read.gaps if gap.id == "g3")
    assert refused.refusal.startswith("candidates too close")
    assert not any(candidate.offered for candidate in refused.candidates)
    withheld = next(gap for gap in read.gaps if gap.id == "g2")
    assert (withheld.engine_reading, withheld.candidates) == (None, ())


def test_html_page_allows_only_its_own_script_and_style():
    made = exported("html", sample_record(), lambda _: SQUARE)
    policy = next(given["content"] for tag, given in Html(made).tags if given.get("http-equiv") == "Content-Security-Policy")
    for tag in ("script", "style"):
        content = made.split(f"<{tag}>", 1)[1].split(f"</{tag}>", 1)[0]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_html_page_carries_its_pictures_and_boxes_in_original_pixels():
    made = exported("html", sample_record(), lambda _: SQUARE)
    assert html_pictures(made) == {1: SQUARE, 2: SQUARE}
    tags = Html(made).tags
    assert [given["viewbox"] for _, given in tags if given.get("class") == "sheet"] == ["0 0 480 640"] * 2
    crop = next(given for _, given in tags if given.get("id") == "crop-1")
    assert (crop["x"], crop["y"], crop["width"], crop["height"]) == ("120", "80", "60", "24")


def test_html_page_without_its_scan_says_so():
    made = exported("html", sample_record())
    assert made.count("Scan not found") == 2
    assert "data:image" not in made


def test_html_links_gap_mark_box_and_card_to_each_other():
    tags = Html(exported("html", sample_record(), lambda _: SQUARE)).tags
    ids = [given["id"] for _, given in tags if "id" in given]
    assert len(ids) == len(set(ids))
    targets = {given["href"].removeprefix("#") for tag, given in tags if tag == "a"}
    assert targets <= set(ids)
    assert {f"{part}-{n}" for part in ("gap", "mark", "box") for n in range(1, 8)} <= targets


def test_unclear_words_are_marked_by_more_than_colour():
    made = exported("html", sample_record())
    assert re.search(r'<u class="unclear"[^>]*title="Unclear: [^"]*71\.0 %">Confidential\.</u>', made)
    assert made.count('<u class="unclear" data-box') == 1


def test_refusal_shows_its_reason_before_any_candidate():
    for name in ("apparatus", "html"):
        made = exported(name, sample_record())
        assert made.index("No reading is offered") < made.index("candidates too close") < made.index("zephyr")


def test_guess_an_editor_accepted_is_still_called_a_conjecture():
    decision = Decision("g1", "accepted", "guess", "quondam", "M. Editor", "2024-05-01T10:00:00Z")
    record = replace(sample_record(), decisions={"g1": decision})
    for name in ("apparatus", "html", "json"):
        made = exported(name, record)
        assert "not read on the page" in made
        assert "M. Editor" in made
    assert "quondam" not in exported("text", record)
    assert json.loads(exported("json", record))["decisions"][0]["decision"]["text"] == "quondam"
    assert re.search(r"Decision: CONJECTURE `quondam`", exported("apparatus", record))


def test_generator_is_named():
    for name in ("apparatus", "html", "json"):
        assert generator_of(name, exported(name, sample_record())).startswith("desunt ")


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (sample_record().document.gaps[0], "5 to 7 characters"),
        (sample_record().document.gaps[1], "length unknown"),
        (sample_record().document.gaps[2], "at least 1 word"),
        (sample_record().document.gaps[4], "3 characters"),
        (sample_record().document.gaps[5], "length unknown, runs to the end of its line and on into the next"),
        (sample_record().document.gaps[6], "1 to 2 lines, runs to the end of its line; whether the next line goes on from it is not known"),
    ],
)
def test_extent_in_words(gap, words):
    assert extent_in_words(gap) == words


def test_small_shares_do_not_print_as_nothing():
    assert [per_cent(share) for share in (0.0, 0.0004, 0.5123)] == ["0.0 %", "under 0.1 %", "51.2 %"]


def test_context_of_a_transcript_keeps_what_touches():
    record = sample_transcript(text="THE port s[????] of X[ILLEGIBLE]Y, and more\n")
    found = entries(record)
    assert [entry.place for entry in found] == ["line 1 of the transcript"] * len(found)
    assert [entry.gap.printed for entry in found] == ["s[????]", "X[ILLEGIBLE]Y"]
    assert found[0].after[0].startswith("of X[ILLEGIBLE]Y, and more")


def test_script_in_a_word_is_text():
    assert SCRIPT in TEXT_OF["html"](exported("html", sample_record()))
    assert SCRIPT not in exported("html", sample_record())
