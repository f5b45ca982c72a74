"""Malformed inputs made by code, the same bytes every time: what a folder of scans may hold besides good scans."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from PIL import Image

from desunt.errors import EncryptedInput, ImageTooLarge, InputError


@dataclass(frozen=True, slots=True)
class MalformedFile:
    """A file, the error that reading its first page must end with (None: it must be read), and words of the message."""

    name: str
    data: bytes
    error: type[InputError] | None = InputError
    words: tuple[str, ...] = ()


def page(width: int = 340, height: int = 440, seed: int = 1) -> Image.Image:
    """Return a grey page with rows of dark marks on noisy paper, so that no part of it is flat."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(200, 250, (height, width), dtype=np.uint8)
    for top in range(20, height - 20, 16):
        marks = rng.random(width) < 0.5
        marks[: width // 8] = False
        pixels[top : top + 8, marks] = rng.integers(10, 60, dtype=np.uint8)
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes, crc: int | None = None) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data) if crc is None else crc)


def png(width: int, height: int, body: bytes, *, depth: int = 8, colour: int = 0, extra: bytes = b"") -> bytes:
    """Return a PNG with the given, perhaps wrong, IDAT."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def huge_png(width: int = 40_000, height: int = 40_000) -> bytes:
    """Return a small file that holds all the pixels of a huge 1-bit page."""
    compressor = zlib.compressobj(9)
    row = bytes((width + 7) // 8 + 1)
    body = b"".join(compressor.compress(row) for _ in range(height)) + compressor.flush()
    return png(width, height, body, depth=1)


Tags = dict[int, int | tuple[int, ...]]


def tiff(frames: list[tuple[Tags, bytes]], *, order: str = "<", following: int = 0) -> bytes:
    """Return a TIFF whose directories stand before its pixels; `following` is the last directory's offset of the next one.

    Each frame is its tags (StripOffsets is added) and the data of its one strip. Values are LONG or SHORT as they fit.
    """
    sizes = [2 + 12 * (len(tags) + 1) + 4 for tags, _ in frames]
    strip = 8 + sum(sizes)
    out = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    place = 8
    for number, ((tags, data), size) in enumerate(zip(frames, sizes, strict=True)):
        place += size
        entries = sorted((tags | {273: strip}).items())
        out += struct.pack(order + "H", len(entries))
        for tag, value in entries:
            assert isinstance(value, int)
            out += struct.pack(order + "HHII", tag, 4, 1, value)
        out += struct.pack(order + "I", place if number < len(frames) - 1 else following)
        strip += len(data)
    return out + b"".join(data for _, data in frames)


def tiff_frame(image: Image.Image, compression: str) -> tuple[Tags, bytes]:
    """Return the tags and the one strip of a grey or 1-bit image, compressed by libtiff."""
    data = encoded(image, "TIFF", compression=compression, strip_size=1 << 30)
    with Image.open(io.BytesIO(data)) as saved:
        tags = saved.tag_v2  # type: ignore[attr-defined]
        (start,), (length,) = tags[273], tags[279]
        kept: Tags = {tag: int(np.atleast_1d(tags[tag])[0]) for tag in (256, 257, 258, 259, 262) if tag in tags}
    return kept | {277: 1, 278: image.height, 279: length}, data[start : start + length]


def pdf(objects: list[bytes], *, trailer: bytes = b"", root: int = 1) -> bytes:
    """Return a PDF of the given objects, numbered from 1, with a right cross-reference table."""
    parts = [b"%PDF-1.7\n", *(b"%d 0 obj\n%s\nendobj\n" % (number, body) for number, body in enumerate(objects, 1))]
    places = list(accumulate(len(part) for part in parts))[:-1]
    out = b"".join(parts)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root %d 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, root, trailer, start)
    return out


def stream(dictionary: bytes, data: bytes) -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (dictionary, len(data), data)


def image_pdf(
    image: bytes, dictionary: bytes, *, box: tuple[float, float] = (612, 792), content: bytes | None = None, page_keys: bytes = b"",
    more: tuple[bytes, ...] = (),
) -> bytes:  # fmt: skip
    """Return a PDF of one page with one image XObject /Im; objects of `more` are numbered from 6."""
    content = b"q %g 0 0 %g 0 0 cm /Im Do Q" % box if content is None else content
    return pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %g %g] /Resources << /XObject << /Im 5 0 R >> "
            b"/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Courier >> >> >> /Contents 4 0 R %s >>" % (*box, page_keys),
            stream(b"", content),
            stream(b"/Type /XObject /Subtype /Image " + dictionary, image),
            *more,
        ]
    )


def jpeg_pdf(data: bytes, width: int = 340, height: int = 440, **options: object) -> bytes:
    keys = b"/Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode" % (width, height)
    return image_pdf(data, keys, **options)  # type: ignore[arg-type]


def blank_pdf(media_box: bytes) -> bytes:
    return pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox %s >>" % media_box,
        ]
    )


def malformed_files() -> Iterator[MalformedFile]:
    """Yield every malformed input."""
    yield from _not_images()
    yield from _pngs()
    yield from _jpegs()
    yield from _tiffs()
    yield from _others()
    yield from _pdfs()


def _not_images() -> Iterator[MalformedFile]:
    yield MalformedFile("empty.png", b"", words=("empty",))
    yield MalformedFile("empty.pdf", b"", words=("empty",))
    yield MalformedFile("one-byte.jpg", b"\xff")
    yield MalformedFile("text.png", b"MEMORANDUM\nThe Ambassador called on Mr. Molotov.\n" * 9, words=("not an image",))
    yield MalformedFile("page.tif", b"<!DOCTYPE html><title>404 Not Found</title>")
    yield MalformedFile("archive.jpg", b"PK\x03\x04" + bytes(60))
    yield MalformedFile("vector.png", b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    yield MalformedFile("postscript.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\nshowpage\n", words=("not an image",))
    yield MalformedFile("zeros.tif", bytes(4096))
    yield MalformedFile("noise.jp2", np.random.default_rng(2).bytes(4096))
    yield MalformedFile("jpeg-named.png", encoded(page(), "JPEG"), None)
    yield MalformedFile("pdf-named.jpg", jpeg_pdf(encoded(page(), "JPEG")), None)


def _pngs() -> Iterator[MalformedFile]:
    good = encoded(page(), "PNG")
    yield MalformedFile("half.png", good[: len(good) // 2], words=("cut short",))
    yield MalformedFile("header-only.png", good[:33])
    yield MalformedFile("half-header.png", good[:20])
    yield MalformedFile("signature-only.png", good[:8])
    yield MalformedFile("last-bytes-missing.png", good[:-40])
    middle = len(good) // 2
    yield MalformedFile("byte-changed.png", good[:middle] + bytes([good[middle] ^ 255]) + good[middle + 1 :])
    yield MalformedFile("bad-crc.png", good[:29] + b"\0\0\0\0" + good[33:])
    yield MalformedFile("no-rows.png", png(340, 440, zlib.compress(b"")))
    yield MalformedFile("too-few-rows.png", png(340, 440, zlib.compress(bytes(341 * 200))))
    yield MalformedFile("garbage.png", png(340, 440, b"no deflate stream at all"))
    yield MalformedFile("no-width.png", png(0, 440, zlib.compress(bytes(440))))
    yield MalformedFile("unknown-depth.png", png(340, 440, zlib.compress(bytes(341 * 440)), depth=7))
    yield MalformedFile("bad-filter.png", png(340, 440, zlib.compress((b"\x09" + bytes(340)) * 440)))
    yield MalformedFile("bomb.png", huge_png(), ImageTooLarge, ("40000 x 40000", "max_pixels"))
    yield MalformedFile("claims-everything.png", png(2**31 - 1, 2**31 - 1, b""), ImageTooLarge, ("max_pixels",))
    yield MalformedFile("one-pixel.png", png(1, 1, zlib.compress(b"\0\0")), words=("too small",))
    yield MalformedFile("thread.png", png(15, 400, zlib.compress(bytes(16 * 400))), words=("too small",))
    bomb = b"Comment\0\0" + zlib.compress(bytes(100_000_000), 9)
    yield MalformedFile("text-bomb.png", png(340, 440, zlib.compress(bytes(341 * 440)), extra=chunk(b"zTXt", bomb)))
    yield MalformedFile("bad-exif.png", good[:33] + chunk(b"eXIf", b"II*\0\xff\xff\xff\xff") + good[33:], None)


def _jpegs() -> Iterator[MalformedFile]:
    good = encoded(page(), "JPEG", quality=90)
    progressive = encoded(page(), "JPEG", quality=90, progressive=True)
    frame = good.index(b"\xff\xc0")
    yield MalformedFile("half.jpg", good[: len(good) // 2], words=("cut short",))
    yield MalformedFile("half-progressive.jpg", progressive[: len(progressive) // 2])
    yield MalformedFile("early-end.jpg", good[: len(good) // 2] + b"\xff\xd9", words=("lower part",))
    yield MalformedFile("start-only.jpg", b"\xff\xd8")
    yield MalformedFile("no-scan.jpg", good[: good.index(b"\xff\xda")] + b"\xff\xd9")
    yield MalformedFile("no-height.jpg", good[: frame + 5] + b"\0\0" + good[frame + 7 :])
    yield MalformedFile("claims-everything.jpg", good[: frame + 5] + b"\xff\xdc\xff\xdc" + good[frame + 9 :], ImageTooLarge)
    yield MalformedFile("no-tables.jpg", good[: good.index(b"\xff\xc4")] + good[good.index(b"\xff\xda") :], None)
    yield MalformedFile("bad-exif.jpg", good[:2] + b"\xff\xe1\0\x12Exif\0\0II*\0\xff\xff\xff\xff" + good[2:], None)


def _tiffs() -> Iterator[MalformedFile]:
    grey, bilevel = page(), page().convert("1")
    for compression, image in (("raw", grey), ("tiff_lzw", grey), ("packbits", grey), ("group3", bilevel), ("group4", bilevel)):
        good = tiff([tiff_frame(image, compression)])
        yield MalformedFile(f"good-{compression}.tif", good, None)
        yield MalformedFile(f"half-{compression}.tif", good[: len(good) // 2], words=("the TIFF is cut short",))
    saved = encoded(grey, "TIFF", compression="tiff_lzw")
    yield MalformedFile("directory-missing.tif", saved[: len(saved) // 2])
    yield MalformedFile("header-only.tif", saved[:8])
    yield MalformedFile("half-header.tif", saved[:5])
    tags, data = tiff_frame(bilevel, "group4")
    yield MalformedFile("second-page-missing.tif", tiff([(tags, data)], following=900_000), words=("after 1 frames",))
    yield MalformedFile("circle.tif", tiff([(tags, data)], following=8), None)
    yield MalformedFile("unknown-compression.tif", tiff([(tags | {259: 60_000}, data)]))
    yield MalformedFile("no-width.tif", tiff([({k: v for k, v in tags.items() if k != 256}, data)]))
    yield MalformedFile("zero-width.tif", tiff([(tags | {256: 0}, data)]))
    yield MalformedFile("claims-everything.tif", tiff([(tags | {256: 900_000, 257: 900_000}, data)]), ImageTooLarge, ("max_pixels",))
    yield MalformedFile("strip-outside.tif", tiff([(tags | {279: 90_000_000}, data)]), words=("cut short",))
    yield MalformedFile("many-entries.tif", b"II*\0\x08\0\0\0\xff\xff" + bytes(40))


def _others() -> Iterator[MalformedFile]:
    for kind, suffix in (("JPEG2000", "jp2"), ("BMP", "bmp"), ("WEBP", "webp"), ("GIF", "gif"), ("PPM", "pgm")):
        good = encoded(page(), kind)
        yield MalformedFile(f"half.{suffix}", good[: len(good) // 2])
    bitmap = encoded(page(), "BMP")
    yield MalformedFile("claims-everything.bmp", bitmap[:18] + struct.pack("<ii", 200_000, 200_000) + bitmap[26:], ImageTooLarge)


def _pdfs() -> Iterator[MalformedFile]:
    jpeg = encoded(page(), "JPEG", quality=90)
    good = jpeg_pdf(jpeg)
    yield MalformedFile("header-only.pdf", b"%PDF-1.7\n", words=("cut short",))
    yield MalformedFile("half.pdf", good[: len(good) // 2], words=("cut short",))
    yield MalformedFile("no-objects.pdf", b"%PDF-1.7\nxref\n0 0\ntrailer\n<< >>\nstartxref\n9\n%%EOF\n")
    locked = b"/Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O (%s) /U (%s) >> /ID [(0123456789abcdef) (0123456789abcdef)]"
    yield MalformedFile(
        "locked.pdf", pdf(_catalogue(b"[]", 0), trailer=locked % (b"o" * 32, b"u" * 32)), EncryptedInput, ("password", "qpdf")
    )
    yield MalformedFile("no-pages.pdf", pdf(_catalogue(b"[]", 0)), words=("no pages",))
    yield MalformedFile("page-missing.pdf", pdf(_catalogue(b"[9 0 R]", 1)))
    yield MalformedFile("tree-in-a-circle.pdf", pdf(_catalogue(b"[2 0 R]", 1)))
    yield MalformedFile("poster.pdf", blank_pdf(b"[0 0 14400 14400]"), ImageTooLarge, ("60000 x 60000", "max_pixels"))
    yield MalformedFile("tiny.pdf", blank_pdf(b"[0 0 1 1]"), words=("too small",))
    yield MalformedFile("half-jpeg.pdf", jpeg_pdf(jpeg[: len(jpeg) // 2]), words=("cut short",))
    yield MalformedFile("early-end-jpeg.pdf", jpeg_pdf(jpeg[: len(jpeg) // 2] + b"\xff\xd9"), words=("cut short",))
    keys = b"/Width 340 /Height 440 /ColorSpace /DeviceGray /BitsPerComponent 8"
    yield MalformedFile(
        "half-flate.pdf", image_pdf(zlib.compress(page().tobytes()[:70_000]), keys + b" /Filter /FlateDecode"), words=("cut short",)
    )
    yield MalformedFile("garbage-jpeg.pdf", jpeg_pdf(b"this is no JPEG at all" * 30))
    yield MalformedFile("huge-image.pdf", jpeg_pdf(jpeg, 60_000, 60_000), ImageTooLarge, ("60000 x 60000",))


def _catalogue(kids: bytes, count: int) -> list[bytes]:
    return [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids %s /Count %d >>" % (kids, count)]
