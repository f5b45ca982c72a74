"""How far the work is, who did it, how far readers agree, and how often the first candidate was right."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from desunt.review.auth import Desk, Reader
from desunt.review.rendering import twin
from desunt.review.store.progress import Agreement, Band, DocumentProgress, EditorProgress

LISTED = 500


@dataclass(frozen=True, slots=True)
class ProgressView:
    """All figures; `documents` are the first of the collection, `more` how many there are beyond."""

    documents: tuple[DocumentProgress, ...]
    more: int
    editors: tuple[EditorProgress, ...]
    agreement: Agreement
    bands: tuple[Band, ...]


def progress(desk: Desk, person: Reader) -> ProgressView:
    """Return the progress of the collection."""
    figures = desk.store.progress
    documents = figures.by_document()
    return ProgressView(documents[:LISTED], max(0, len(documents) - LISTED), figures.by_editor(), figures.agreement(), figures.bands())


def register(pages: APIRouter, api: APIRouter) -> None:
    """Add the addresses of this file."""
    twin(pages, api, "/progress", "progress.html.j2", progress, ProgressView)
