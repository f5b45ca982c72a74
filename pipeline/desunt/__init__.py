"""desunt reads scanned archival pages, says which words it could not read, and offers labelled conjectures for them."""

from __future__ import annotations

__version__ = "0.1.0"
