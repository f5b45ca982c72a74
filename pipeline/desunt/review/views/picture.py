"""Where a page's picture is to be had, and which part of it shows a gap's line."""

from __future__ import annotations

from dataclasses import dataclass

from desunt.record.document import Box, ImageRef, Line
from desunt.review.page_images import SMALL_IMAGE_WIDTH_PX, ImageKind, picture_version
from desunt.review.views.text import TokenPlace

# The line is shown so much wider than the gap, and at least so wide: so it is seen larger than life.
MIN_WIDTH_IN_GAP_WIDTHS = 2.4
MIN_WIDTH_IN_LINE_HEIGHTS = 26.0
# Of a line's height, shown above and below: the neighbours' ink is there too.
MARGIN_IN_LINE_HEIGHTS = 0.7


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A page's image: sizes in pixels of the scan; the addresses change when the scan does."""

    width: int
    height: int
    small_width: int
    small_height: int
    original: str
    cleaned: str
    original_small: str
    cleaned_small: str
    marks: tuple[PageMark, ...] = ()


@dataclass(frozen=True, slots=True)
class PageMark:
    """A gap's or word's box on the page, in pixels of the scan."""

    id: str
    kind: str
    box: Box


@dataclass(frozen=True, slots=True)
class LinePicture:
    """The enlarged part of a line: what is shown of the scan, and the gap's box, both in pixels of the scan."""

    original: str
    cleaned: str
    shown: Box
    box: Box


def page_picture(image: ImageRef | None, marks: tuple[PageMark, ...] = ()) -> PagePicture | None:
    """Return where the page's picture is; None without a scan."""
    if image is None:
        return None
    width = min(SMALL_IMAGE_WIDTH_PX, image.width)
    return PagePicture(
        image.width, image.height, width, round(image.height * width / image.width),
        page_image_path(image, "original", ""), page_image_path(image, "cleaned", ""),
        page_image_path(image, "original", "-small"), page_image_path(image, "cleaned", "-small"), marks,
    )  # fmt: skip


def page_image_path(image: ImageRef, kind: ImageKind, size: str) -> str:
    """Return the address of a page's picture: by the scan's hash and frame, never by its path."""
    return f"/scans/{image.sha256}/{image.frame}/{kind}{size}.jpg"


def line_picture(key: str, place: TokenPlace) -> LinePicture | None:
    """Return the part of the line that shows the token of the document with that key; None without a scan or a box."""
    image, token = place.page.image, place.token
    if image is None or token.box is None:
        return None
    shown = line_crop(image, place.line, token.box)
    # The address says what is shown, so that a browser may keep it: another scan or a moved box has another address.
    version = f"{picture_version(image)}-{shown.left}-{shown.top}-{shown.right}-{shown.bottom}"
    address = f"/documents/{key}/lines/{token.id}"
    return LinePicture(f"{address}/original.jpg?v={version}", f"{address}/cleaned.jpg?v={version}", shown, token.box)


def line_crop(image: ImageRef, line: Line, box: Box) -> Box:
    """Return the part of the page, in pixels of the scan, that shows a box in its line."""
    # A line that was read crookedly, or a gap much higher than its line, must not make the picture higher than a few lines.
    height = min(line.box.height if line.box else box.height, max(3 * box.height, 1))
    top = min(line.box.top, box.top) if line.box else box.top
    bottom = max(line.box.bottom, box.bottom) if line.box else box.bottom
    margin = round(MARGIN_IN_LINE_HEIGHTS * height)
    width = max(round(MIN_WIDTH_IN_GAP_WIDTHS * box.width), round(MIN_WIDTH_IN_LINE_HEIGHTS * height))
    left = max(0, min((box.left + box.right - width) // 2, image.width - width))
    return Box(left, max(0, top - margin), min(image.width, left + width), min(image.height, bottom + margin))
