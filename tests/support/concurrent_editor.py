"""An editor in a process of their own: decides gaps and says on standard output what was acknowledged. For test_review_store_together."""

from __future__ import annotations

import random
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from desunt.review.store import Store, open_store
from desunt.review.store.types import Conflict, Proposal, QueueFilter


def decide(store: Store, editor: str, times: int) -> list[str]:
    """Decide gaps drawn at random, each as it was seen a moment before; return a line an answer: `ok UID GAP` or `late UID GAP`."""
    draw = random.Random(editor)
    gaps = [row.gap_id for row in store.queue.page(QueueFilter(status=None, order="document"), limit=500).rows]
    answers = []
    for number in range(times):
        row = store.index.find_gap(draw.choice(gaps))
        try:
            entry = store.decisions.decide(Proposal(row.gap_id, "amended", editor, row.version, "ink", f"{editor} {number}"))
            answers.append(f"ok {entry.uid} {row.gap_id}")
        except Conflict as conflict:
            answers.append(f"late {conflict.mine.uid} {row.gap_id}")
        # One write a line: `print` makes two, and between them another thread may put its own.
        sys.stdout.write(f"{answers[-1]}\n")
        sys.stdout.flush()
    return answers


def main(outputs: str, database: str, name: str, threads: str, times: str) -> None:
    store = open_store(Path(outputs), database or None)
    with ThreadPoolExecutor(int(threads)) as pool:
        for future in [pool.submit(decide, store, f"{name}-{n}", int(times)) for n in range(int(threads))]:
            future.result()
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
