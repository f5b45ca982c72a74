"""Quote foreign text in Markdown so that nothing in it can act as Markdown, HTML, a link or a change of direction."""

from __future__ import annotations

import re
import unicodedata

SPECIAL = re.compile(r"([\\`*_\[\]<>&~|#$])")
# Markdown readers make links of these without being asked, and a backslash does not stop all of them.
LINK_LIKE = re.compile(r"@|://|www\.", re.IGNORECASE)
BACKTICKS = re.compile(r"`+")
# Joiners and variation selectors belong to scripts and are harmless; all other format characters can hide or turn text.
HARMLESS = frozenset("\u200c\u200d\u00ad")


def visible_text(text: str) -> str:
    """Return the text on one line, with control and direction characters written out as `⟨U+202E⟩`."""
    return "".join(f"⟨U+{ord(character):04X}⟩" if _is_control(character) else character for character in text.replace("\t", " "))


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs") and character not in HARMLESS


def code_span(text: str) -> str:
    """Return the text as a code span, in which nothing has a meaning; its fence is longer than any run of backticks inside."""
    visible = visible_text(text)
    if not visible.strip():
        return f"`{visible or ' '}`" if visible else "(nothing)"
    fence = "`" * (1 + max((len(run) for run in BACKTICKS.findall(visible)), default=0))
    # Markdown takes one space away on both sides if both are there, and a backtick must not touch the fence.
    padding = " " if visible[0] in "` " or visible[-1] in "` " else ""
    return f"{fence}{padding}{visible}{padding}{fence}"


def escape_prose(text: str) -> str:
    """Return the text as prose, its special characters escaped; as a code span if a reader might find a link in it."""
    visible = visible_text(text).strip()
    return code_span(text) if LINK_LIKE.search(visible) else SPECIAL.sub(r"\\\1", visible)
