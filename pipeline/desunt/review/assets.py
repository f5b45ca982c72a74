"""The desk's own styles and scripts, with addresses that change when they do, so that a browser may keep them."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

CACHE_FOREVER = "public, max-age=31536000, immutable"


@cache
def asset_url(name: str) -> str:
    """Return the address of a file of `static/`, its content's hash with it."""
    content = (resources.files("desunt.review") / "static" / name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:10]}"


class Assets(StaticFiles):
    """Serve `static/`; what a browser requests with its hash never changes."""

    def __init__(self) -> None:
        super().__init__(directory=Path(str(resources.files("desunt.review") / "static")))

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file; raises HTTPException if there is none."""
        response = await super().get_response(path, scope)
        if b"v=" in scope.get("query_string", b""):
            response.headers["cache-control"] = CACHE_FOREVER
        return response
