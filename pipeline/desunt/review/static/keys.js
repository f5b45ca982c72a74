"use strict";
// What a pressed key means: a digit typed, whatever the keyboard; a letter by what it says, and by its place where the layout has no Latin letters.
window.Desk = window.Desk || {};
Desk.keys = (() => {
  // What the digit row of a French keyboard types without Shift: who presses it alone has typed no digit.
  const UNSHIFTED = { Digit1: "&", Digit2: "é", Digit3: "\"", Digit4: "'", Digit5: "(", Digit6: "-§", Digit7: "è", Digit8: "_!", Digit9: "ç" };
  // Digits of other scripts, by the place of their zero: Arabic, Persian, Devanagari.
  const ZEROS = [0x30, 0x660, 0x6f0, 0x966];
  const SYMBOLS = { "?": "?", "؟": "?", "+": "+", "=": "=", "-": "-" };
  let latin = true;

  const typedDigit = (key) => {
    if (key.length !== 1) return null;
    const values = ZEROS.map((zero) => key.codePointAt(0) - zero).filter((value) => value >= 0 && value <= 9);
    return values.length ? values[0] : null;
  };
  const digit = (event) => {
    const typed = typedDigit(event.key), row = /^Digit([1-9])$/.exec(event.code || "");
    // On the number pad, and where digits are typed with Shift, Shift says nothing about the ground.
    if (typed !== null) return { kind: "digit", digit: typed, ink: false };
    if (event.location === 3 || !row) return null;
    if (/^\p{L}$/u.test(event.key) || (UNSHIFTED[event.code] || "").includes(event.key)) return event.shiftKey ? { kind: "none" } : { kind: "unshifted", digit: Number(row[1]) };
    return event.shiftKey ? { kind: "digit", digit: Number(row[1]), ink: true } : null;
  };
  const letter = (event) => {
    const place = /^Key([A-Z])$/.exec(event.code || "");
    if (/^\p{L}$/u.test(event.key)) latin = /^\p{Script=Latin}$/u.test(event.key);
    if (event.shiftKey) return null;
    if (/^[a-z]$/i.test(event.key)) return { kind: "letter", letter: event.key.toLowerCase() };
    return !latin && place && event.key.length === 1 ? { kind: "letter", letter: place[1].toLowerCase() } : null;
  };
  // Keys that are pressed to write an accent or a sign, or together with another, never stand for themselves.
  const composing = (event) => event.isComposing || event.keyCode === 229 || ["Dead", "Process", "Unidentified"].includes(event.key);
  const modified = (event) => event.ctrlKey || event.metaKey || event.altKey || event.getModifierState("AltGraph");

  const meaning = (event) => {
    if (composing(event) || modified(event)) return { kind: "none" };
    // The pad without NumLock sends arrows, Home and End.
    if (event.location === 3 && event.key.length > 1) return { kind: "none" };
    if (SYMBOLS[event.key]) return { kind: "symbol", symbol: SYMBOLS[event.key] };
    return digit(event) || letter(event) || { kind: "none" };
  };
  return { meaning, composing };
})();
