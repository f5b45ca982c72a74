"""Inputs of the soak, the same bytes every time: malformed, cut and bit-flipped files, odd good ones, archives; and how each must end."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from desunt.scan import SUFFIXES
from tests.support.malformed_files import encoded, jpeg_pdf, malformed_files, pdf, stream

# How much of a file is left, and how many of its bits are turned.
CUTS = (0.02, 0.2, 0.5, 0.8, 0.97)
FLIPS = (1, 3, 30, 300)


@dataclass(frozen=True, slots=True)
class SoakInput:
    """A file, and whether its text must be read: None where either will do, so long as the page ends with a reason or is read."""

    name: str
    data: bytes
    readable: bool | None


def typed() -> Image.Image:
    """Return a page on which any engine finds the words."""
    page = Image.new("L", (900, 300), 250)
    font = ImageFont.truetype("DejaVuSansMono.ttf", 40)
    ImageDraw.Draw(page).text((60, 80), "The Ambassador called\nagain on Monday.", fill=20, font=font, spacing=24)
    return page


def good_files() -> dict[str, bytes]:
    """Return a good file of every kind."""
    page = typed()
    return {
        "png": encoded(page, "PNG"),
        "jpg": encoded(page, "JPEG", quality=90),
        "progressive.jpg": encoded(page, "JPEG", quality=90, progressive=True),
        "lzw.tif": encoded(page, "TIFF", compression="tiff_lzw"),
        "g4.tif": encoded(page.convert("1"), "TIFF", compression="group4"),
        "two.tif": encoded(page, "TIFF", compression="jpeg", save_all=True, append_images=[page]),
        "jp2": encoded(page, "JPEG2000"),
        "webp": encoded(page, "WEBP", quality=90),
        "bmp": encoded(page, "BMP"),
        "pdf": jpeg_pdf(encoded(page, "JPEG", quality=90), *page.size, box=(432, 144)),
    }


def soak_inputs() -> Iterator[SoakInput]:
    """Yield every input."""
    for malformed in malformed_files():
        yield SoakInput(malformed.name, malformed.data, None if malformed.error is None else False)
    for kind, good in good_files().items():
        yield SoakInput(f"good.{kind}", good, True)
        for share in CUTS:
            yield SoakInput(f"cut-{100 * share:.0f}.{kind}", good[: int(share * len(good))], None)
        for flips in FLIPS:
            yield SoakInput(f"flipped-{flips}.{kind}", flipped(good, flips), None)
    yield from _odd()
    yield from _pdfs()
    yield from _zips()


def flipped(data: bytes, flips: int) -> bytes:
    """Return the bytes with so many bits turned, the same ones every time."""
    chance, changed = random.Random(f"{len(data)} {flips}"), bytearray(data)
    for _ in range(flips):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _odd() -> Iterator[SoakInput]:
    """Yield good files of unusual kinds: all must be read."""
    page, wide = typed(), np.asarray(typed()).astype(np.uint16) * 257
    yield SoakInput("sixteen-bits.png", encoded(Image.fromarray(wide), "PNG"), True)
    yield SoakInput("twelve-bits.tif", encoded(Image.fromarray(wide >> 4), "TIFF"), True)
    yield SoakInput("one-bit.png", encoded(page.convert("1"), "PNG"), True)
    yield SoakInput("palette.png", encoded(page.convert("P"), "PNG"), True)
    yield SoakInput("grey-alpha.png", encoded(page.convert("LA"), "PNG"), True)
    yield SoakInput("rgba.png", encoded(page.convert("RGBA"), "PNG"), True)
    yield SoakInput("cmyk.jpg", encoded(page.convert("CMYK"), "JPEG", quality=95), True)
    yield SoakInput("cmyk.tif", encoded(page.convert("CMYK"), "TIFF"), True)
    yield SoakInput("lab.tif", encoded(page.convert("RGB").convert("LAB"), "TIFF"), True)
    yield SoakInput("float.tif", encoded(Image.fromarray(np.asarray(page).astype(np.float32) / 255), "TIFF"), True)
    yield SoakInput("png-named.tif", encoded(page, "PNG"), True)
    yield SoakInput("tiff-named.jpg", encoded(page, "TIFF"), True)
    turns = {3: 180, 6: 90, 8: 270}
    for orientation, degrees in turns.items():
        exif = Image.Exif()
        exif[274] = orientation
        yield SoakInput(f"turned-{orientation}.jpg", encoded(page.rotate(degrees, expand=True), "JPEG", quality=95, exif=exif), True)


def _pdfs() -> Iterator[SoakInput]:
    good = encoded(typed(), "JPEG", quality=90)
    for depth in (50, 2000):
        yield SoakInput(f"deep-{depth}.pdf", deep_pdf(good, depth), True if depth < 100 else None)
    yield SoakInput("locked-by-a-library.pdf", locked_pdf(jpeg_pdf(good, 900, 300, box=(432, 144))), False)
    circle = pdf([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [1 0 R 2 0 R] /Count 9 >>"])
    yield SoakInput("circle-of-contents.pdf", circle, None)


def deep_pdf(jpeg: bytes, depth: int) -> bytes:
    """Return a PDF whose one page hangs at the end of a chain of so many nodes."""
    nodes = [b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % (number + 3) for number in range(depth)]
    last = depth + 2
    page = b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 432 144] /Resources << /XObject << /Im %d 0 R >> >> /Contents %d 0 R >>"
    keys = b"/Type /XObject /Subtype /Image /Width 900 /Height 300 /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode"
    drawn = stream(b"", b"q 432 0 0 144 0 0 cm /Im Do Q")
    return pdf([b"<< /Type /Catalog /Pages 2 0 R >>", *nodes, page % (last - 1, last + 2, last + 1), drawn, stream(keys, jpeg)])


def locked_pdf(plain: bytes) -> bytes:
    import pikepdf

    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(plain)) as opened:
        # The salts are random: this file's bytes are not the same every time.
        opened.save(out, encryption=pikepdf.Encryption(owner="owner", user="user"))
    return out.getvalue()


def _zips() -> Iterator[SoakInput]:
    good = encoded(typed(), "PNG")
    tricks = ("../up.png", "/etc/absolute.png", "C:\\drive.png", "a/../../b.png")
    yield SoakInput("tricks.zip", zipped(*((name, good) for name in tricks)), False)
    yield SoakInput("bomb.zip", zipped(("bomb.png", bytes(80 << 20))), False)
    yield SoakInput("good.zip", zipped(("inside.png", good)), True)
    whole = zipped(("inside-cut.png", good))
    yield SoakInput("cut.zip", whole[: len(whole) // 2], False)
    yield SoakInput("flipped.zip", flipped(whole, 30), None)


def zipped(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def write_inputs(folder: Path, every: int = 1) -> list[SoakInput]:
    """Write every so-manieth input that a folder is searched for, and return these."""
    folder.mkdir(parents=True)
    chosen = [case for case in soak_inputs() if Path(case.name).suffix in SUFFIXES | {".zip"}][::every]
    for case in chosen:
        (folder / case.name).write_bytes(case.data)
    return chosen


def violations(inputs: list[SoakInput], outputs: Path, statuses: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what is wrong with how each input ended, by what `desunt status --json` says."""
    for case in inputs:
        documents = [s for s in statuses if s["document_id"] == case.name or s["document_id"].startswith(f"{case.name}/")]
        if not documents:
            yield f"{case.name}: nothing became of it"
        for status in documents:
            yield from _violations_of(case, status, outputs)


def _violations_of(case: SoakInput, status: dict[str, Any], outputs: Path) -> Iterator[str]:
    failed, problem = status["state"] == "failed", status["problem"]
    where = f"{status['document_id']} ({status['state']}: {problem})"
    if status["state"] == "unfinished" or (case.readable is not None and failed == case.readable):
        yield f"{where}: should {'be read' if case.readable else 'fail'}"
    if failed and (not problem or "bug in desunt" in problem or "worker died" in problem):
        yield f"{where}: no reason of its own"
    if failed and case.name.partition(".")[0] not in problem:
        yield f"{where}: does not name the file"
    text = outputs / status["folder"] / f"{status['folder']}.txt"
    if case.readable and not failed and "Ambassador" not in text.read_text("utf-8"):
        yield f"{where}: its text was not read"
