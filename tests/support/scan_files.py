"""Writes scans for tests and reads them back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from desunt.scan import Scan, read_page
from tests.support import malformed_files as made

LIMITS = {"max_pixels": 200_000_000, "pdf_dpi": 300}
Save = Callable[..., Path]


def read(path: Path, number: int = 1, **limits: int) -> Scan:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return read_page(path, number, name=path.name, sha256=sha256, **(LIMITS | limits))


def write(folder: Path, data: bytes | Image.Image, name: str, **options: object) -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else made.encoded(data, Image.registered_extensions()[path.suffix], **options))
    return path


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image)
