"""The review page: it acts on nothing that a document says, and links text, scan and cards."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

from hypothesis import given

from desunt.verify.readback.html import html_page_images, html_text
from tests.support.exports import EXPORT_SEARCH, export_text
from tests.support.record_strategies import records
from tests.support.records import SCRIPT, SQUARE, sample_record


class Html(HTMLParser):
    """Count what a browser would act on."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@EXPORT_SEARCH
@given(record=records(decided=True))
def test_html_page_acts_on_nothing_that_a_document_says(record):
    html = Html(export_text("html", record))
    assert [tag for tag, _ in html.tags].count("script") == 1
    assert {given["href"][:1] for tag, given in html.tags if "href" in given} <= {"#"}
    assert not [name for _, given in html.tags for name in given if name.startswith("on") or name in ("style", "src", "action")]


def test_html_page_allows_only_its_own_script_and_style():
    made = export_text("html", sample_record(), lambda _: SQUARE)
    policy = next(given["content"] for tag, given in Html(made).tags if given.get("http-equiv") == "Content-Security-Policy")
    for tag in ("script", "style"):
        content = made.split(f"<{tag}>", 1)[1].split(f"</{tag}>", 1)[0]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_html_page_carries_its_pictures_and_boxes_in_original_pixels():
    made = export_text("html", sample_record(), lambda _: SQUARE)
    assert html_page_images(made) == {1: SQUARE, 2: SQUARE}
    tags = Html(made).tags
    assert [given["viewbox"] for _, given in tags if given.get("class") == "sheet"] == ["0 0 480 640"] * 2
    crop = next(given for _, given in tags if given.get("id") == "crop-1")
    assert (crop["x"], crop["y"], crop["width"], crop["height"]) == ("120", "80", "60", "24")


def test_html_page_without_its_scan_says_so():
    made = export_text("html", sample_record())
    assert made.count("Scan not found") == 2
    assert "data:image" not in made


def test_html_links_gap_mark_box_and_card_to_each_other():
    tags = Html(export_text("html", sample_record(), lambda _: SQUARE)).tags
    ids = [given["id"] for _, given in tags if "id" in given]
    assert len(ids) == len(set(ids))
    targets = {given["href"].removeprefix("#") for tag, given in tags if tag == "a"}
    assert targets <= set(ids)
    assert {f"{part}-{n}" for part in ("gap", "mark", "box") for n in range(1, 8)} <= targets


def test_unclear_words_are_marked_by_more_than_colour():
    made = export_text("html", sample_record())
    assert re.search(r'<u class="unclear"[^>]*title="Unclear: [^"]*71\.0 %">Confidential\.</u>', made)
    assert made.count('<u class="unclear" data-box') == 1


def test_script_in_a_word_is_text():
    assert SCRIPT in html_text(export_text("html", sample_record()))
    assert SCRIPT not in export_text("html", sample_record())
