"""The pictures: pages by the scan's hash, lines by the gap's id; never by a path."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import Response

from desunt.review.auth import Desk, SignedInUser
from desunt.review.page_images import SMALL_IMAGE_WIDTH_PX, ImageKind
from desunt.review.rendering import COMMON_RESPONSES
from desunt.review.store.types import NotFound
from desunt.review.views.picture import line_crop
from desunt.review.views.text import find_token

CACHE_ONE_WEEK = "private, max-age=604800, immutable"

Sha256 = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
Frame = Annotated[int, Path(ge=0, le=100_000)]
Key = Annotated[str, Path(pattern="^[0-9a-f]{12}$", description="key of a document")]
TokenId = Annotated[str, Path(pattern="^[0-9a-zA-Z_-]{1,64}$")]
IMAGE_RESPONSES: dict[int | str, dict[str, Any]] = {**COMMON_RESPONSES, 200: {"content": {"image/jpeg": {}}, "description": "The picture."}}


def page_image(desk: Desk, user: SignedInUser, sha256: Sha256, frame: Frame, kind: ImageKind) -> Response:
    """Return a page's picture in full."""
    return _page_image(desk, sha256, frame, kind, None)


def small_image(desk: Desk, user: SignedInUser, sha256: Sha256, frame: Frame, kind: ImageKind) -> Response:
    """Return a page's picture, wide enough to read beside its text."""
    return _page_image(desk, sha256, frame, kind, SMALL_IMAGE_WIDTH_PX)


def line_image(desk: Desk, user: SignedInUser, key: Key, token: TokenId, kind: ImageKind) -> Response:
    """Return the part of the page that shows a gap or a word in its line."""
    record = desk.store.index.edited_record(desk.library.find(key).document_id)
    place = find_token(record, token)
    if place is None or place.page.image is None or place.token.box is None:
        raise NotFound(f"there is no {token} on a scan of this document")
    crop = line_crop(place.page.image, place.line, place.token.box)
    return _jpeg_response(desk.page_images.line(record, place.page.image, kind, crop))


def _page_image(desk: Desk, sha256: str, frame: int, kind: ImageKind, width: int | None) -> Response:
    document_id, _ = desk.store.index.find_scan(sha256)
    record = desk.store.index.decided_record(document_id)
    images = (page.image for page in record.document.pages if page.image)
    image = next((image for image in images if (image.sha256, image.frame) == (sha256, frame)), None)
    if image is None:
        raise NotFound(f"the scan has no frame {frame}")
    return _jpeg_response(desk.page_images.page(record, image, kind, width=width))


def _jpeg_response(jpeg: bytes | None) -> Response:
    if jpeg is None:
        raise NotFound("the scan is not where it was, or has changed", remedy="start the desk with --scans and the folder it was moved to")
    return Response(jpeg, media_type="image/jpeg", headers={"cache-control": CACHE_ONE_WEEK})


def register(pages: APIRouter, api: APIRouter) -> None:
    """Add the addresses of this file."""
    for router, responses in ((pages, None), (api, IMAGE_RESPONSES)):
        router.get("/scans/{sha256}/{frame}/{kind}-small.jpg", response_class=Response, responses=responses)(small_image)
        router.get("/scans/{sha256}/{frame}/{kind}.jpg", response_class=Response, responses=responses)(page_image)
        router.get("/documents/{key}/lines/{token}/{kind}.jpg", response_class=Response, responses=responses)(line_image)
