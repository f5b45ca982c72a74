"""Whether a PNG holds all its rows: Pillow takes one whose compressed data end early for black below."""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Adam7: first column, first row, step across, step down of each pass (PNG specification, 8.2)
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_CHUNK_BYTES = 1 << 20


def lacks_rows(file: BinaryIO) -> bool:
    """Tell whether the compressed data are shorter than the header promises. Unpacks piece by piece and keeps nothing."""
    file.seek(8)
    expected, unpacked, decompressor = 0, 0, zlib.decompressobj()
    while chunk_header := file.read(8):
        length, kind = struct.unpack(">I4s", chunk_header)
        data = file.read(length)
        file.seek(4, 1)
        if kind == b"IHDR":
            expected = _expected_bytes(data)
        elif kind == b"IDAT":
            while data and not decompressor.eof:
                unpacked += len(decompressor.decompress(data, _CHUNK_BYTES))
                data = decompressor.unconsumed_tail
    return unpacked + len(decompressor.flush()) < expected


def _expected_bytes(header: bytes) -> int:
    """Return how many bytes the rows take, each with the byte of its filter."""
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    bits = depth * _CHANNELS[colour]
    passes = _PASSES if interlaced else ((0, 0, 1, 1),)
    sizes = ((-(-(width - left) // across), -(-(height - top) // down)) for left, top, across, down in passes)
    return sum(rows * (-(-columns * bits // 8) + 1) for columns, rows in sizes if columns > 0 and rows > 0)
