"""Why the store says no; each carries what the page must tell the editor.

UsageError
+-- Conflict       someone was faster
+-- Invalid        the decision cannot mean anything
+-- Stale          the page was read anew since it was shown
+-- NotAllowed     the role does not permit it
+-- Throttled      too many failed sign-ins
InputError
+-- NotFound       there is no such gap, word, document, entry or user
+-- Unavailable    a run is writing the document anew
"""

from __future__ import annotations

from desunt.errors import InputError, UsageError
from desunt.record.decision_log import LogEntry


class Conflict(UsageError):
    """Someone was faster: `theirs` is the entry that took effect, `mine` the one just logged without effect."""

    def __init__(self, theirs: LogEntry, mine: LogEntry) -> None:
        decision = f"{theirs.verdict or theirs.action}{f' {theirs.text!r}' if theirs.text else ''}"
        super().__init__(
            f"{theirs.editor} decided this place at {theirs.at}: {decision}; your decision is kept on record without effect",
            remedy="Look at the place again; deciding anew replaces theirs",
        )
        self.theirs, self.mine = theirs, mine

    def __reduce__(self) -> tuple[object, ...]:
        return (Conflict, (self.theirs, self.mine))


class NotFound(InputError):
    """There is no such gap, word, document, entry or user."""


class Unavailable(InputError):
    """The document's record is not there at the moment: a run takes it away before it writes the new one."""


class Stale(UsageError):
    """The page was read anew since it was shown: what the editor saw is not what would be logged as shown."""


class Invalid(UsageError):
    """The decision cannot mean anything: a reading without its text, a basis that is missing, letters no database holds."""


class NotAllowed(UsageError):
    """The role of this user does not permit it, or a reader would judge their own reading."""


class Throttled(UsageError):
    """Too many failed sign-ins; `seconds` until the next is looked at."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many failed sign-ins, wait {seconds} seconds")
        self.seconds = seconds

    def __reduce__(self) -> tuple[object, ...]:
        return (Throttled, (self.seconds,))
