"""A folder with ground truth, read by plain Tesseract and by a reader beside it."""

from __future__ import annotations

import json
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from desunt.errors import DependencyMissing, InputError, PageFailed
from desunt.evaluate.error_rates import normalise, pooled
from desunt.evaluate.ground_truth import find_pages, marked_line, read_ground_truth
from desunt.evaluate.ocr.measure import OcrOutput, OcrReport, evaluate_ocr, parse_tesseract_table, plain_tesseract, to_output
from desunt.evaluate.ocr.report import draw, format_report, report_json
from desunt.record.document import Box, Gap, Line, Page, Region, Word

HEAD = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"
needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="Tesseract is not installed")


def page(*tokens: Word | Gap) -> Page:
    return Page(1, None, (Region("r", "body", None, (Line("l", None, tokens),)),))


def word(text: str, legibility: float | None = 0.99) -> Word:
    return Word(text, text, Box(0, 0, 10, 10), "tesseract", 0.9, legibility)


def gap(reading: str | None) -> Gap:
    return Gap("g", Box(0, 0, 10, 10), None, "low-confidence", reading)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("one", "Half the revenues of the port"), ("deep/two", "Stalin agreed to eliminate")):
        path = tmp_path / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("L", (40, 20), 255).save(path)
        path.with_suffix(".gt.txt").write_text(text, encoding="utf-8")
    Image.new("L", (40, 20), 255).save(tmp_path / "three.TIF", format="TIFF")
    return tmp_path


PLAIN = {"one": "Half tne revenues of the port", "two": "Stalin agreed to eliminate"}


def plain(image: Path) -> OcrOutput:
    return OcrOutput(PLAIN[image.stem], ())


def test_pages_are_found_with_and_without_ground_truth(folder: Path) -> None:
    found = [(image.relative_to(folder).as_posix(), truth and truth.name) for image, truth in find_pages(folder)]
    assert found == [("deep/two.png", "two.gt.txt"), ("one.png", "one.gt.txt"), ("three.TIF", None)]


def test_gaps_count_as_unread_in_words_and_as_read_with_engine_readings(folder: Path) -> None:
    def read(image: Path) -> tuple[Page, ...]:
        if image.stem == "one":
            return (page(*map(word, ["Half", "the"]), gap("revenues"), *map(word, ["of", "tbe"]), word("port", 0.5)),)
        return (page(*map(word, ["Stalin", "agreed", "to"]), gap(None)),)

    report = evaluate_ocr(folder, read, plain=plain)
    two, one = report.pages
    assert (one.plain.recall.count, one.words.recall.count, one.readings.recall.count) == (5, 4, 5)
    assert (two.plain.recall.count, two.words.recall.count, two.readings.recall.count) == (4, 3, 3)
    assert report.without_truth == ("three.TIF",)
    assert report.worst is two
    assert report.worse == ()
    # Vouched are 4 of 6 and 3 of 4 words and gaps; one of them, tbe, is misread.
    share, error = pooled(p.vouched.share for p in report.pages), pooled(p.vouched.error for p in report.pages)
    assert (share.count, share.total) == (7, 10)
    assert (error.count, error.total) == (1, 7)


def test_a_page_that_fails_was_not_read_and_is_named(folder: Path) -> None:
    def read(image: Path) -> tuple[Page, ...]:
        if image.stem == "two":
            raise PageFailed("the engine fell over")
        return (page(*map(word, ["Half", "the", "revenues", "of", "the", "port"])),)

    report = evaluate_ocr(folder, read, plain=plain)
    assert [(p.name, p.word_gain) for p in report.worse] == [("deep/two.png", -4)]
    text = format_report(report)
    assert "FAILED deep/two.png: the engine fell over" in text
    assert "worst page: deep/two.png (-4 words)" in text
    assert "pages worse by more than 2 words: deep/two.png (-4)" in text
    assert "no ground truth: three.TIF" in text


def test_a_missing_dependency_ends_it(folder: Path) -> None:
    def read(image: Path) -> tuple[Page, ...]:
        raise DependencyMissing("no engine")

    with pytest.raises(DependencyMissing):
        evaluate_ocr(folder, read, plain=plain)


def test_folders_without_usable_pages_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a folder"):
        evaluate_ocr(tmp_path / "nowhere", lambda _: ())
    with pytest.raises(InputError, match="no page image"):
        evaluate_ocr(tmp_path, lambda _: ())
    Image.new("L", (40, 20), 255).save(tmp_path / "one.png")
    with pytest.raises(InputError, match="ground truth beside"):
        evaluate_ocr(tmp_path, lambda _: ())


def test_json_has_totals_with_n_and_interval_and_every_page(folder: Path) -> None:
    report = evaluate_ocr(folder, lambda image: (page(*map(word, PLAIN[image.stem].split())),), plain=plain)
    value = json.loads(json.dumps(report_json(report)))
    recall = value["totals"]["plain"]["recall"]
    assert (recall["count"], recall["n"], recall["value"]) == (9, 10, 0.9)
    assert recall["interval"][0] <= 0.9 <= recall["interval"][1]
    assert value["totals"]["plain"] == value["totals"]["words"] == value["totals"]["readings"] | {"invented": None}
    assert [one["page"] for one in value["pages"]] == ["deep/two.png", "one.png"]
    assert value["worst"]["words"] == 0


def test_plots_are_drawn_and_the_same_figures_give_the_same_bytes(folder: Path) -> None:
    def read(image: Path) -> tuple[Page, ...]:
        return (page(*map(word, PLAIN[image.stem].replace("tne", "the").split())),)

    report = evaluate_ocr(folder, read, plain=plain)
    first = draw(report, folder / "a")
    assert [path.name for path in first] == ["word-recall.svg", "line-cer.svg"]
    for path, again in zip(first, draw(report, folder / "b"), strict=True):
        assert path.read_bytes() == again.read_bytes()
        assert path.read_bytes().startswith(b"<?xml")
    # Nothing read on a page is one more figure; the pictures tell.
    worse = draw(evaluate_ocr(folder, lambda _: (), plain=plain), folder / "c")
    assert all(path.read_bytes() != other.read_bytes() for path, other in zip(first, worse, strict=True))


def test_tesseract_tables_keep_quotes_and_lose_boxes_over_several_pages() -> None:
    row = '5\t{}\t1\t1\t1\t1\t10\t20\t30\t0\t95.5\t"lease"\n'
    assert parse_tesseract_table("x", HEAD + row.format(1)).words == (('"lease"', Box(10, 20, 40, 21)),)
    assert parse_tesseract_table("x", HEAD + row.format(1) + row.format(2)).words is None


def test_what_desunt_says_never_holds_marks_of_gaps() -> None:
    pages = (page(word("Half"), gap("tne"), gap(None)),)
    assert to_output(pages, readings=False).text == "Half"
    assert to_output(pages, readings=True).text == "Half tne"
    assert to_output((*pages, *pages), readings=False).words is None


def test_marked_lines() -> None:
    line = marked_line("⟦?⟧dicated⟦~⟧ to ⟦REDACTED⟧, the actress⟦~⟧ of 1⟦?⟧")
    assert [(w.text, w.sure) for w in line.words] == [
        ("dicated", False), ("to", True), ("", False), (",", True), ("the", True), ("actress", False), ("of", True), ("1", False),
    ]  # fmt: skip
    assert [marked_line(text).kind for text in ("⟦HAND: a⟦~⟧ b⟧", "⟦HAND⟧", "⟦STAMP: x⟧", "⟦FORM⟧ ⟦?⟧NIT :", "plain")] == [
        "handwriting", "handwriting", "stamp", "form", "typed",
    ]  # fmt: skip
    assert [w.text for w in marked_line("⟦HAND: Stephen⟦~⟧ I⟦~⟧ Munger⟦~⟧⟧").words] == ["Stephen", "I", "Munger"]
    assert [w.text for w in marked_line("⟦FORM⟧ FILE NO.").words] == ["FILE", "NO."]


ALTO = """<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Description><MeasurementUnit>pixel</MeasurementUnit></Description>
<Tags><OtherTag ID="T1" LABEL="DefaultLine:Typewritten"/>
<OtherTag ID="T2" LABEL="DefaultLine:Handwritten"/></Tags><Layout><Page><PrintSpace>
<TextBlock><TextLine TAGREFS="T1" HPOS="1.0" VPOS="2" WIDTH="30" HEIGHT="10">
<String CONTENT="Dear"/><SP/><String CONTENT="Sir"/></TextLine>
<TextLine TAGREFS="T2" HPOS="1" VPOS="20" WIDTH="30" HEIGHT="10">
<String CONTENT="Yours"/></TextLine></TextBlock></PrintSpace></Page></Layout></alto>"""
PAGE_XML = """<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"><Page><TextRegion id="r">
<TextLine id="a"><Coords points="1,2 31,2 31,12 1,12"/><Word id="w"><TextEquiv><Unicode>WRONG</Unicode></TextEquiv></Word>
<TextEquiv index="1"><Unicode>other</Unicode></TextEquiv><TextEquiv index="0"><Unicode>Dear Sir</Unicode></TextEquiv></TextLine>
<TextLine id="b" production="handwritten-cursive"><Coords points="1,20 31,20 31,30"/>
<TextEquiv><Unicode>Yours</Unicode></TextEquiv></TextLine>
</TextRegion></Page></PcGts>"""
LINES = """[{"text": "Dear Sir", "type": "default", "bbox": [1.0, 2.0, 30.0, 10.0]},
{"text": "Yours", "type": "Handwritten", "bbox": [1, 20, 30, 10]}]"""


@pytest.mark.parametrize(("name", "content"), [("x.xml", ALTO), ("x.xml", PAGE_XML), ("x.lines.json", LINES)])
def test_formats_with_boxes_agree(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    truth = read_ground_truth(tmp_path / name)
    assert [(line.kind, [w.text for w in line.words], line.box) for line in truth.lines] == [
        ("typed", ["Dear", "Sir"], Box(1, 2, 31, 12)),
        ("handwriting", ["Yours"], Box(1, 20, 31, 30)),
    ]
    assert truth.has_boxes
    assert len(truth.scored) == 1


@pytest.mark.parametrize(
    ("name", "content"), [("x.xml", "<html/>"), ("x.xml", "<alto"), ("x.lines.json", "{}x"), ("x.lines.json", '[{"text": "a"}]')]
)
def test_ground_truth_that_cannot_be_understood_is_named(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=name):
        read_ground_truth(tmp_path / name)


def test_errata_correct_single_words(tmp_path: Path) -> None:
    (tmp_path / "x.gt.txt").write_text("the revivication, of asures", encoding="utf-8")
    rows = "page\tground_truth_has\timage_shows\nx\trevivication\trevivification\nx\tasures / up\t[me]asures\ny\tthe\tthy\n"
    (tmp_path / "gt_errata.tsv").write_text(rows, encoding="utf-8")
    assert [w.text for w in read_ground_truth(tmp_path / "x.gt.txt").lines[0].words] == ["the", "revivification,", "of", "asures"]


def as_reader(output: OcrOutput) -> tuple[Page, ...]:
    """Plain Tesseract's own words as pages."""
    words = [Word(str(n), unicodedata.normalize("NFC", text.strip()), box, "tesseract") for n, (text, box) in enumerate(output.words or ())]
    return (page(*words),)


def with_tesseract_on_both_sides(folder: Path) -> OcrReport:
    known: dict[Path, OcrOutput] = {}

    def remembered(image: Path) -> OcrOutput:
        known[image] = plain_tesseract(image)
        return known[image]

    read: Callable[[Path], tuple[Page, ...]] = lambda image: as_reader(known[image])  # noqa: E731 (reads what the other side has just read)
    return evaluate_ocr(folder, read, plain=remembered)


@needs_tesseract
@pytest.mark.data
def test_tesseract_against_itself_agrees_exactly(shared: Path, tmp_path: Path) -> None:
    for source in (shared / "data/scans/ehri").glob("EHRI-DR-19390125-US_10.*"):
        (tmp_path / source.name).symlink_to(source)
    (one,) = with_tesseract_on_both_sides(tmp_path).pages
    assert one.plain == one.words == one.readings
    assert one.word_gain == 0
    lines = (tmp_path / "EHRI-DR-19390125-US_10.gt.txt").read_text(encoding="utf-8").splitlines()
    assert one.plain.line_cer.total == sum(len(normalise(line)) for line in lines)
    error = one.plain.line_cer.value
    assert error is not None
    assert 0.002 < error < 0.05
    assert one.plain.invented is not None


@pytest.mark.data
def test_all_development_ground_truth_can_be_read(shared: Path) -> None:
    counts = {}
    for name in ("ehri", "stanford", "jfk"):
        truths = [read_ground_truth(truth) for _, truth in find_pages(shared / "data/scans" / name) if truth]
        counts[name] = (len(truths), sum(len(truth.scored) for truth in truths), sum(not truth.scored for truth in truths))
        assert not any("⟦" in word.text or "⟧" in word.text for truth in truths for line in truth.lines for word in line.words)
    assert counts == {"ehri": (17, 521, 0), "stanford": (10, 141, 2), "jfk": (11, 360, 0)}


@needs_tesseract
def test_tesseract_missing_or_failing_is_said_in_our_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.png").write_bytes(b"no image")
    with pytest.raises(PageFailed, match=r"x\.png"):
        plain_tesseract(tmp_path / "x.png")
    monkeypatch.setattr("pytesseract.pytesseract.tesseract_cmd", "no-such-tesseract")
    with pytest.raises(DependencyMissing, match="Tesseract is not installed"):
        plain_tesseract(tmp_path / "x.png")
