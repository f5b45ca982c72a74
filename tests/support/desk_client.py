"""A desk over records made by hand, asked over HTTP without a browser."""

from __future__ import annotations

from starlette.testclient import TestClient

from desunt.review.app import create_app
from desunt.review.environment import Environment
from desunt.review.store.types import QueueFilter

BASE = "http://localhost:8571"
OWN = {"origin": BASE}


def visitor(desk: Environment, name: str | None = "Anna", **more: object) -> TestClient:
    client = TestClient(create_app(desk), base_url=BASE, headers=OWN, follow_redirects=False, **more)
    if name:
        assert client.post("/sign-in", data={"name": name}).status_code == 303
    return client


def gap_of(desk: Environment, top: str) -> str:
    return next(row.gap_id for row in desk.store.queue.page(QueueFilter(status=None)).rows if row.top == top)


def version_of(desk: Environment, gap: str) -> str:
    return desk.store.index.find_gap(gap).version
