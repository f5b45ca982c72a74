"""The pictures: pages by the scan's hash, lines by the gap's id; never by a path."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import Response

from desunt.review.auth import Desk, Reader
from desunt.review.page_images import SMALL_WIDTH, Kind
from desunt.review.rendering import COMMON
from desunt.review.store.types import Unknown
from desunt.review.views.picture import shown_part
from desunt.review.views.text import place_of

KEPT = "private, max-age=604800, immutable"

Sha256 = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
Frame = Annotated[int, Path(ge=0, le=100_000)]
Key = Annotated[str, Path(pattern="^[0-9a-f]{12}$", description="key of a document")]
TokenId = Annotated[str, Path(pattern="^[0-9a-zA-Z_-]{1,64}$")]
IMAGE: dict[int | str, dict[str, Any]] = {**COMMON, 200: {"content": {"image/jpeg": {}}, "description": "The picture."}}


def page_image(desk: Desk, person: Reader, sha256: Sha256, frame: Frame, kind: Kind) -> Response:
    """Return a page's picture in full."""
    return _page(desk, sha256, frame, kind, None)


def small_image(desk: Desk, person: Reader, sha256: Sha256, frame: Frame, kind: Kind) -> Response:
    """Return a page's picture, wide enough to read beside its text."""
    return _page(desk, sha256, frame, kind, SMALL_WIDTH)


def line_image(desk: Desk, person: Reader, key: Key, token: TokenId, kind: Kind) -> Response:
    """Return the part of the page that shows a gap or a word in its line."""
    record = desk.store.index.shown(desk.library.find(key).document_id)
    found = place_of(record, token)
    if found is None or found[0].image is None or found[2].box is None:
        raise Unknown(f"there is no {token} on a scan of this document")
    part = shown_part(found[0].image, found[1], found[2].box)
    return _answer(desk.pictures.line(record, found[0].image, kind, part))


def _page(desk: Desk, sha256: str, frame: int, kind: Kind, width: int | None) -> Response:
    document_id, _ = desk.store.index.scan(sha256)
    record = desk.store.index.record(document_id)
    images = (page.image for page in record.document.pages if page.image)
    image = next((one for one in images if (one.sha256, one.frame) == (sha256, frame)), None)
    if image is None:
        raise Unknown(f"the scan has no frame {frame}")
    return _answer(desk.pictures.page(record, image, kind, width=width))


def _answer(jpeg: bytes | None) -> Response:
    if jpeg is None:
        raise Unknown("the scan is not where it was, or has changed", remedy="start the desk with --scans and the folder it was moved to")
    return Response(jpeg, media_type="image/jpeg", headers={"cache-control": KEPT})


def register(pages: APIRouter, api: APIRouter) -> None:
    """Add the addresses of this file."""
    for router, responses in ((pages, None), (api, IMAGE)):
        router.get("/scans/{sha256}/{frame}/{kind}-small.jpg", response_class=Response, responses=responses)(small_image)
        router.get("/scans/{sha256}/{frame}/{kind}.jpg", response_class=Response, responses=responses)(page_image)
        router.get("/documents/{key}/lines/{token}/{kind}.jpg", response_class=Response, responses=responses)(line_image)
