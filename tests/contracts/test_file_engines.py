"""Engines that read PAGE XML or ALTO beside the scan: files of other programs and versions, and desunt's own, word for word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from desunt.errors import PageFailed
from desunt.export import export_files, load_exporter
from desunt.ocr.engines import OcrResult, SidecarEngine, load_engine
from desunt.record.document import Box, Document, Gap, ImageRef, Line, Page, Region, Word
from desunt.record.files import Record
from desunt.run.inputs.discovery import InputSource
from desunt.run.plan import plan_document
from desunt.run.workflow import PageTask, read_page
from desunt.settings import Settings
from tests.support.engine_pages import LINES, draw_three_lines
from tests.support.record_strategies import fit
from tests.support.records import sample_record

FORMATS = ("page", "alto")
BLANK = np.full((640, 480), 255, np.uint8)


def read(name: str, scan: Path, number: int = 1, pixels=BLANK, dpi: int = 300) -> OcrResult:
    engine = load_engine(name, "eng")
    assert isinstance(engine, SidecarEngine)
    return engine.for_page(scan, number).read(pixels, dpi, 10)


def written(name: str, record: Record, folder: Path, stem: str = "letter") -> Path:
    """Write the diplomatic files of a record beside a scan of that stem; return the scan's path."""
    exporter = load_exporter(name)
    for file, part in export_files(stem, exporter, "diplomatic", record):
        (folder / file).write_bytes(b"".join(exporter.export(part, lambda _: None, "diplomatic")))
    return folder / f"{stem}.tif"


def beside(folder: Path, content: str, file: str = "letter.xml") -> Path:
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text(content)
    return folder / "letter.tif"


def texts(reading: OcrResult) -> list[list[str]]:
    return [[word.text for word in line.words] for line in reading.lines]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("number", [1, 2])
def test_own_export_reads_back_word_for_word_and_box_for_box(name, number, tmp_path):
    record = sample_record()
    reading = read(name, written(name, record, tmp_path), number)
    words = [token for line in record.document.pages[number - 1].lines for token in line.tokens if isinstance(token, Word)]
    assert [(w.text, w.box, w.confidence) for w in reading.words] == [(w.text, w.box, w.engine_confidence) for w in words]
    assert (reading.engine, reading.version) == (name, load_engine(name, "eng").version())


@st.composite
def scanned(draw: st.DrawFn) -> Record:
    letters = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn", "Zs", "Zl", "Zp"]), min_size=1, max_size=9)
    lines = []
    for row in range(draw(st.integers(0, 4))):
        tokens: list[Word | Gap] = []
        for place in range(draw(st.integers(1, 4))):
            box = Box(10 + 100 * place, 10 + 50 * row, 10 + 100 * place + draw(st.integers(1, 90)), 40 + 50 * row)
            text = fit(draw(letters))
            if text.strip() == text and draw(st.booleans()):
                tokens.append(Word(f"w{row}-{place}", text, box, "tesseract", draw(st.sampled_from([0.25, 1.0]))))
            else:
                tokens.append(Gap(f"g{row}-{place}", box, None, "illegible", continues=None))
        lines.append(
            Line(f"l{row}", Box(10, 10 + 50 * row, 400, 40 + 50 * row), tuple(tokens), ((10, 38 + 50 * row), (400, 40 + 50 * row)))
        )
    page = Page(1, ImageRef("letter.tif", "0" * 64, 480, 640, 300), (Region("r1", "body", None, tuple(lines)),) if lines else ())
    return Record(Document("letter.tif", "letter.tif", (), (page,)), {})


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=60, deadline=None)
@given(record=scanned())
def test_round_trip_keeps_words_boxes_lines_and_baselines(name, record, tmp_path_factory):
    reading = read(name, written(name, record, tmp_path_factory.mktemp("trip")))
    lines = [line for line in record.document.pages[0].lines if any(isinstance(token, Word) for token in line.tokens)]
    found = [(line.box, line.baseline, [(w.text, w.box, w.confidence) for w in line.words]) for line in reading.lines]
    assert found == [
        (line.box, line.baseline, [(t.text, t.box, t.engine_confidence) for t in line.tokens if isinstance(t, Word)]) for line in lines
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_boxes_are_scaled_to_the_pixels(name, tmp_path):
    scan = written(name, sample_record(), tmp_path)
    assert read(name, scan, pixels=np.full((1280, 960, 3), 255, np.uint8)).words[0].box == Box(80, 80, 200, 128)


TRANSKRIBUS = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2013-07-15"><Metadata><Creator>x</Creator></Metadata>
<Page imageFilename="letter.tif" imageWidth="480" imageHeight="640">
<ReadingOrder><OrderedGroup id="ro"><RegionRefIndexed index="1" regionRef="r1"/><RegionRefIndexed index="0" regionRef="r2"/>
</OrderedGroup></ReadingOrder>
<TextRegion id="r1" custom="readingOrder {index:1;}"><Coords points="10,10 400,10 400,200 10,200"/>
<TextLine id="l1" custom="readingOrder {index:0;}"><Coords points="10,100 110,100 110,130 10,130"/>
<Baseline points="10,128 60,129 110,130"/>
<TextEquiv><Unicode>Second  of two</Unicode></TextEquiv></TextLine></TextRegion>
<TextRegion id="r2"><Coords points="10,10 400,10 400,90 10,90"/>
<TextLine id="l2"><Coords points="10,10 110,10 110,40 10,40"/>
<Word id="w1"><Coords points="10,10 50,12 50,40 10,38"/><TextEquiv index="1"><Unicode>wrong</Unicode></TextEquiv>
<TextEquiv index="0" conf="0.75"><Unicode>Cafe\u0301</Unicode></TextEquiv></Word>
<Word id="w2"><Coords points="60,10 110,10 110,40 60,40"/><TextEquiv><Unicode> </Unicode></TextEquiv></Word>
</TextLine></TextRegion></Page></PcGts>"""

PAGE_2010 = """<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2010-03-19"><Page imageWidth="480" imageHeight="640">
<TextRegion id="r1"><Coords><Point x="1" y="1"/><Point x="99" y="1"/><Point x="99" y="50"/></Coords>
<TextLine id="l1"><Coords><Point x="10" y="10"/><Point x="60" y="10"/><Point x="60" y="30"/><Point x="10" y="30"/></Coords>
<TextEquiv><Unicode>old page</Unicode></TextEquiv></TextLine></TextRegion></Page></PcGts>"""


def test_page_xml_of_transkribus_is_read_in_its_reading_order_with_the_first_text(tmp_path):
    reading = read("page", beside(tmp_path, TRANSKRIBUS, "page/letter.xml"))
    assert texts(reading) == [["Café"], ["Second", "of", "two"]]
    assert (reading.words[0].box, reading.words[0].confidence) == (Box(10, 10, 50, 40), 0.75)
    assert reading.lines[1].baseline == ((10, 128), (110, 130))
    widths = [word.box.right - word.box.left for word in reading.lines[1].words]
    assert reading.lines[1].words[0].box.left == 10
    assert reading.lines[1].words[-1].box.right == 110
    assert widths[0] > widths[2] > widths[1], "words of a line without boxes share it by their letters"


def test_page_xml_of_2010_has_points_as_elements(tmp_path):
    reading = read("page", beside(tmp_path, PAGE_2010))
    assert texts(reading) == [["old", "page"]]
    assert reading.lines[0].box == Box(10, 10, 60, 30)


def alto_file(namespace: str, unit: str, page: str, strings: str, line: str = "") -> str:
    return f"""<?xml version="1.0"?><alto{namespace}><Description><MeasurementUnit>{unit}</MeasurementUnit></Description><Layout>
<Page ID="p" PHYSICAL_IMG_NR="1"{page}><PrintSpace><ComposedBlock ID="c"><TextBlock ID="b"><TextLine {line}>{strings}</TextLine></TextBlock>
</ComposedBlock></PrintSpace></Page></Layout></alto>"""


@pytest.mark.parametrize(
    "version", [' xmlns="http://www.loc.gov/standards/alto/ns-v2#"', ' xmlns="http://www.loc.gov/standards/alto/ns-v3#"', ""]
)
def test_alto_of_older_versions(version, tmp_path):
    strings = """<String CONTENT="The" HPOS="10" VPOS="10" WIDTH="30" HEIGHT="20" WC="0.5"/><SP WIDTH="5" HPOS="40" VPOS="10"/>
    <String CONTENT="ambas" HPOS="45" VPOS="10" WIDTH="50" HEIGHT="20" SUBS_TYPE="HypPart1" SUBS_CONTENT="ambassador"/><HYP CONTENT="-"/>"""
    content = alto_file(version, "pixel", ' WIDTH="480" HEIGHT="640"', strings, 'HPOS="10" VPOS="8" WIDTH="90" HEIGHT="24" BASELINE="28"')
    reading = read("alto", beside(tmp_path, content))
    assert texts(reading) == [["The", "ambas-"]], "the line's own letters, not what a program made of them"
    assert [word.confidence for word in reading.words] == [0.5, 1.0]
    assert reading.lines[0].baseline == ((10, 28), (100, 28))
    assert reading.lines[0].box == Box(10, 8, 100, 32)


@pytest.mark.parametrize(("unit", "left", "dpi"), [("mm10", 254, 300), ("inch1200", 1200, 300), ("mm10", 254, 150)])
def test_alto_measured_in_parts_of_an_inch(unit, left, dpi, tmp_path):
    strings = f'<String CONTENT="word" HPOS="{left}" VPOS="0" WIDTH="{left}" HEIGHT="{left}"/>'
    reading = read("alto", beside(tmp_path, alto_file("", unit, "", strings)), pixels=np.full((900, 900), 255, np.uint8), dpi=dpi)
    assert reading.words[0].box == Box(dpi, 0, 2 * dpi, dpi)


def test_alto_of_escriptorium_has_a_line_in_one_string(tmp_path):
    strings = '<String CONTENT="The whole line" HPOS="10" VPOS="10" WIDTH="140" HEIGHT="20"/>'
    content = alto_file(
        "", "pixel", ' WIDTH="480" HEIGHT="640"', strings, 'HPOS="10" VPOS="10" WIDTH="140" HEIGHT="20" BASELINE="10 28 150 29"'
    )
    reading = read("alto", beside(tmp_path, content))
    assert texts(reading) == [["The", "whole", "line"]]
    assert [(word.box.left, word.box.right) for word in reading.words] == [(10, 40), (50, 100), (110, 150)]
    assert reading.lines[0].baseline == ((10, 28), (150, 29))


def test_second_page_of_an_alto_file(tmp_path):
    one = alto_file("", "pixel", "", '<String CONTENT="first" HPOS="1" VPOS="1" WIDTH="9" HEIGHT="9"/>')
    page = one[one.index("<Page") : one.index("</Layout>")]
    scan = beside(tmp_path, one.replace("</Layout>", page.replace("first", "second") + "</Layout>"), "letter.alto.xml")
    assert texts(read("alto", scan, 2)) == [["second"]]
    with pytest.raises(PageFailed, match=r"letter\.alto\.xml: holds no page 3"):
        read("alto", scan, 3)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("page", None, r"letter\.tif: no PAGE XML beside it for page 1.*letter\.page\.xml, letter\.xml"),
        ("alto", "<alto", r"letter\.xml: not XML"),
        ("alto", TRANSKRIBUS, r"letter\.xml: not ALTO: its root element is PcGts, not alto"),
        (
            "page",
            TRANSKRIBUS.replace('imageWidth="480"', 'imageWidth="900"'),
            r"letter\.xml: it is about another image: its page is 900 x 640",
        ),
        ("page", "<PcGts/>", r"letter\.xml: holds no page 1"),
    ],
)
def test_complaint_names_the_file(name, content, complaint, tmp_path):
    scan = beside(tmp_path, content) if content is not None else tmp_path / "letter.tif"
    with pytest.raises(PageFailed, match=complaint):
        read(name, scan)


@pytest.mark.parametrize("name", FORMATS)
def test_engine_that_was_given_no_scan_says_so(name):
    with pytest.raises(PageFailed, match="no scan was named"):
        load_engine(name, "eng").read(BLANK, 300, 10)


def test_file_cannot_make_the_parser_read_other_files(tmp_path):
    (tmp_path / "secret").write_text("hidden")
    doctype = f'<!DOCTYPE alto [<!ENTITY x SYSTEM "{(tmp_path / "secret").as_uri()}">]>'
    content = alto_file("", "pixel", "", '<String CONTENT="seen" HPOS="1" VPOS="1" WIDTH="9" HEIGHT="9"/>&x;').replace(
        "<alto>", doctype + "<alto>"
    )
    assert "hidden" not in str(read("alto", beside(tmp_path, content)))


@pytest.fixture
def page_of_lines(tmp_path: Path) -> Path:
    """A drawn page, and what it says as ALTO beside it."""
    pixels, places = draw_three_lines()
    scan = tmp_path / "letter.png"
    Image.fromarray(pixels).save(scan, dpi=(300, 300))
    lines = []
    for number, text in enumerate(LINES):
        tokens = tuple(Word(f"w{number}-{word}", word, Box(*places[f"{number} {word}"]), "alto", 0.95) for word in text.split())
        lines.append(Line(f"l{number}", None, tokens))
    image = ImageRef("letter.png", "0" * 64, pixels.shape[1], pixels.shape[0], 300)
    page = Page(1, image, (Region("r", "body", None, tuple(lines)),))
    written("alto", Record(Document("letter.png", "letter.png", (), (page,)), {}), tmp_path)
    return scan


def test_page_is_worked_on_with_the_words_of_the_file(page_of_lines):
    page, steps = read_page(PageTask(page_of_lines, "letter.png", 1, "0" * 64, "", Settings(engine="alto")))
    words = [token.text for line in page.lines for token in line.tokens if isinstance(token, Word)]
    assert words == " ".join(LINES).split()
    assert {step.name: dict(step.settings) for step in steps}["ocr"]["engine"] == "alto"
    assert {step.name: dict(step.settings) for step in steps}["cleanup"]["variant"] == "untouched"


def test_page_is_done_again_when_its_file_changes(page_of_lines):
    source = InputSource(page_of_lines, "letter.png", "scan")
    other = Settings(engine="tesseract")
    before, untouched = plan_document(source, Settings(engine="alto"), ()), plan_document(source, other, ())
    path = page_of_lines.with_name("letter.alto.xml")
    path.write_text(path.read_text().replace("Ambassador", "Minister"))
    assert plan_document(source, Settings(engine="alto"), ()).keys != before.keys
    assert plan_document(source, other, ()).keys == untouched.keys


def test_gap_marks_are_no_words(tmp_path):
    record = sample_record()
    for name in FORMATS:
        scan = written(name, replace(record, document=replace(record.document, pages=record.document.pages[:1])), tmp_path, name)
        assert not [word for word in read(name, scan.with_name(f"{name}.tif")).words if word.text.startswith("[ILLEG")]
