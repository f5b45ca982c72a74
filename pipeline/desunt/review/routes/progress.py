"""How far the work is, who did it, how far readers agree, and how often the first candidate was right."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from desunt.review.auth import Desk, SignedInUser
from desunt.review.rendering import add_page_and_api
from desunt.review.store.progress import Agreement, CalibrationBand, DocumentProgress, EditorProgress

MAX_LISTED_DOCUMENTS = 500


@dataclass(frozen=True, slots=True)
class ProgressView:
    """All figures; `documents` are the first of the collection, `more` how many there are beyond."""

    documents: tuple[DocumentProgress, ...]
    more: int
    editors: tuple[EditorProgress, ...]
    agreement: Agreement
    bands: tuple[CalibrationBand, ...]


def progress(desk: Desk, user: SignedInUser) -> ProgressView:
    """Return the progress of the collection."""
    figures = desk.store.progress
    documents = figures.by_document()
    listed, more = documents[:MAX_LISTED_DOCUMENTS], max(0, len(documents) - MAX_LISTED_DOCUMENTS)
    return ProgressView(listed, more, figures.by_editor(), figures.agreement(), figures.bands())


def register(pages: APIRouter, api: APIRouter) -> None:
    """Add the addresses of this file."""
    add_page_and_api(pages, api, "/progress", "progress.html.j2", progress, ProgressView)
