"""Which frames of a TIFF are pages: a walk along its directories that decodes nothing.

Pillow ends at a directory that is missing, as if the file had fewer pages; here that is an error.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from desunt.errors import InputError

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_SUBFILE, _WIDTH, _HEIGHT = 254, 256, 257
_REDUCED, _MASK = 1, 4
_SHORT = 3


@dataclass(frozen=True, slots=True)
class _Frame:
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
    return _Frame(values.get(_SUBFILE, 0), values.get(_WIDTH, 0), values.get(_HEIGHT, 0)), int(following)


def _value(order: str, kind: int, value: bytes) -> int:
    """Return a number that stands in the entry itself."""
    return int(struct.unpack_from(order + ("H" if kind == _SHORT else "I"), value)[0])
