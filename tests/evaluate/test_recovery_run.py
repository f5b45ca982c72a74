"""A run of `desunt evaluate recovery`: its threshold, its file, its baseline, and the command over a real page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from desunt.cli import app
from desunt.errors import InputError, UsageError
from desunt.evaluate.ground_truth import GroundTruth, marked_line
from desunt.evaluate.recovery.measure import measure
from desunt.evaluate.recovery.page_cache_file import PageCacheFile, ProposedCandidates, ReadPage
from desunt.evaluate.recovery.run import Recovery, TruthImage, evaluate_recovery, find_images
from desunt.evaluate.recovery.systems import NearestWords
from desunt.lm.lexicon import Lexicon
from desunt.record.document import Line, Page, Region, Word
from desunt.settings import read_settings
from tests.support.rendered_pages import letter_page

COUNTS = {"the": 900, "war": 80, "ward": 20, "was": 700, "Stalin": 40, "Minister": 30}
LEXICON = Lexicon({one.casefold(): n for one, n in COUNTS.items()}, {one.casefold(): one for one in COUNTS}, 5000)


def test_the_nearest_words_by_edits_then_frequency_in_the_reading_s_case() -> None:
    # The lexicon gives words most frequent first, as the shipped table is ordered.
    ordered = LEXICON.with_names(iter(()))
    nearest = NearestWords(ordered).nearest
    assert nearest("wax")[:2] == ("was", "war")
    assert nearest("war")[0] == "war"
    assert nearest("STAL1N") == ("STAL1N",)
    assert nearest("STALIM") == ("STALIN",)
    assert nearest("Ninister.") == ("Minister",)
    assert nearest("tke Ninister") == ("the Minister",)
    assert nearest("qqqqqqqq") == ("qqqqqqqq",)
    assert nearest("—") == ()


class CountingSystem:
    """The truth for every gap, counting the gaps it is given and failing at will."""

    name, cache_key = "desunt", "one"

    def __init__(self, fail_at: int | None = None) -> None:
        self.fail_at, self.queried = fail_at, list[tuple[str, ...]]()

    def answer(self, question: Page) -> dict[str, tuple[str, ...]]:
        if len(self.queried) == self.fail_at:
            raise KeyboardInterrupt
        self.queried.append(tuple(gap.id for gap in question.gaps))
        return {gap.id: ("two",) for gap in question.gaps}


LEGIBLE = {"one": 0.99, "tvo": 0.3, "three": 0.6, "four": 0.99, "five": 0.99, "six": 0.99, "seven": 0.99}
WORDS = tuple(Word(f"w-{text}", text, None, "tesseract", 0.9, legibility) for text, legibility in LEGIBLE.items())
READ = Page(1, None, (Region("r", "body", None, (Line("l", None, WORDS),)),))
TRUTH = GroundTruth((marked_line("one two three four five six seven"),), Path("a.gt.txt"))
IMAGES = tuple(TruthImage(name, Path(name), TRUTH, f"key of {name}") for name in ("a.png", "b.png", "c.png"))


def run(
    system: CountingSystem, path: Path | None, *, resume: bool = False, max_fpr: float = 0.05, reads: list[str] | None = None
) -> Recovery:
    def read(image: Path) -> ReadPage:
        if reads is not None:
            reads.append(image.name)
        return ReadPage((READ,), "one tvo three four five six seven")

    return evaluate_recovery(Path("here"), IMAGES, read, [system], PageCacheFile(path, resume=resume), max_fpr=max_fpr)


def test_the_threshold_is_where_the_share_of_right_words_lies_above_it() -> None:
    # Of six right words a page only `three` is in doubt (0.4): with a share of a sixth or more it is asked about too.
    few, many = CountingSystem(), CountingSystem()
    assert run(few, None, max_fpr=0.1).doubt == pytest.approx(0.4)
    assert few.queried == [("w-tvo",)] * 3
    assert run(many, None, max_fpr=0.2).doubt == pytest.approx(0.01)
    assert many.queried == [("w-tvo", "w-three")] * 3
    none = CountingSystem()
    assert run(none, None, max_fpr=0).doubt is None
    assert none.queried == [()] * 3


def test_a_run_that_was_cut_goes_on_and_says_the_same(tmp_path: Path) -> None:
    out, whole, reads = tmp_path / "new" / "pages.jsonl", run(CountingSystem(), None), list[str]()
    with pytest.raises(KeyboardInterrupt):
        run(CountingSystem(fail_at=1), out, reads=reads)
    assert len(out.read_text("utf-8").splitlines()) == 4
    out.write_bytes(out.read_bytes() + b'{"kind": "Propo')
    second = CountingSystem()
    resumed = run(second, out, resume=True, reads=reads)
    assert (len(second.queried), reads) == (2, ["a.png", "b.png", "c.png"])
    assert measure(resumed) == measure(whole)
    third = CountingSystem()
    run(third, out, resume=True, reads=reads)
    assert (third.queried, len(reads)) == ([], 3)
    other = CountingSystem()
    run(other, out, resume=True, max_fpr=0.2, reads=reads)
    assert (len(other.queried), len(reads)) == (3, 3)


def test_a_file_of_pages_is_not_written_to_unasked_and_not_guessed_at(tmp_path: Path) -> None:
    out = tmp_path / "pages.jsonl"
    PageCacheFile(out, resume=False).add("a.png", "key", ProposedCandidates({"g": ("one", "two")}))
    with pytest.raises(UsageError, match="holds pages already"):
        PageCacheFile(out, resume=False)
    kept = PageCacheFile(out, resume=True)
    assert kept.find(ProposedCandidates, "a.png", "key") == ProposedCandidates({"g": ("one", "two")})
    assert kept.find(ProposedCandidates, "a.png", "another key") is None
    out.write_text("[]\n", "utf-8")
    with pytest.raises(InputError, match="line 1"):
        PageCacheFile(out, resume=True)


def test_the_command_over_a_real_reading(tmp_path: Path) -> None:
    folder, out = tmp_path / "scans", tmp_path / "pages.jsonl"
    folder.mkdir()
    letter_page("The Ambassador informed the\nMinister of the mattcr.").save(folder / "a.png", dpi=(300, 300))
    (folder / "a.gt.txt").write_text("The Ambassador informed the\nMinister of the matter.\n", encoding="utf-8")
    command = ["evaluate", "recovery", str(folder), "--model", "ngram", "--out", str(out)]
    done = CliRunner().invoke(app, [*command, "--false-alarms", "0.9", "--json", "--plots", str(tmp_path / "plots")])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["counts"]["words"], report["counts"]["misread"], report["found"][0]) == (8, 1, 1.0)
    assert report["hits"][0]["misread"]["5"] == [1.0]
    assert report["word_error_rate"] == {
        "plain Tesseract": [0.125], "desunt": [0.125], "desunt + editor, desunt": [0.0], "desunt + editor, nearest words": [0.0],
        "desunt + first candidate, desunt": pytest.approx([report["word_error_rate"]["desunt + first candidate, desunt"][0]]),
        "desunt + first candidate, nearest words": [0.0],
    }  # fmt: skip
    assert (tmp_path / "plots" / "hits-by-rank.svg").exists()
    assert isinstance(CliRunner().invoke(app, command).exception, UsageError)
    assert isinstance(CliRunner().invoke(app, [*command[:-2], "--resume"]).exception, UsageError)


def test_a_folder_without_ground_truth(tmp_path: Path) -> None:
    letter_page().save(tmp_path / "a.png")
    with pytest.raises(InputError, match="ground truth"):
        find_images(tmp_path, read_settings())
