"""The addresses of the desk, a file for each kind of page; each file's `register` adds its own to the pages and to their JSON twins."""

from __future__ import annotations

from desunt.review.routes import decisions, exports, gap, images, overview, page, progress, queue, second, series, sign_in

REGISTER = tuple(part.register for part in (sign_in, overview, queue, gap, decisions, page, series, second, progress, exports, images))
