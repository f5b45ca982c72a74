"""Find the inputs of a run, and give each document its id and its folder."""

from __future__ import annotations

import glob
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias

from desunt.errors import InputError, UsageError
from desunt.record.document import stable_id
from desunt.run.inputs.archives import unpacked
from desunt.run.inputs.catalogue import Pairs

SourceKind: TypeAlias = Literal["scan", "transcript"]
ARCHIVE = ".zip"
TRANSCRIPT_SUFFIXES = frozenset({".txt", ".md", ".markdown", ".text"})


@dataclass(frozen=True, slots=True)
class Source:
    """One document to be: `path` is its file, `id` the file's path relative to the folder that was searched, `folder` where results go.

    A document of several files has their names in `files`, in the order of its pages; then `path` is the folder they are relative to, and
    `id` the document's name (`grouping.py`).
    `problem` is why there is no such file, although its archive names it; `metadata` are what a catalogue says about it.
    """

    path: Path
    id: str
    kind: SourceKind
    folder: str = ""
    problem: str = ""
    metadata: Pairs = ()
    files: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """Return what a log calls the document."""
        return self.id if self.files else str(self.path)


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` shares of a collection, numbered from 1: every document is in exactly one, whatever else is there."""

    number: int
    count: int

    @classmethod
    def parsed(cls, text: str) -> Shard:
        """Read `i/n`; raises UsageError."""
        found = re.fullmatch(r"(\d+)/(\d+)", text)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise UsageError(f"--shard {text}: no share", remedy="Give the share and how many there are, as in 3/8")
        return cls(int(found[1]), int(found[2]))

    def has(self, source: Source) -> bool:
        return int(hashlib.sha256(source.id.encode()).hexdigest(), 16) % self.count == self.number - 1


def listed(path: Path) -> list[Path]:
    """Return the inputs that a file names, one a line; names are relative to the file's folder. Empty lines and `#` lines are passed over.

    Raises UsageError if the file cannot be read, or names nothing.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: the list cannot be read ({error})", remedy="Give a text file in UTF-8, one input a line") from None
    named = [path.parent / line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not named:
        raise UsageError(f"{path}: the list names nothing", remedy="Write one scan or folder a line")
    return named


def find_sources(inputs: Sequence[Path], suffixes: frozenset[str], out: Path) -> list[Source]:
    """Find scans in folders (sub-folders too, in the order of their names) and take named files as they are.

    Hidden files and the results' own folder are passed over; texts are read only when named.
    Raises UsageError for an input that does not exist.
    """
    found: dict[Path, Source] = {}
    several = len([i for i in inputs if i.is_dir()]) > 1
    for given in inputs:
        for source in _search(given, suffixes, out, several):
            found.setdefault(source.path.resolve() / source.id if source.problem else source.path.resolve(), source)
    return told_apart(list(found.values()))


def told_apart(sources: Sequence[Source]) -> list[Source]:
    """Return the sources, no two with one id: those that would share it (`box1/1.png` and `box2/1.png`, both named) take so much of their
    paths that they do not, in whatever order they are given.

    Raises UsageError if that is not possible.
    """
    rivals: dict[str, list[Source]] = {}
    for source in sources:
        rivals.setdefault(source.id, []).append(source)
    found = [replace(one, id=_longer(one, rivals[one.id])) if len(rivals[one.id]) > 1 else one for one in sources]
    known: dict[str, Source] = {}
    for one in found:
        if known.setdefault(one.id, one) is not one:
            raise UsageError(f"{one.path} and {known[one.id].path} are both called {one.id}", remedy="Rename one of them")
    return found


def _longer(one: Source, rivals: Sequence[Source]) -> str:
    """Return the shortest end of the path, longer than the id, that none of the rivals has."""
    ends = [other.path.resolve().parts for other in rivals if other is not one]
    parts = one.path.resolve().parts
    start = len(PurePosixPath(one.id).parts) + 1
    least = next((k for k in range(start, len(parts)) if all(end[-k:] != parts[-k:] for end in ends)), len(parts))
    return PurePosixPath(*parts[-least:]).as_posix().lstrip("/")


def _search(given: Path, suffixes: frozenset[str], out: Path, several: bool) -> Iterable[Source]:
    if given.is_dir():
        prefix = f"{given.resolve().name}/" if several else ""
        for path in sorted(given.rglob("*"), key=lambda p: p.relative_to(given).as_posix()):
            inside = path.relative_to(given)
            hidden = any(part.startswith(".") for part in inside.parts)
            if path.suffix.lower() in suffixes and not hidden and path.is_file() and not path.resolve().is_relative_to(out.resolve()):
                yield Source(path, prefix + inside.as_posix(), "scan")
            elif path.suffix.lower() == ARCHIVE and not hidden and path.is_file() and not path.resolve().is_relative_to(out.resolve()):
                yield from _archived(path, prefix + inside.as_posix(), suffixes, out)
    elif not given.exists() and set(str(given)) & set("*?["):
        for path in _matching(given):
            yield from _search(path, suffixes, out, several=True)
    elif given.suffix.lower() == ARCHIVE and given.is_file():
        yield from _archived(given, given.name, suffixes, out)
    elif given.exists():
        yield Source(given, given.name, "transcript" if given.suffix.lower() in TRANSCRIPT_SUFFIXES else "scan")
    else:
        raise UsageError(f"{given}: no such file or folder", remedy="Name scans, or a folder that holds them")


def _archived(archive: Path, name: str, suffixes: frozenset[str], out: Path) -> Iterable[Source]:
    """Yield the scans of a ZIP; one that cannot be read is itself the document that fails."""
    seen: Counter[str] = Counter()
    try:
        for one in unpacked(archive, suffixes, out):
            # An archive may hold two files of one name.
            seen[one.name] += 1
            again = f" ({seen[one.name]})" if seen[one.name] > 1 else ""
            yield Source(one.path, f"{name}/{one.name}{again}", "scan", problem=one.problem)
    except InputError as error:
        yield Source(archive, name, "scan", problem=str(error))


def _matching(pattern: Path) -> list[Path]:
    """Return what a pattern matches, in the order of names, for those whose shell did not. Raises UsageError if nothing does."""
    found = sorted(map(Path, glob.glob(str(pattern), recursive=True)))  # noqa: PTH207 (the pattern may be absolute)
    if not found:
        raise UsageError(f"{pattern}: no file matches", remedy="Try the pattern with `ls`")
    return found


def give_folders(sources: Sequence[Source], taken: dict[str, str]) -> list[Source]:
    """Give each source a folder named after its stem.

    `taken` maps folders that exist already to the ids of their documents. A document keeps the folder it has; where two stems agree,
    the later document gets a suffix made from its id, so that adding a scan never moves another's results.
    """
    owners = dict(taken)
    # Case-insensitive file systems would take Letter and letter for one folder.
    folded = {owner.casefold() for owner in owners}
    homes = {owner: folder for folder, owner in taken.items()}
    placed = []
    for source in sources:
        folder = homes.get(source.id) or _free(_stem(source), source.id, folded)
        if folder in owners and owners[folder] != source.id:
            raise UsageError(f"{source.shown}: no folder name is free for it", remedy="Give it another name")
        owners[folder] = source.id
        folded.add(folder.casefold())
        homes[source.id] = folder
        placed.append(replace(source, folder=folder))
    return placed


def _free(stem: str, document_id: str, taken: set[str]) -> str:
    return stem if stem.casefold() not in taken else f"{stem}-{stable_id(document_id)[:8]}"


def _stem(source: Source) -> str:
    # The name of a document is no path: `RG 59/861.24` has neither a folder nor a suffix.
    return safe_name(source.id) if source.files else safe_stem(source.id)


def safe_stem(document_id: str) -> str:
    """Return the file's stem without characters that folders cannot carry, at most 120 long."""
    return safe_name(PurePosixPath(document_id).stem)


def safe_name(stem: str) -> str:
    """Return a name without characters that folders cannot carry, at most 120 long."""
    safe = re.sub(r"[^\w.,()+ -]", "_", stem).strip(" .")[:120]
    return safe or "document"
