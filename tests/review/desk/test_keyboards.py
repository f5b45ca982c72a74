"""Keys as keyboards of six layouts really send them, through the browser's own input: only what was meant decides."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.desk_browser import next_gap, offered, start

pytestmark = pytest.mark.browser

ALT, CONTROL, META, SHIFT = 1, 2, 4, 8


def press(page: Any, key: str, code: str, *, modifiers: int = 0, repeats: int = 0, location: int = 0) -> None:
    """Send a key as a keyboard does: pressed, held for so many repeats, let go."""
    session = page.context.new_cdp_session(page)
    event = {
        "key": key,
        "code": code,
        "modifiers": modifiers,
        "windowsVirtualKeyCode": ord(key.upper()) if key.isascii() and len(key) == 1 else 0,
    }
    event |= {"location": location, "isKeypad": location == 3} | ({"text": "\r", "windowsVirtualKeyCode": 13} if key == "Enter" else {})
    for number in range(repeats + 1):
        session.send("Input.dispatchKeyEvent", event | {"type": "keyDown", "autoRepeat": number > 0})
    session.send("Input.dispatchKeyEvent", event | {"type": "keyUp"})
    session.detach()


def recent(desk: Any) -> list[tuple[str, str | None, str | None]]:
    return [(entry.verdict, entry.basis, entry.text) for entry in desk.store.decisions.recent()]


# A layout, and what its keys send: candidate 1 as a guess, candidate 1 in the ink (None: by `b`), "leave open", "withheld".
LAYOUTS = {
    "US": (("1", "Digit1", 0), ("!", "Digit1", SHIFT), ("o", "KeyO"), ("w", "KeyW")),
    "German": (("2", "Digit2", 0), ('"', "Digit2", SHIFT), ("o", "KeyO"), ("w", "KeyW")),
    "French": (("1", "Digit1", SHIFT), None, ("o", "KeyO"), ("w", "KeyZ")),
    "Russian": (("2", "Digit2", 0), ('"', "Digit2", SHIFT), ("щ", "KeyO"), ("ц", "KeyW")),
    "Greek": (("1", "Digit1", 0), ("!", "Digit1", SHIFT), ("ο", "KeyO"), ("ς", "KeyW")),
    "pad with NumLock": (("1", "Numpad1", 0), None, ("O", "KeyO"), ("W", "KeyW")),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_decides_what_its_keys_say(visit, desk, layout):
    guess, in_ink, leave_open, withheld = LAYOUTS[layout]
    page = visit("Anna")
    start(page)
    key, code, modifiers = guess
    expected = [("accepted", "guess", offered(page)[int(key) - 1])]
    with next_gap(page):
        press(page, key, code, modifiers=modifiers, location=3 if code.startswith("Numpad") else 0)
    expected.append(("accepted", "ink", offered(page)[int(key) - 1]))
    with next_gap(page):
        if in_ink:
            press(page, in_ink[0], in_ink[1], modifiers=in_ink[2])
        else:
            press(page, "b", "KeyB")
            press(page, key, code, modifiers=modifiers, location=3 if code.startswith("Numpad") else 0)
    for verdict, (letter, place) in (("left-open", leave_open), ("withheld", withheld)):
        expected.append((verdict, None, None))
        with next_gap(page):
            press(page, letter, place)
    assert recent(desk) == expected[::-1]


def test_a_key_held_down_decides_once(visit, desk):
    page = visit("Anna")
    start(page)
    for key, code in (("1", "Digit1"), ("o", "KeyO")):
        with next_gap(page):
            press(page, key, code, repeats=30)
        page.wait_for_timeout(300)
    page.keyboard.press("a")
    page.keyboard.type("read")
    with next_gap(page):
        press(page, "Enter", "Enter", repeats=30)
    page.wait_for_timeout(300)
    assert len(recent(desk)) == 3


# What a key sends, its modifiers, and where it lies (3 is the number pad, here without NumLock).
NOT_MEANT = (
    *((key, code, 0, 3) for key, code in (("End", "Numpad1"), ("ArrowDown", "Numpad2"), ("PageDown", "Numpad3"), ("ArrowLeft", "Numpad4"))),
    *((key, code, 0, 3) for key, code in (("Clear", "Numpad5"), ("ArrowRight", "Numpad6"), ("Home", "Numpad7"), ("ArrowUp", "Numpad8"))),
    ("&", "Digit1", 0, 0), ("é", "Digit2", 0, 0), ("ě", "Digit2", 0, 0), ("Dead", "KeyO", 0, 0), ("Process", "KeyR", 0, 0),
    ("R", "KeyR", SHIFT, 0),
    *((key, code, held, 0) for key, code in (("1", "Digit1"), ("w", "KeyW")) for held in (ALT, CONTROL | ALT, META)),
    ("?", "Digit7", SHIFT, 0),
)  # fmt: skip


def test_what_was_not_meant_decides_nothing(visit, desk):
    page = visit("Anna")
    start(page)
    gap = page.get_attribute(".gap-page", "data-gap")
    for key, code, modifiers, location in NOT_MEANT:
        press(page, key, code, modifiers=modifiers, location=location)
    page.wait_for_timeout(500)
    assert recent(desk) == []
    assert page.get_attribute(".gap-page", "data-gap") == gap
    assert page.locator("#keys[open]").count() == 1
