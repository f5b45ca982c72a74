"""The lexicon, and where model files are found."""

from __future__ import annotations

import lzma

import pytest

from desunt.errors import DependencyMissing, InputError
from desunt.lm import model_files
from desunt.lm.lexicon import USER_NAME_COUNT, Lexicon, load_lexicon, strip_punctuation
from desunt.lm.model_files import model_file, model_folders


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon()


@pytest.mark.parametrize("word", ["Stalin", "STALIN", "stalin,", "“Stalin”", "(Stalin's", "the", "U.S.", "co-operation", "trade/economic"])
def test_words_are_known_in_any_case_and_punctuation(lexicon, word):
    assert word in lexicon
    assert lexicon.count(word) > 0


@pytest.mark.parametrize("word", ["tbe", "xqzvk", "", "---", "...", "a-b-c-d", "Governuent", "re-xqzvk", "12345"])
def test_noise_is_not_known(lexicon, word):
    assert word not in lexicon
    assert lexicon.count(word) == 0


def test_only_words_are_members(lexicon):
    assert 7 not in lexicon


def test_a_compound_is_as_frequent_as_its_rarest_part():
    lexicon = Lexicon({"open": 9, "door": 4}, {"open": "open", "door": "door"}, 13)
    assert lexicon.count("Open-Door") == 4


def test_words_come_most_frequent_first_and_as_they_are_written(lexicon):
    words = lexicon.words_by_length(6, 6, 400)
    assert len(words) == 400
    assert {len(word) for word in words} == {6}
    counts = [lexicon.counts[word.casefold()] for word in words]
    assert counts == sorted(counts, reverse=True)
    assert "United" in words
    assert "united" not in words
    assert lexicon.words_by_length(6, 6, 3) == words[:3]
    assert lexicon.words_by_length(99, 120, 5) == ()


def test_a_users_names_are_known_and_keep_their_capitals(tmp_path, lexicon):
    names = tmp_path / "names.txt"
    names.write_text("# people of the collection\n\nZbigniew Kowalczykowski\nAMWHIP/1\nStalin\n", encoding="utf-8")
    assert "Kowalczykowski" not in lexicon
    larger = load_lexicon(names)
    assert "KOWALCZYKOWSKI," in larger
    assert larger.count("Zbigniew Kowalczykowski") == USER_NAME_COUNT
    assert "Kowalczykowski" in larger.words_by_length(14, 14, 500)
    assert larger.count("Stalin") == lexicon.count("Stalin")
    assert "Kowalczykowski" not in load_lexicon()


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00bad\x80"])
def test_an_unreadable_list_of_names_is_an_input_error(tmp_path, content):
    names = tmp_path / "names.txt"
    if content is not None:
        names.write_bytes(content)
    with pytest.raises(InputError, match=r"names\.txt"):
        load_lexicon(names)


def test_the_shipped_table_is_small_and_sorted(lexicon):
    path = model_file("lexicon.tsv.xz")
    assert path.stat().st_size <= 400_000
    rows = [line.split("\t") for line in lzma.decompress(path.read_bytes()).decode().splitlines()]
    assert len(rows) == len(lexicon) > 30_000
    assert min(int(count) for _, count in rows) >= 5
    assert rows == sorted(rows, key=lambda row: (-int(row[1]), row[0]))


def test_a_damaged_table_names_itself(tmp_path):
    (tmp_path / "lexicon.tsv.xz").write_bytes(b"not xz")
    with pytest.raises(DependencyMissing, match=r"lexicon\.tsv\.xz.*damaged"):
        load_lexicon(models=tmp_path)


def test_bare_takes_off_outer_punctuation_alone():
    assert strip_punctuation("“(co-op’s).”") == "co-op's"


def test_the_explicit_folder_comes_first_then_the_environment(tmp_path, monkeypatch, root):
    explicit, environment = tmp_path / "explicit", tmp_path / "environment"
    monkeypatch.setenv("DESUNT_MODELS", str(environment))
    assert list(model_folders(explicit))[:3] == [explicit, environment, root / "models"]
    for folder in (environment, explicit):
        folder.mkdir()
        (folder / "legibility.json").write_text("{}")
        assert model_file("legibility.json", explicit) == folder / "legibility.json"


def test_an_installed_package_looks_into_itself(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "desunt"
    package.mkdir(parents=True)
    monkeypatch.delenv("DESUNT_MODELS", raising=False)
    monkeypatch.setattr(model_files, "PACKAGE", package)
    assert list(model_folders()) == [package / "_models"]
    with pytest.raises(DependencyMissing, match=r"lexicon\.tsv\.xz.*DESUNT_MODELS"):
        model_file("lexicon.tsv.xz")
