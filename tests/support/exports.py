"""What an exporter writes of a record, as one piece; and how long Hypothesis looks for a record that breaks it."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from desunt.export import Exporter, Mode, load_exporter
from desunt.record.document import ImageRef
from desunt.record.files import Record

EXPORT_SEARCH = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def no_picture(_: ImageRef) -> bytes | None:
    return None


def export_bytes(exporter: Exporter, record: Record, pictures=no_picture, mode: Mode | None = None) -> bytes:
    return b"".join(exporter.export(record, pictures, mode or exporter.modes[0]))


def export_text(name: str, record: Record, pictures=no_picture) -> str:
    return export_bytes(load_exporter(name), record, pictures).decode()
