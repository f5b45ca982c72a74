"""A PDF written from front to back: each object is given away as soon as it is made, and only its place in the file is kept."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

# The second line marks the file as binary; PDF/A wants four bytes above 127 there (ISO 19005-2, 6.1.2).
HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
# The colour space sRGB as an ICC profile of version 4, made by Little CMS, whose profiles are free to use; its date is set to 2000.
SRGB_PROFILE = base64.b64decode(
    "AAACTGxjbXMEQAAAbW50clJHQiBYWVogB9AAAQABAAAAAAAAYWNzcEFQUEwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAPbWAAEAAAAA0y1sY21zAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAALZGVzYwAAAQgAAAA2Y3BydAAAAUAAAABMd3RwdAAAAYwAAAAUY2hhZAAAAaAAAAAsclhZWgAAAcwAAAAUYlhZ"
    "WgAAAeAAAAAUZ1hZWgAAAfQAAAAUclRSQwAAAggAAAAgZ1RSQwAAAggAAAAgYlRSQwAAAggAAAAgY2hybQAAAigAAAAkbWx1YwAAAAAAAAABAAAADGVuVVMAAAAaAAAAHA"
    "BzAFIARwBCACAAYgB1AGkAbAB0AC0AaQBuAABtbHVjAAAAAAAAAAEAAAAMZW5VUwAAADAAAAAcAE4AbwAgAGMAbwBwAHkAcgBpAGcAaAB0ACwAIAB1AHMAZQAgAGYAcgBl"
    "AGUAbAB5WFlaIAAAAAAAAPbWAAEAAAAA0y1zZjMyAAAAAAABDEIAAAXe///zJQAAB5MAAP2Q///7of///aIAAAPcAADAblhZWiAAAAAAAABvoAAAOPUAAAOQWFlaIAAAAA"
    "AAACSfAAAPhAAAtsNYWVogAAAAAAAAYpcAALeHAAAY2XBhcmEAAAAAAAMAAAACZmYAAPKnAAANWQAAE9AAAApbY2hybQAAAAAAAwAAAACj1wAAVHsAAEzNAACZmgAAJmYA"
    "AA9c"
)


def text_string(text: str) -> bytes:
    """Return a text string (ISO 32000-1, 7.9.2.2) in hexadecimal digits, so that nothing in it needs escaping."""
    return b"<" + ("\ufeff" + text).encode("utf-16-be", "replace").hex().upper().encode() + b">"


def format_number(value: float) -> bytes:
    """Print a number with at most two decimals and no exponent."""
    printed = f"{value:.2f}".rstrip("0").rstrip(".")
    return b"0" if printed == "-0" else printed.encode()


class PdfFile:
    """Number the objects of a PDF and remember where each one begins; every method returns bytes to be written next."""

    def __init__(self) -> None:
        self._offsets: list[int] = []
        self._position = 0
        self._hash = hashlib.sha256()

    def begin(self) -> bytes:
        return self._count(HEADER)

    def reserve(self) -> int:
        """Return the number of an object that will be written later."""
        self._offsets.append(0)
        return len(self._offsets)

    def write(self, reference: int, body: bytes) -> bytes:
        """Return an object under its number."""
        self._offsets[reference - 1] = self._position
        return self._count(b"%d 0 obj\n%s\nendobj\n" % (reference, body))

    def stream(self, reference: int, keys: bytes, data: bytes) -> bytes:
        """Return a stream object; `keys` are its entries besides the length."""
        return self.write(reference, b"<< %s /Length %d >>\nstream\n%s\nendstream" % (keys, len(data), data))

    def end(self, root: int, info: int) -> Iterator[bytes]:
        """Yield the cross-reference table and the trailer; the file's ID is the hash of what stands before it."""
        xref_offset, file_id = self._position, self._hash.hexdigest()[:32].upper().encode()
        yield b"xref\n0 %d\n0000000000 65535 f \n" % (len(self._offsets) + 1)
        for offset in self._offsets:
            yield b"%010d 00000 n \n" % offset
        yield b"trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R /ID [<%s> <%s>] >>\nstartxref\n%d\n%%%%EOF\n" % (
            len(self._offsets) + 1, root, info, file_id, file_id, xref_offset,
        )  # fmt: skip

    def _count(self, content: bytes) -> bytes:
        self._position += len(content)
        self._hash.update(content)
        return content
