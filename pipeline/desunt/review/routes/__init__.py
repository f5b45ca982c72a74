"""The addresses of the desk, a file for each kind of page; each file's `register` adds its own to the pages and to their JSON twins."""

from __future__ import annotations

from desunt.review.routes import decisions, exports, gap, images, overview, page, progress, queue, second_reading, series, sign_in

ROUTE_MODULES = (sign_in, overview, queue, gap, decisions, page, series, second_reading, progress, exports, images)
