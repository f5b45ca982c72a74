"""The comments of a PDF: one over each gap, and in the apparatus what is supposed about it, every candidate labelled CONJECTURE."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from desunt.export.formats.pdf.writer import PdfFile, format_number, text_string
from desunt.export.markdown_escape import visible_text
from desunt.export.notes import Note
from desunt.export.wording import GENERATOR
from desunt.record.conjecture import CONJECTURE_LABEL

Area = tuple[float, float, float, float]
# Red, green and blue over a gap, over what is supposed, and over what an editor decided: light, for some viewers fill the place with it.
GAP_COLOUR, CONJECTURE_COLOUR, DECISION_COLOUR = (1.0, 0.86, 0.6), (0.86, 0.8, 1.0), (0.74, 0.93, 0.82)
FRAME_DARKNESS = 0.5  # the frame has the same tone, this much darker
PRINT_FLAG = 4  # the annotation flag Print, which PDF/A wants on every annotation but pop-ups


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment: who seems to speak, what is said, and the colour of its frame."""

    author: str
    text: str
    colour: tuple[float, float, float]


def comment_of(note: Note) -> Comment:
    """Return a note as a comment; whoever lists comments by their author sees at once whose it is."""
    match note.kind:
        case "conjecture":
            return Comment(f"{CONJECTURE_LABEL} ({GENERATOR})", "\n".join(note.lines), CONJECTURE_COLOUR)
        case "editor":
            return Comment(f"Editor: {visible_text(note.editor)}", "\n".join(note.lines), DECISION_COLOUR)
        case "gap":
            return Comment(f"Gap ({GENERATOR})", "\n".join(note.lines), GAP_COLOUR)
        case _:
            assert_never(note.kind)


def annotate(pdf: PdfFile, area: Area, comment: Comment, page: int) -> Iterator[tuple[int, bytes]]:
    """Yield a comment's objects, each with its number: the frame as it is drawn, the comment, and its pop-up.

    The page's list of annotations holds the last two.
    """
    left, bottom, right, top = area
    appearance, comment_object, popup = pdf.reserve(), pdf.reserve(), pdf.reserve()
    rectangle = b" ".join(map(format_number, area))
    corners = b" ".join(map(format_number, (left, top, right, top, left, bottom, right, bottom)))
    colour = b" ".join(map(format_number, comment.colour))
    frame_colour = b" ".join(format_number(FRAME_DARKNESS * part) for part in comment.colour)
    frame_rectangle = b" ".join(map(format_number, (left + 0.5, bottom + 0.5, max(0.1, right - left - 1), max(0.1, top - bottom - 1))))
    yield (
        appearance,
        pdf.stream(
            appearance,
            b"/Type /XObject /Subtype /Form /BBox [%s] /Matrix [1 0 0 1 0 0] /Resources << >>" % rectangle,
            b"%s RG 1 w %s re S" % (frame_colour, frame_rectangle),
        ),
    )
    yield (
        comment_object,
        pdf.write(
            comment_object,
            b"<< /Type /Annot /Subtype /Highlight /Rect [%s] /QuadPoints [%s] /C [%s] /F %d /P %d 0 R /T %s /Contents %s /Popup %d 0 R "
            b"/AP << /N %d 0 R >> >>"
            % (rectangle, corners, colour, PRINT_FLAG, page, text_string(comment.author), text_string(comment.text), popup, appearance),
        ),
    )
    yield (
        popup,
        pdf.write(
            popup, b"<< /Type /Annot /Subtype /Popup /Rect [%s] /Parent %d 0 R /P %d 0 R /Open false >>" % (rectangle, comment_object, page)
        ),
    )
