"""Validate the exports of a folder of results: XML against its official schema, PDF text against the diplomatic text.

usage: python -m benchmarks.validate_exports OUTPUTS      (after `desunt export OUTPUTS --mode ...`)

Prints what was looked at, and each complaint; ends with 1 if there is any.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.support.xml_schemas import complaints

KINDS = ("tei", "page", "alto")


def complaints_about(folder: Path, counts: Counter[str]) -> Iterator[str]:
    """Yield what is wrong with the exports of one document; counts what was validated."""
    counts["pages"] += len(json.loads((folder / "record.json").read_bytes())["document"]["pages"])
    for path in sorted(folder.glob("*.xml")):
        kind = next(kind for kind in KINDS if f".{kind}." in path.name)
        counts[kind] += 1
        yield from (f"{path.name}: {complaint}" for complaint in complaints(kind, path.read_bytes()))
    pdf, text = folder / f"{folder.name}.pdf", folder / f"{folder.name}.txt"
    if pdf.exists() and text.exists():
        counts["pdf"] += 1
        # -raw: in the order of the file; without it pdftotext puts words in an order of its own, by their places.
        pdf_text = subprocess.run(["pdftotext", "-raw", "-enc", "UTF-8", pdf, "-"], check=True, capture_output=True, text=True).stdout
        if pdf_text.split() != text.read_text("utf-8").split():
            yield f"{pdf.name}: its text is not that of {text.name}"


def main() -> None:
    counts, wrong = Counter[str](), list[str]()
    for record in sorted(Path(sys.argv[1]).glob("*/record.json")):
        wrong += complaints_about(record.parent, counts)
    print(", ".join(f"{number} {name}" for name, number in counts.items()), f"; {len(wrong)} complaints", sep="")
    print("\n".join(wrong))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
