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
_SUBFILE_TAG, _WIDTH_TAG, _HEIGHT_TAG = 254, 256, 257
_REDUCED_BIT, _MASK_BIT = 1, 4
_SHORT_TYPE, _LONG_TYPE, _LONG8_TYPE = 3, 4, 16
# Bytes of a value, by its type's number.
_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8, 17: 8}
_INTEGER_CODES = {3: "H", 4: "I", 16: "Q"}
# Where the pixels lie, and how many bytes of them; and the tags that point at other directories, which stay behind.
_PIXEL_TAGS = {273: 279, 324: 325}
_POINTER_TAGS = frozenset({330, 34665, 34853, 40965})
# The old way to keep a JPEG in a TIFF names places in the file that only libtiff understands.
_COMPRESSION_TAG, _OLD_JPEG = 259, 6


@dataclass(frozen=True, slots=True)
class _Frame:
    offset: int
    kind: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a classic TIFF or a BigTIFF writes a count of entries, an entry and an offset."""

    count: struct.Struct
    entry: struct.Struct
    offset: struct.Struct


def page_frames(file: BinaryIO, where: str) -> tuple[int, ...]:
    """Return the numbers (from 0) of the frames that are pages: all but masks, and smaller copies of another frame.

    Raises InputError if the chain of directories leaves the file.
    """
    frames = _read_frames(file, where)
    full = [frame for frame in frames if not frame.kind & (_REDUCED_BIT | _MASK_BIT)]
    widest, tallest = max((f.width for f in full), default=0), max((f.height for f in full), default=0)
    pages = tuple(
        number
        for number, frame in enumerate(frames)
        if not (full and (frame.kind & _MASK_BIT or (frame.kind & _REDUCED_BIT and frame.width < widest and frame.height < tallest)))
    )
    if not pages:
        raise InputError(f"{where}: the TIFF has no pages", remedy="copy the file again from its source")
    return pages


def _read_frames(file: BinaryIO, where: str) -> list[_Frame]:
    frames: list[_Frame] = []
    visited: set[int] = set()
    try:
        layout, offset = _read_header(file)
        # A directory that was seen closes a circle: every frame is known by then.
        while offset and offset not in visited:
            visited.add(offset)
            frame, offset = _read_directory(file, layout, offset)
            frames.append(frame)
    except (struct.error, OSError, OverflowError):
        raise InputError(
            f"{where}: the TIFF is damaged or cut short after {len(frames)} frames", remedy="copy the file again from its source"
        ) from None
    return frames


def _read_header(file: BinaryIO) -> tuple[_Layout, int]:
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = b"+" in head[2:4]
    codes = ("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I")
    layout = _Layout(*(struct.Struct(order + code) for code in codes))
    (offset,) = layout.offset.unpack_from(head, 8 if big else 4)
    return layout, int(offset)


def _read_directory(file: BinaryIO, layout: _Layout, offset: int) -> tuple[_Frame, int]:
    file.seek(offset)
    (count,) = layout.count.unpack(file.read(layout.count.size))
    data = file.read(count * layout.entry.size) if count <= 0xFFFF else b""
    order = layout.count.format[0]
    values = {tag: _inline_value(order, kind, value) for tag, kind, _, value in layout.entry.iter_unpack(data)}
    (following,) = layout.offset.unpack(file.read(layout.offset.size))
    return _Frame(offset, values.get(_SUBFILE_TAG, 0), values.get(_WIDTH_TAG, 0), values.get(_HEIGHT_TAG, 0)), int(following)


def _inline_value(order: str, kind: int, value: bytes) -> int:
    """Return a number that stands in the entry itself."""
    return int(struct.unpack_from(order + ("H" if kind == _SHORT_TYPE else "I"), value)[0])


@dataclass(frozen=True, slots=True)
class _Entry:
    tag: int
    kind: int
    count: int
    data: bytes


def single_frame(file: BinaryIO, frame: int, where: str) -> BinaryIO:
    """Return a frame (from 0) as a TIFF of its own, in memory; the file itself if it has no other or keeps its pixels in an unusual way.

    The coded pixels and the tags are copied as they are, but for those that point at other directories. What lies beyond the end of a
    file that is cut short is missing in the copy too. Raises InputError if the chain of directories leaves the file.
    """
    frames = _read_frames(file, where)
    if len(frames) == 1:
        return file
    layout, _ = _read_header(file)
    entries = {entry.tag: entry for entry in _read_entries(file, layout, frames[frame].offset)}
    order = layout.count.format[0]
    pixel_tag = next((tag for tag in _PIXEL_TAGS if tag in entries and _PIXEL_TAGS[tag] in entries), None)
    compression = _integers(order, entries[_COMPRESSION_TAG]) if _COMPRESSION_TAG in entries else (1,)
    if pixel_tag is None or compression == (_OLD_JPEG,):
        return file
    pieces = zip(_integers(order, entries[pixel_tag]), _integers(order, entries[_PIXEL_TAGS[pixel_tag]]), strict=False)
    return _write_tiff(layout, entries, pixel_tag, [_bytes_at(file, *piece) for piece in pieces])


def _read_entries(file: BinaryIO, layout: _Layout, offset: int) -> list[_Entry]:
    """Return a directory's entries with their values, wherever these lie."""
    file.seek(offset)
    (count,) = layout.count.unpack(file.read(layout.count.size))
    data = file.read(count * layout.entry.size)
    entries = []
    for tag, kind, number, value in layout.entry.iter_unpack(data):
        size = _TYPE_SIZES.get(kind, 0) * number
        if size and tag not in _POINTER_TAGS:
            (offset,) = layout.offset.unpack(value)
            entries.append(_Entry(tag, kind, number, value[:size] if size <= len(value) else _bytes_at(file, offset, size)))
    return entries


def _integers(order: str, entry: _Entry) -> tuple[int, ...]:
    code = _INTEGER_CODES.get(entry.kind)
    return struct.unpack(f"{order}{len(entry.data) // _TYPE_SIZES[entry.kind]}{code}", entry.data) if code else ()


def _bytes_at(file: BinaryIO, offset: int, length: int) -> bytes:
    """Return what the file has at this place: no more than there is, so that a damaged length asks for no memory."""
    left = file.seek(0, 2) - offset
    if left <= 0 or offset < 0:
        return b""
    file.seek(offset)
    return file.read(min(length, left))


def _write_tiff(layout: _Layout, entries: dict[int, _Entry], pixel_tag: int, pieces: list[bytes]) -> BinaryIO:
    """Write one directory, its values and its pixels; the places of the pixels, which are others now, as wide as the form has them."""
    order, wide = layout.count.format[0], layout.offset.format[1]
    file = io.BytesIO()
    file.write(_header(layout))
    offsets = []
    for piece in pieces:
        offsets.append(file.tell())
        file.write(piece)
    kind = _LONG8_TYPE if wide == "Q" else _LONG_TYPE
    entries = entries | {pixel_tag: _Entry(pixel_tag, kind, len(offsets), struct.pack(f"{order}{len(offsets)}{wide}", *offsets))}
    directory = layout.count.pack(len(entries))
    for entry in sorted(entries.values(), key=lambda entry: entry.tag):
        value = entry.data
        if len(value) > layout.offset.size:
            value = layout.offset.pack(file.tell())
            file.write(entry.data)
        directory += layout.entry.pack(entry.tag, entry.kind, entry.count, value.ljust(layout.offset.size, b"\0"))
    directory_offset = file.tell()
    file.write(directory + layout.offset.pack(0))
    file.seek(len(_header(layout)) - layout.offset.size)
    file.write(layout.offset.pack(directory_offset))
    file.seek(0)
    return file


def _header(layout: _Layout) -> bytes:
    """Return a file's first bytes, with no place yet for its directory."""
    order, wide = layout.count.format[0], layout.offset.format[1] == "Q"
    mark = b"II" if order == "<" else b"MM"
    return mark + (struct.pack(order + "HHH", 43, 8, 0) if wide else struct.pack(order + "H", 42)) + bytes(layout.offset.size)
