"""The manifest keeps the rules of IIIF Presentation 3.0 and of the W3C Web Annotation model.

Each rule is a MUST of https://iiif.io/api/presentation/3.0/ (sections given), or of https://www.w3.org/TR/annotation-model/.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings

from desunt.export import load_exporter
from desunt.export.modes import text_for_mode
from desunt.record.conjecture import CONJECTURE_LABEL, Decision
from desunt.record.files import Record
from tests.support.record_strategies import records, transcripts
from tests.support.records import sample_record, sample_transcript

MODES = ("apparatus", "diplomatic", "accepted")
DECISIONS = {"g1": Decision("g1", "accepted", "guess", "quondam", "M. Editor", "2024-05-01T10:00:00Z")}
# Section 5.1 of Presentation 3.0: the values of `behavior` for a Manifest; section 3.1: what a Manifest may have.
BEHAVIORS = {"auto-advance", "no-auto-advance", "repeat", "no-repeat", "unordered", "individuals", "continuous", "paged"}
MANIFEST = {"@context", "id", "type", "label", "summary", "metadata", "behavior", "items"}
# https://www.w3.org/TR/annotation-vocab/#motivation
MOTIVATIONS = {"assessing", "commenting", "supplementing", "painting"}


def manifest(record: Record, mode: str = "apparatus") -> dict[str, Any]:
    return json.loads(b"".join(load_exporter("iiif").export(record, lambda _: None, mode)))


def check_uri(text: str) -> None:
    """Section 3.2: ids MUST be HTTP(S) URIs; a Canvas's has no fragment (checked by its caller)."""
    parts = urlsplit(text)
    assert parts.scheme in ("http", "https"), text
    assert parts.netloc, text
    assert text.isascii(), text
    assert not set(text) & set(' "<>\\^`{|}'), text


def check_language_map(value: Any) -> None:
    """Section 4.2: a JSON object of language codes or `none`, each with an array of strings; no value is HTML by accident."""
    assert set(value) == {"none"}
    assert all(isinstance(text, str) and not text.startswith("<") for text in value["none"])
    assert value["none"]


def check_manifest(made: dict[str, Any]) -> None:
    assert made["@context"] == "http://iiif.io/api/presentation/3/context.json"  # 4.6
    assert set(made) == MANIFEST
    assert made["type"] == "Manifest"
    check_uri(made["id"])
    check_language_map(made["label"])  # 3.1: label MUST
    check_language_map(made["summary"])
    for pair in made["metadata"]:  # 3.1
        assert set(pair) == {"label", "value"}
        check_language_map(pair["label"])
        check_language_map(pair["value"])
    assert set(made["behavior"]) <= BEHAVIORS
    assert made["items"], "5.2: a Manifest MUST have at least one item"
    ids: list[str] = []
    for canvas in made["items"]:
        check_canvas(canvas, made["id"], ids)
    assert len(ids) == len(set(ids)), "3.2: ids MUST be unique"


def check_canvas(canvas: dict[str, Any], manifest_id: str, ids: list[str]) -> None:
    assert canvas["type"] == "Canvas"
    check_uri(canvas["id"])
    assert "#" not in canvas["id"], "5.3: a Canvas MUST NOT have a fragment in its id"
    assert isinstance(canvas["height"], int)
    assert isinstance(canvas["width"], int)
    assert min(canvas["height"], canvas["width"]) > 0  # 3.1
    check_language_map(canvas["label"])
    ids.append(canvas["id"])
    for page in (*canvas["items"], *canvas["annotations"]):
        assert page["type"] == "AnnotationPage"
        check_uri(page["id"])
        ids.append(page["id"])
        for annotation in page["items"]:
            ids.append(annotation["id"])
            check_annotation(annotation, canvas, manifest_id)
    # 5.3: what is in `items` paints, and what does not paint stands in `annotations`.
    assert all(one["motivation"] == "painting" for page in canvas["items"] for one in page["items"])
    assert not [one for page in canvas["annotations"] for one in page["items"] if one["motivation"] == "painting"]


def check_annotation(annotation: dict[str, Any], canvas: dict[str, Any], manifest_id: str) -> None:
    assert annotation["type"] == "Annotation"
    check_uri(annotation["id"])
    assert annotation["motivation"] in MOTIVATIONS
    if annotation["motivation"] == "painting":
        assert annotation["target"] == canvas["id"]
        assert annotation["body"]["type"] == "Image"
        check_uri(annotation["body"]["id"])
    elif annotation["motivation"] == "supplementing":
        assert annotation["target"].partition("#")[0] == canvas["id"]
        assert annotation["body"]["type"] == "TextualBody"
    else:
        check_note(annotation, canvas, manifest_id)


def check_note(annotation: dict[str, Any], canvas: dict[str, Any], manifest_id: str) -> None:
    assert annotation["creator"]["type"] in ("Person", "Software")
    assert annotation["creator"]["name"]
    assert all(body["type"] == "TextualBody" and body["format"] == "text/plain" for body in annotation["body"])
    on_canvas, in_text = annotation["target"]
    assert on_canvas["source"]["id"] == canvas["id"]
    assert on_canvas["source"]["partOf"][0]["id"] == manifest_id
    if "selector" in on_canvas:
        assert on_canvas["selector"]["conformsTo"] == "http://www.w3.org/TR/media-frags/"
        assert all(part.isdecimal() for part in on_canvas["selector"]["value"].removeprefix("xywh=").split(","))
    check_uri(in_text["source"])
    assert [one["type"] for one in in_text["selector"]] == ["TextQuoteSelector", "TextPositionSelector"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("record", [sample_record(), sample_record(scanned=False), sample_transcript()], ids=["scan", "no scan", "text"])
def test_manifest_keeps_the_rules(record, mode):
    check_manifest(manifest(replace(record, decisions=DECISIONS), mode))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(records(decided=True) | transcripts())
def test_manifest_of_hostile_documents_keeps_the_rules(record):
    for mode in MODES:
        check_manifest(manifest(record, mode))


def notes(made: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for canvas in made["items"] for page in canvas["annotations"][1:] for one in page["items"]]


@pytest.mark.parametrize("mode", ["apparatus", "accepted"])
def test_selectors_find_their_words_in_the_text_of_the_mode(mode):
    record = replace(sample_record(), decisions=DECISIONS)
    text = text_for_mode(record, mode)
    found = notes(manifest(record, mode))
    assert found
    for note in found:
        quote, position = note["target"][1]["selector"]
        assert text[position["start"] : position["end"]] == quote["exact"]


def test_canvas_has_the_size_of_the_scan_and_notes_have_the_box_of_their_gap():
    made = manifest(sample_record())
    assert [(canvas["width"], canvas["height"]) for canvas in made["items"]] == [(480, 640), (480, 640)]
    box = sample_record().document.gaps[0].box
    assert notes(made)[0]["target"][0]["selector"]["value"] == f"xywh={box.left},{box.top},{box.width},{box.height}"


def test_conjecture_is_a_machine_s_until_an_editor_decides():
    before = notes(manifest(sample_record()))[0]
    assert (before["motivation"], before["creator"]["type"]) == ("commenting", "Software")
    assert before["creator"]["name"].endswith("model a-model revision-1")
    assert [body["value"] for body in before["body"]][1].startswith(f"{CONJECTURE_LABEL}: quondam, 62.0 %")
    after = notes(manifest(replace(sample_record(), decisions=DECISIONS)))[0]
    assert (after["motivation"], after["creator"]) == ("assessing", {"type": "Person", "name": "M. Editor"})
    assert after["created"] == "2024-05-01T10:00:00Z"


def test_diplomatic_manifest_holds_no_guess_and_no_decision():
    made = json.dumps(manifest(replace(sample_record(), decisions=DECISIONS), "diplomatic"))
    assert not [word for word in ("quondam", "zephyr", "M. Editor") if word in made]
