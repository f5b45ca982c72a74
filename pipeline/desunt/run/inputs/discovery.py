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
from desunt.record.document import Metadata, stable_id
from desunt.run.inputs.archives import extract_scans

SourceKind: TypeAlias = Literal["scan", "transcript"]
ARCHIVE_SUFFIX = ".zip"
TRANSCRIPT_SUFFIXES = frozenset({".txt", ".md", ".markdown", ".text"})


@dataclass(frozen=True, slots=True)
class InputSource:
    """One document to be: `path` is its file, `id` the file's path relative to the folder that was searched, `folder` where results go.

    A document of several files has their names in `files`, in the order of its pages; then `path` is the folder they are relative to, and
    `id` the document's name (`catalogue.py`).
    `problem` is why there is no such file, although its archive names it; `metadata` are what a catalogue says about it.
    """

    path: Path
    id: str
    kind: SourceKind
    folder: str = ""
    problem: str = ""
    metadata: Metadata = ()
    files: tuple[str, ...] = ()

    @property
    def display_name(self) -> str:
        """Return what a log calls the document."""
        return self.id if self.files else str(self.path)


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` shares of a collection, numbered from 1: every document is in exactly one, whatever else is there."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read `i/n`; raises UsageError."""
        match = re.fullmatch(r"(\d+)/(\d+)", text)
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise UsageError(f"--shard {text}: no share", remedy="Give the share and how many there are, as in 3/8")
        return cls(int(match[1]), int(match[2]))

    def includes(self, source: InputSource) -> bool:
        return int(hashlib.sha256(source.id.encode()).hexdigest(), 16) % self.count == self.number - 1


def read_file_list(path: Path) -> list[Path]:
    """Return the inputs that a file names, one a line; names are relative to the file's folder. Empty lines and `#` lines are passed over.

    Raises UsageError if the file cannot be read, or names nothing.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: the list cannot be read ({error})", remedy="Give a text file in UTF-8, one input a line") from None
    inputs = [path.parent / line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not inputs:
        raise UsageError(f"{path}: the list names nothing", remedy="Write one scan or folder a line")
    return inputs


def find_sources(inputs: Sequence[Path], suffixes: frozenset[str], out: Path) -> list[InputSource]:
    """Find scans in folders (sub-folders too, in the order of their names) and take named files as they are.

    Hidden files and the results' own folder are passed over; texts are read only when named.
    Raises UsageError for an input that does not exist.
    """
    sources: dict[Path, InputSource] = {}
    several_folders = len([path for path in inputs if path.is_dir()]) > 1
    for path in inputs:
        for source in _find_in(path, suffixes, out, several_folders):
            sources.setdefault(source.path.resolve() / source.id if source.problem else source.path.resolve(), source)
    return disambiguate_ids(list(sources.values()))


def disambiguate_ids(sources: Sequence[InputSource]) -> list[InputSource]:
    """Return the sources, no two with one id: those that would share it (`box1/1.png` and `box2/1.png`, both named) take so much of their
    paths that they do not, in whatever order they are given.

    Raises UsageError if that is not possible.
    """
    rivals: dict[str, list[InputSource]] = {}
    for source in sources:
        rivals.setdefault(source.id, []).append(source)
    renamed = [replace(s, id=_disambiguated_id(s, rivals[s.id])) if len(rivals[s.id]) > 1 else s for s in sources]
    owners: dict[str, InputSource] = {}
    for source in renamed:
        if owners.setdefault(source.id, source) is not source:
            raise UsageError(f"{source.path} and {owners[source.id].path} are both called {source.id}", remedy="Rename one of them")
    return renamed


def _disambiguated_id(source: InputSource, rivals: Sequence[InputSource]) -> str:
    """Return the shortest end of the path, longer than the id, that none of the rivals has."""
    other_paths = [rival.path.resolve().parts for rival in rivals if rival is not source]
    parts = source.path.resolve().parts
    start = len(PurePosixPath(source.id).parts) + 1
    length = next((n for n in range(start, len(parts)) if all(other[-n:] != parts[-n:] for other in other_paths)), len(parts))
    return PurePosixPath(*parts[-length:]).as_posix().lstrip("/")


def _find_in(path: Path, suffixes: frozenset[str], out: Path, several_folders: bool) -> Iterable[InputSource]:
    if path.is_dir():
        yield from _find_in_folder(path, suffixes, out, f"{path.resolve().name}/" if several_folders else "")
    elif not path.exists() and set(str(path)) & set("*?["):
        for match in _expand_pattern(path):
            yield from _find_in(match, suffixes, out, several_folders=True)
    elif path.suffix.lower() == ARCHIVE_SUFFIX and path.is_file():
        yield from _archive_sources(path, path.name, suffixes, out)
    elif path.exists():
        yield InputSource(path, path.name, "transcript" if path.suffix.lower() in TRANSCRIPT_SUFFIXES else "scan")
    else:
        raise UsageError(f"{path}: no such file or folder", remedy="Name scans, or a folder that holds them")


def _find_in_folder(folder: Path, suffixes: frozenset[str], out: Path, prefix: str) -> Iterable[InputSource]:
    for path in sorted(folder.rglob("*"), key=lambda p: p.relative_to(folder).as_posix()):
        inside, suffix = path.relative_to(folder), path.suffix.lower()
        if suffix not in {*suffixes, ARCHIVE_SUFFIX} or any(part.startswith(".") for part in inside.parts):
            continue
        if path.is_file() and not path.resolve().is_relative_to(out.resolve()):
            if suffix in suffixes:
                yield InputSource(path, prefix + inside.as_posix(), "scan")
            else:
                yield from _archive_sources(path, prefix + inside.as_posix(), suffixes, out)


def _archive_sources(archive: Path, name: str, suffixes: frozenset[str], out: Path) -> Iterable[InputSource]:
    """Yield the scans of a ZIP; one that cannot be read is itself the document that fails."""
    copies: Counter[str] = Counter()
    try:
        for scan in extract_scans(archive, suffixes, out):
            # An archive may hold two files of one name.
            copies[scan.name] += 1
            suffix = f" ({copies[scan.name]})" if copies[scan.name] > 1 else ""
            yield InputSource(scan.path, f"{name}/{scan.name}{suffix}", "scan", problem=scan.problem)
    except InputError as error:
        yield InputSource(archive, name, "scan", problem=str(error))


def _expand_pattern(pattern: Path) -> list[Path]:
    """Return what a pattern matches, in the order of names, for those whose shell did not. Raises UsageError if nothing does."""
    paths = sorted(map(Path, glob.glob(str(pattern), recursive=True)))  # noqa: PTH207 (the pattern may be absolute)
    if not paths:
        raise UsageError(f"{pattern}: no file matches", remedy="Try the pattern with `ls`")
    return paths


def assign_folders(sources: Sequence[InputSource], taken: dict[str, str]) -> list[InputSource]:
    """Give each source a folder named after its stem.

    `taken` maps folders that exist already to the ids of their documents. A document keeps the folder it has; where two stems agree,
    the later document gets a suffix made from its id, so that adding a scan never moves another's results.
    """
    owners = dict(taken)
    # Case-insensitive file systems would take Letter and letter for one folder.
    taken_names = {folder.casefold() for folder in owners}
    folder_of = {owner: folder for folder, owner in taken.items()}
    placed = []
    for source in sources:
        folder = folder_of.get(source.id) or _free_folder_name(_folder_stem(source), source.id, taken_names)
        if folder in owners and owners[folder] != source.id:
            raise UsageError(f"{source.display_name}: no folder name is free for it", remedy="Give it another name")
        owners[folder] = source.id
        taken_names.add(folder.casefold())
        folder_of[source.id] = folder
        placed.append(replace(source, folder=folder))
    return placed


def _free_folder_name(stem: str, document_id: str, taken: set[str]) -> str:
    return stem if stem.casefold() not in taken else f"{stem}-{stable_id(document_id)[:8]}"


def _folder_stem(source: InputSource) -> str:
    # The name of a document is no path: `RG 59/861.24` has neither a folder nor a suffix.
    return safe_name(source.id) if source.files else safe_stem(source.id)


def safe_stem(document_id: str) -> str:
    """Return the file's stem without characters that folders cannot carry, at most 120 long."""
    return safe_name(PurePosixPath(document_id).stem)


def safe_name(stem: str) -> str:
    """Return a name without characters that folders cannot carry, at most 120 long."""
    safe = re.sub(r"[^\w.,()+ -]", "_", stem).strip(" .")[:120]
    return safe or "document"
