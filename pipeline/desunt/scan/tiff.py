"""The frames of a TIFF: a walk along its directories that decodes nothing, and one frame as a file of its own.

Pillow ends at a directory that is missing, as if the file had fewer pages; here that is an error. It also walks to a frame from the
first, slowly, and libtiff keeps a piece of the file in view for each directory on the way: a scan of thousands of pages is read frame by
frame instead. Layout: TIFF 6.0 (Adobe 1992), section 2; the 64-bit form as the libtiff project describes BigTIFF.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import BinaryIO

from desunt.errors import InputError

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_SUBFILE, _WIDTH, _HEIGHT = 254, 256, 257
_REDUCED, _MASK = 1, 4
_SHORT, _LONG, _LONG8 = 3, 4, 16
# Bytes of a value, by its type's number.
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8, 17: 8}
_INTEGERS = {3: "H", 4: "I", 16: "Q"}
# Where the pixels lie, and how many bytes of them; and the tags that point at other directories, which stay behind.
_PIXELS = {273: 279, 324: 325}
_POINTERS = frozenset({330, 34665, 34853, 40965})
# The old way to keep a JPEG in a TIFF names places in the file that only libtiff understands.
_COMPRESSION, _OLD_JPEG = 259, 6


@dataclass(frozen=True, slots=True)
class _Frame:
    offset: int
    kind: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class _Form:
    """How a classic TIFF or a BigTIFF writes a count of entries, an entry and an offset."""

    count: struct.Struct
    entry: struct.Struct
    offset: struct.Struct


def page_frames(file: BinaryIO, where: str) -> tuple[int, ...]:
    """Return the numbers (from 0) of the frames that are pages: all but masks, and smaller copies of another frame.

    Raises InputError if the chain of directories leaves the file.
    """
    frames = _frames(file, where)
    full = [frame for frame in frames if not frame.kind & (_REDUCED | _MASK)]
    widest, tallest = max((f.width for f in full), default=0), max((f.height for f in full), default=0)
    pages = tuple(
        number
        for number, frame in enumerate(frames)
        if not (full and (frame.kind & _MASK or (frame.kind & _REDUCED and frame.width < widest and frame.height < tallest)))
    )
    if not pages:
        raise InputError(f"{where}: the TIFF has no pages", remedy="copy the file again from its source")
    return pages


def _frames(file: BinaryIO, where: str) -> list[_Frame]:
    frames: list[_Frame] = []
    seen: set[int] = set()
    try:
        form, offset = _head(file)
        # A directory that was seen closes a circle: every frame is known by then.
        while offset and offset not in seen:
            seen.add(offset)
            frame, offset = _directory(file, form, offset)
            frames.append(frame)
    except (struct.error, OSError, OverflowError):
        raise InputError(
            f"{where}: the TIFF is damaged or cut short after {len(frames)} frames", remedy="copy the file again from its source"
        ) from None
    return frames


def _head(file: BinaryIO) -> tuple[_Form, int]:
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = b"+" in head[2:4]
    codes = ("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I")
    form = _Form(*(struct.Struct(order + code) for code in codes))
    (offset,) = form.offset.unpack_from(head, 8 if big else 4)
    return form, int(offset)


def _directory(file: BinaryIO, form: _Form, offset: int) -> tuple[_Frame, int]:
    file.seek(offset)
    (count,) = form.count.unpack(file.read(form.count.size))
    data = file.read(count * form.entry.size) if count <= 0xFFFF else b""
    order = form.count.format[0]
    values = {tag: _value(order, kind, value) for tag, kind, _, value in form.entry.iter_unpack(data)}
    (following,) = form.offset.unpack(file.read(form.offset.size))
    return _Frame(offset, values.get(_SUBFILE, 0), values.get(_WIDTH, 0), values.get(_HEIGHT, 0)), int(following)


def _value(order: str, kind: int, value: bytes) -> int:
    """Return a number that stands in the entry itself."""
    return int(struct.unpack_from(order + ("H" if kind == _SHORT else "I"), value)[0])


@dataclass(frozen=True, slots=True)
class _Entry:
    tag: int
    kind: int
    count: int
    data: bytes


def alone(file: BinaryIO, frame: int, where: str) -> BinaryIO:
    """Return a frame (from 0) as a TIFF of its own, in memory; the file itself if it has no other or keeps its pixels in an unusual way.

    The coded pixels and the tags are copied as they are, but for those that point at other directories. What lies beyond the end of a
    file that is cut short is missing in the copy too. Raises InputError if the chain of directories leaves the file.
    """
    frames = _frames(file, where)
    if len(frames) == 1:
        return file
    form, _ = _head(file)
    entries = {entry.tag: entry for entry in _entries(file, form, frames[frame].offset)}
    order = form.count.format[0]
    places = next((tag for tag in _PIXELS if tag in entries and _PIXELS[tag] in entries), None)
    compression = _numbers(order, entries[_COMPRESSION]) if _COMPRESSION in entries else (1,)
    if places is None or compression == (_OLD_JPEG,):
        return file
    pieces = zip(_numbers(order, entries[places]), _numbers(order, entries[_PIXELS[places]]), strict=False)
    return _written(form, entries, places, [_bytes_at(file, *piece) for piece in pieces])


def _entries(file: BinaryIO, form: _Form, offset: int) -> list[_Entry]:
    """Return a directory's entries with their values, wherever these lie."""
    file.seek(offset)
    (count,) = form.count.unpack(file.read(form.count.size))
    data = file.read(count * form.entry.size)
    found = []
    for tag, kind, number, value in form.entry.iter_unpack(data):
        size = _SIZES.get(kind, 0) * number
        if size and tag not in _POINTERS:
            (place,) = form.offset.unpack(value)
            found.append(_Entry(tag, kind, number, value[:size] if size <= len(value) else _bytes_at(file, place, size)))
    return found


def _numbers(order: str, entry: _Entry) -> tuple[int, ...]:
    code = _INTEGERS.get(entry.kind)
    return struct.unpack(f"{order}{len(entry.data) // _SIZES[entry.kind]}{code}", entry.data) if code else ()


def _bytes_at(file: BinaryIO, offset: int, length: int) -> bytes:
    """Return what the file has at this place: no more than there is, so that a damaged length asks for no memory."""
    left = file.seek(0, 2) - offset
    if left <= 0 or offset < 0:
        return b""
    file.seek(offset)
    return file.read(min(length, left))


def _written(form: _Form, entries: dict[int, _Entry], places: int, pieces: list[bytes]) -> BinaryIO:
    """Write one directory, its values and its pixels; the places of the pixels, which are others now, as wide as the form has them."""
    order, wide = form.count.format[0], form.offset.format[1]
    out = io.BytesIO()
    out.write(_start(form))
    found = []
    for piece in pieces:
        found.append(out.tell())
        out.write(piece)
    kind = _LONG8 if wide == "Q" else _LONG
    entries = entries | {places: _Entry(places, kind, len(found), struct.pack(f"{order}{len(found)}{wide}", *found))}
    directory = form.count.pack(len(entries))
    for entry in sorted(entries.values(), key=lambda entry: entry.tag):
        value = entry.data
        if len(value) > form.offset.size:
            value = form.offset.pack(out.tell())
            out.write(entry.data)
        directory += form.entry.pack(entry.tag, entry.kind, entry.count, value.ljust(form.offset.size, b"\0"))
    at = out.tell()
    out.write(directory + form.offset.pack(0))
    out.seek(len(_start(form)) - form.offset.size)
    out.write(form.offset.pack(at))
    out.seek(0)
    return out


def _start(form: _Form) -> bytes:
    """Return a file's first bytes, with no place yet for its directory."""
    order, wide = form.count.format[0], form.offset.format[1] == "Q"
    mark = b"II" if order == "<" else b"MM"
    return mark + (struct.pack(order + "HHH", 43, 8, 0) if wide else struct.pack(order + "H", 42)) + bytes(form.offset.size)
