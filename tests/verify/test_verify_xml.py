"""`verify` finds a guess in an XML export wherever a reader might take it for text, and names the file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from desunt.export import export_files, load_exporter
from desunt.export.wording import GENERATOR
from desunt.record.files import write_record
from desunt.record.manifest import write_manifest
from desunt.verify import VerificationReport, verify
from tests.support.records import draw_scan, sample_record, write_pages

# File, what stands in it, and what a tamperer makes of it.
TAMPERINGS = {
    "word for a gap in TEI": ("letter.tei.xml", "<desc>[ILLEGIBLE]</desc>", "<desc>quondam</desc>"),
    "supplied in TEI": ("letter.tei.xml", "<desc>[ILLEGIBLE]</desc></gap>", '<desc>[ILLEGIBLE]</desc></gap><supplied resp="#desunt"/>'),
    "element in the text of TEI": ("letter.tei.xml", "agreed", "<add>a</add>greed"),
    "reading of nobody in TEI": ("letter.apparatus.tei.xml", 'rdg type="CONJECTURE"', 'rdg type="reading"'),
    "label in TEI": ("letter.apparatus.tei.xml", "CONJECTURE, 62.0 %", "62.0 %"),
    "candidate gone from TEI": ("letter.apparatus.tei.xml", 'cert="0.62"', ""),
    "word for a gap in PAGE": ("letter.0001.page.xml", "<Unicode>[ILLEGIBLE]<", "<Unicode>quondam<"),
    "line of PAGE": ("letter.0001.page.xml", "<Unicode>The [ILLEGIBLE] agreed<", "<Unicode>The quondam agreed<"),
    "second text in PAGE": (
        "letter.0001.page.xml",
        "<TextEquiv>",
        '<TextEquiv index="1"><Unicode>quondam</Unicode></TextEquiv><TextEquiv>',
    ),
    "plain text in PAGE": ("letter.0001.page.xml", "<Unicode>[ILLEGIBLE]<", "<PlainText>quondam</PlainText><Unicode>[ILLEGIBLE]<"),
    "attribute of PAGE": ("letter.0001.page.xml", 'name="gap-id"', 'name="suggestion"'),
    "label in PAGE": (
        "letter.0001.apparatus.page.xml",
        'name="CONJECTURE" description="CONJECTURE',
        'name="reading" description="CONJECTURE',
    ),
    "word for a gap in ALTO": ("letter.0001.alto.xml", 'CONTENT="[ILLEGIBLE]"', 'CONTENT="quondam"'),
    "alternative in ALTO": ("letter.0001.alto.xml", "<SP/>", '<String CONTENT=""><ALTERNATIVE>quondam</ALTERNATIVE></String><SP/>'),
    "substitution in ALTO": ("letter.0001.alto.xml", 'CONTENT="[ILLEGIBLE]"', 'CONTENT="[ILLEGIBLE]" SUBS_CONTENT="quondam"'),
    "label in ALTO": ("letter.0001.apparatus.alto.xml", 'LABEL="CONJECTURE"', 'LABEL="quondam"'),
    "word for a gap in hOCR": ("letter.0001.hocr", ">[ILLEGIBLE]<", ">quondam<"),
    "text beside the lines of hOCR": ("letter.0001.hocr", "</body>", "<div>quondam</div></body>"),
    "unknown meta in hOCR": ("letter.0001.hocr", 'name="ocr-capabilities"', 'name="keywords"'),
    "label in hOCR": ("letter.0001.apparatus.hocr", 'content="CONJECTURE by', 'content="by'),
    "file that is no XML": ("letter.0002.alto.xml", "</alto>", ""),
    "file of another format": ("letter.0002.page.xml", "PcGts", "alto"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A document with its XML exports in all modes; made once, copied for each test."""
    home = tmp_path_factory.mktemp("made")
    folder = home / "outputs" / "letter"
    record = sample_record("letter.tif", draw_scan(home / "scans" / "letter.tif", 1))
    write_pages(record, folder)
    write_record(record, folder)
    for name in ("tei", "page", "alto", "hocr"):
        exporter = load_exporter(name)
        for mode in exporter.modes:
            for file, part in export_files("letter", exporter, mode, record):
                (folder / file).write_bytes(b"".join(exporter.export(part, lambda _: None, mode)))
    write_manifest(folder)
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "home"))


def check(home: Path) -> VerificationReport:
    write_manifest(home / "outputs" / "letter")
    return verify(home / "outputs", scans=home / "scans")


def test_xml_exports_of_every_mode_are_proved(home):
    report = check(home)
    assert report.breaches == ()
    assert report.unfinished == ()


@pytest.mark.parametrize("generator", [GENERATOR, "desunt 0.0.1"], ids=["this version", "an older version"])
@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_found_and_its_file_named(home, name, generator):
    """A file of an older version cannot be compared byte by byte: there text and labels alone must tell."""
    file, old, new = TAMPERINGS[name]
    path = home / "outputs" / "letter" / file
    text = path.read_text("utf-8")
    assert old in text
    number, version = generator.split()[1], GENERATOR.split()[1]
    text = text.replace(old, new, 1).replace(GENERATOR, generator)
    text = text.replace(f'ident="desunt" version="{version}"', f'ident="desunt" version="{number}"')
    path.write_text(text.replace(f"<softwareVersion>{version}<", f"<softwareVersion>{number}<"), "utf-8")
    breaches = check(home).breaches
    assert {breach.file for breach in breaches} == {f"letter/{file}"}


def test_export_of_a_page_that_is_not_there_is_a_breach(home):
    folder = home / "outputs" / "letter"
    shutil.copy(folder / "letter.0002.alto.xml", folder / "letter.0003.alto.xml")
    assert [(one.file, one.problem) for one in check(home).breaches] == [
        ("letter/letter.0003.alto.xml", "is the export of a page that record.json does not have")
    ]
