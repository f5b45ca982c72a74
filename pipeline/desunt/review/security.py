"""What keeps other sites and other people's pages away: who may ask, who may change, and what a page may load."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# The one style OpenSeadragon writes into the page by script (6.1.1); everything else it sets on elements, which needs no permission.
OPENSEADRAGON_STYLE_HASH = "'sha256-9xTiqzfwFaL2SGb1rmr8gysEwVVjIvqWAgmZgqFqpEE='"
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        f"style-src 'self' {OPENSEADRAGON_STYLE_HASH}",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """Refuse what does not come from the desk's own pages, and put the security headers on every answer."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        denial = why_denied(scope["method"], Headers(scope=scope), self.hosts)
        response = PlainTextResponse(denial, 403) if denial else self.app
        await response(scope, receive, _with_headers(send))


def why_denied(method: str, headers: Headers, hosts: frozenset[str] | None) -> str | None:
    """Return why a request is refused, None if it may pass.

    A change must say that it comes from a page of the desk: by Sec-Fetch-Site where the browser sends it, else by Origin. What
    sends neither is no browser of these ten years, and may add an Origin itself.
    """
    host = headers.get("host", "")
    if hosts is not None and _host_name(host) not in hosts:
        return "This desk answers only under the name of this machine (localhost)."
    if method in SAFE_METHODS:
        return None
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site != "same-origin":
        return "A change was asked for by a page of another site, and refused."
    if origin is not None and urlsplit(origin).netloc != host:
        return "A change was asked for by a page of another origin, and refused."
    if site is None and origin is None:
        return "A change must say where it comes from: send the header Origin with the desk's own address."
    return None


def _host_name(host: str) -> str:
    """Return the name in a Host header, without the port; nothing if it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers[name] = value
            # What an editor sees must not stay behind in a shared browser; pictures and assets say for themselves how long they hold.
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return send_with_headers
