"""The PDF: valid PDF/A, its text layer the text of the mode by three readers, guesses in comments alone, original pixels."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from hypothesis import HealthCheck, given, settings
from pikepdf import pdfa
from PIL import Image

from desunt.export import load_exporter
from desunt.export.modes import text_for_mode
from desunt.export.writing import ScanImageSource
from desunt.record.atomic import sha256_of
from desunt.record.conjecture import CONJECTURE_LABEL, Decision
from desunt.record.document import Box, Document, ImageRef, Line, Page, Region, Word
from desunt.record.files import Record
from desunt.scan.image_encoding import EmbeddedImage
from desunt.verify.readback import READERS
from desunt.verify.readback.pdf import normalise_for_pdf, pdf_comments, pdf_lines, pdf_text
from tests.support.record_strategies import CANARY, VERDICT, records, transcripts
from tests.support.records import SQUARE, sample_record, sample_transcript

MODES = ("diplomatic", "accepted", "apparatus")
DECISIONS = {
    "g1": Decision("g1", "accepted", "guess", "quondam", "M. Editor", "2024-05-01T10:00:00Z"),
    "w4": Decision("w4", "corrected", "ink", "argued", "N. Second", "2024-05-02T10:00:00Z"),
}
LEFT, RIGHT = "Left column one two", "Right column three four"


def made(record: Record, mode: str = "diplomatic", pictures=lambda _: SQUARE) -> bytes:
    return b"".join(load_exporter("pdf").export(record, pictures, mode))


def read(content: bytes) -> str:
    return content.decode("latin-1")


def lines_of(text: str) -> list[str]:
    return [" ".join(line.split()) for line in re.split(r"\r\n|[\n\f]", text) if line.split()]


def pdftotext(content: bytes, folder: Path) -> str:
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not installed: `sh setup.sh chromium` installs it")
    path = folder / "made.pdf"
    path.write_bytes(content)
    return subprocess.run(["pdftotext", "-raw", path, "-"], check=True, capture_output=True).stdout.decode()


def page_of(lines: list[list[tuple[str, Box | None]]], width: int = 2480, height: int = 3508) -> Record:
    """A page with the given words in the given boxes."""
    tokens = [tuple(Word(f"w{n}-{m}", *one, "tesseract") for m, one in enumerate(words)) for n, words in enumerate(lines)]
    made = [Line(f"l{n}", None, words) for n, words in enumerate(tokens)]
    page = Page(1, ImageRef("a.png", "0" * 64, width, height, 300), (Region("r", "body", None, tuple(made)),))
    return Record(Document("a.png", "a.png", (), (page,)), {})


def in_boxes(text: str, left: int, top: int, letter: int = 30, space: int = 30) -> list[tuple[str, Box | None]]:
    words, at = [], left
    for word in text.split():
        words.append((word, Box(at, top, at + letter * len(word), top + 50)))
        at += letter * len(word) + space
    return words


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "record", [sample_record(), sample_record(scanned=False), sample_transcript()], ids=["scan", "no scan", "transcript"]
)
def test_file_is_valid_pdf_a(record, mode, tmp_path):
    path = tmp_path / "made.pdf"
    path.write_bytes(made(replace(record, decisions=DECISIONS), mode))
    assert list(pdfa.validate_written(path, "2b").findings) == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scanned", [True, False], ids=["scan", "no scan"])
def test_pdftotext_gives_the_lines_of_the_mode(mode, scanned, tmp_path):
    record = replace(sample_record(scanned=scanned), decisions=DECISIONS)
    # Poppler puts marks of its own round what runs from right to left.
    found = pdftotext(made(record, mode), tmp_path).replace("\u202b", "").replace("\u202c", "")
    assert lines_of(found) == lines_of(text_for_mode(record, mode))
    assert ("quondam" in found) == (mode == "accepted")


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([in_boxes(LEFT, 100, 100), in_boxes(RIGHT, 1400, 100)], id="two cells of one row"),
        pytest.param([in_boxes(LEFT, 100, 100, space=6)], id="hardly any space"),
        pytest.param([in_boxes(LEFT, 100, 100, space=500)], id="wide spaces"),
        pytest.param([in_boxes(LEFT, 2300, 100)], id="beyond the page"),
        pytest.param([[(word, None) for word in LEFT.split()]], id="no boxes"),
        pytest.param([[(word, Box(100, 100, 101, 101)) for word in LEFT.split()]], id="one box for all"),
        pytest.param([in_boxes(LEFT, 100, top) for top in range(100, 200, 10)], id="lines over each other"),
        pytest.param([in_boxes("Ελλάς Москва ﬁn Ὀδυσσεύς 東京 naïve", 100, 100)], id="scripts"),
        pytest.param([in_boxes("one [two three] four", 100, 100), [("five six", Box(100, 300, 900, 350))]], id="words with spaces"),
    ],
)
def test_geometry_never_parts_or_joins_words(lines, tmp_path):
    record = page_of(lines)
    content = made(record)
    assert lines_of(pdftotext(content, tmp_path)) == lines_of(record.document.text)
    assert [line for line in pdf_lines(read(content)) if line] == lines_of(record.document.text)


def test_words_lie_over_their_ink(tmp_path):
    record = page_of([in_boxes("The Ambassador informed", 300, 600)])
    path = tmp_path / "made.pdf"
    path.write_bytes(made(record))
    boxes = subprocess.run(["pdftotext", "-bbox", path, "-"], check=True, capture_output=True, text=True).stdout
    found = [tuple(map(float, one)) for one in re.findall(r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)"', boxes)]
    wanted = [(b.left * 0.24, b.top * 0.24, b.right * 0.24, b.bottom * 0.24) for _, b in in_boxes("The Ambassador informed", 300, 600)]
    assert np.abs(np.array(found) - np.array(wanted)).max() < 4


def test_pdfium_reads_the_same_words(tmp_path):
    import pypdfium2

    record = page_of([in_boxes("The Ambassador informed", 300, 600), in_boxes("the Minister of it", 300, 700)])
    with pypdfium2.PdfDocument(made(record)) as document:
        assert document[0].get_textpage().get_text_bounded().split() == record.document.text.split()


def test_a_long_transcript_is_set_on_several_sheets_and_its_lines_stay_whole(tmp_path):
    text = "\n".join(f"Line {n}: " + "word " * 40 + "[ILLEGIBLE] end" for n in range(60)) + "\n"
    content = made(sample_transcript(text=text))
    with pikepdf.open(io.BytesIO(content)) as document:
        assert len(document.pages) > 2
        assert sum(len(page.Annots) for page in document.pages) == 2 * 60
    assert pdf_text(read(content)).split() == text.split()
    assert pdftotext(content, tmp_path).split() == text.split()


def test_guesses_stand_only_in_comments_of_the_apparatus():
    record = sample_record()
    for mode in MODES:
        content = made(record, mode)
        assert "quondam" not in pdf_text(read(content))
        assert ("quondam" in pdf_comments(read(content))) == (mode == "apparatus")
        # The text layer is coded; strings of comments and metadata are UTF-16 in hexadecimal digits.
        assert ("quondam".encode("utf-16-be").hex().upper() in read(content)) == (mode == "apparatus")
    content = read(made(record, "apparatus"))
    assert (READERS["pdf"].count_labelled(content), list(READERS["pdf"].find_unlabelled(content))) == (11, [])


def test_comment_over_a_gap_says_what_it_is_and_where():
    with pikepdf.open(io.BytesIO(made(sample_record(), "apparatus"))) as document:
        comment = document.pages[0].Annots[0]
        assert str(comment.T).startswith(CONJECTURE_LABEL)
        said = str(comment.Contents).split("\n")
        assert said[0] == "Gap 1, page 1, line 2: illegible; 5 to 7 characters"
        assert said[1] == f"{CONJECTURE_LABEL}: quondam, 62.0 %"
        assert said[-1] == "None of these: 17.0 %"
        gap = sample_record().document.gaps[0].box
        rectangle = [float(x) for x in comment.Rect]
        assert rectangle == pytest.approx([x * 0.24 for x in (gap.left, 640 - gap.bottom, gap.right, 640 - gap.top)], abs=0.01)


def test_accepted_reading_names_its_editor_and_its_basis():
    content = read(made(replace(sample_record(), decisions=DECISIONS), "accepted"))
    assert "The quondam argued" in pdf_lines(content)
    said = pdf_comments(content)
    assert f"Read by an editor: {CONJECTURE_LABEL}, accepted: quondam" in said
    assert "not read on the page" in said
    assert "Editor: N. Second" in said


def test_metadata_say_title_and_mode_and_nothing_supposed():
    with pikepdf.open(io.BytesIO(made(replace(sample_record(), decisions=DECISIONS), "accepted"))) as document:
        assert str(document.docinfo["/Title"]) == "A *letter* & <b>more</b>"
        with document.open_metadata() as about:
            assert about["dc:title"] == "A *letter* & <b>more</b>"
            assert about["dc:description"].startswith("The ACCEPTED text")
        assert b"quondam" not in document.Root.Metadata.read_bytes()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(records(decided=True) | transcripts())
def test_no_text_breaks_out_of_any_mode(record):
    for mode in MODES:
        content = read(made(record, mode))
        assert normalise_for_pdf(pdf_text(content)) == normalise_for_pdf(text_for_mode(record, mode))
        coded = CANARY.encode("utf-16-be").hex().upper()
        if mode != "apparatus":
            assert CANARY not in pdf_text(content) + pdf_comments(content)
            assert coded not in content
            assert CANARY not in content
        else:
            assert not list(READERS["pdf"].find_unlabelled(content))
            assert READERS["pdf"].count_labelled(content) == sum(len(opinion.candidates) for opinion in record.opinions.values())
        if mode == "diplomatic":
            assert VERDICT not in pdf_text(content) + pdf_comments(content)


def original_in(content: bytes) -> EmbeddedImage:
    with pikepdf.open(io.BytesIO(content)) as document:
        image = document.pages[0].Resources.XObject["/Scan1"]
        coding = "jpeg" if image.Filter == "/DCTDecode" else "g4"
        return EmbeddedImage(coding, image.read_raw_bytes(), int(image.Width), int(image.Height), 1)


def scan_record(path: Path, size: tuple[int, int]) -> Record:
    page = Page(1, ImageRef(path.name, sha256_of(path), *size, 300), ())
    return Record(Document(path.name, str(path), (), (page,)), {})


def drawn(content: bytes) -> np.ndarray:
    import pypdfium2

    with pypdfium2.PdfDocument(content) as document:
        return np.asarray(document[0].render(scale=300 / 72).to_pil().convert("L"))[:200, :300]


def picture(kind: str) -> Image.Image:
    pixels = np.full((200, 300), 255, np.uint8)
    pixels[40:80, 30:200] = 0
    image = Image.fromarray(pixels)
    if kind == "bilevel":
        return image.convert("1")
    return image if kind == "grey" else Image.merge("RGB", [image, image, Image.new("L", image.size, 90)])


def test_a_jpeg_goes_in_as_it_is(tmp_path):
    path = tmp_path / "a.jpg"
    picture("colour").save(path, quality=70)
    content = made(scan_record(path, (300, 200)), pictures=ScanImageSource(path, 10**6, 300))
    assert original_in(content).data == path.read_bytes()


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_page_stands_upright_as_it_was_read(orientation, tmp_path):
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[274] = orientation
    picture("grey").save(path, exif=exif)
    size = (300, 200) if orientation == 1 else (200, 300)
    content = made(scan_record(path, size), pictures=ScanImageSource(path, 10**6, 300))
    found = original_in(content)
    assert (found.width, found.height) == size
    assert (found.data == path.read_bytes()) == (orientation == 1)


@pytest.mark.parametrize(("kind", "coding"), [("bilevel", "g4"), ("grey", "g4"), ("colour", "jpeg")])
def test_pixels_are_those_of_the_scan(kind, coding, tmp_path):
    path = tmp_path / "a.png"
    picture(kind).save(path)
    content = made(scan_record(path, (300, 200)), pictures=ScanImageSource(path, 10**6, 300))
    assert original_in(content).coding == coding
    difference = np.abs(drawn(content).astype(int) - np.asarray(picture(kind).convert("L")).astype(int))
    assert difference.mean() < 1.5
    (tmp_path / "made.pdf").write_bytes(content)
    assert list(pdfa.validate_written(tmp_path / "made.pdf", "2b").findings) == []


def test_a_scan_that_changed_is_not_shown(tmp_path):
    path = tmp_path / "a.png"
    picture("grey").save(path)
    record = scan_record(path, (300, 200))
    picture("colour").save(path)
    assert b"/Scan1" not in made(record, pictures=ScanImageSource(path, 10**6, 300))


def test_pages_are_given_away_one_by_one():
    """Every image is asked for only after the page before it was given away."""
    asked: list[int] = []
    page = sample_record().document.pages[0]
    pages = tuple(replace(page, number=n, image=replace(page.image, frame=n)) for n in range(1, 6))
    document = replace(sample_record().document, pages=pages)
    chunks = load_exporter("pdf").export(Record(document, {}), lambda image: asked.append(image.frame) or SQUARE, "diplomatic")
    seen = [len(asked) for chunk in chunks if b"/Type /Page " in chunk]
    assert seen == [1, 2, 3, 4, 5]
