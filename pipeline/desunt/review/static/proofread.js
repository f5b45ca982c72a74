"use strict";
// Proof-reading a page by keyboard: Tab goes to the next gap or unclear word, its picture and its candidates follow, and a key decides without leaving the page.
(() => {
  const root = document.querySelector(".page-page"), liveRegion = document.getElementById("told");
  const find = (selector) => root.querySelector(selector);
  const OPEN = ".text a.token:is(.gap, .refused, .silent)", FLAGGED = ".text a.token:is(.gap, .refused, .silent, .withheld, .decided, .unclear)";
  const FLAGS = ["gap", "refused", "silent", "withheld"];
  const decisions = [];
  let asked = 0, busy = false, place = null;

  const tokenOf = (id) => document.getElementById(`t-${id}`);
  const isGap = (token) => !token.matches(".word, .unclear, .corrected");
  const count = () => {
    const gaps = root.querySelectorAll(OPEN).length, unclear = root.querySelectorAll(".text .token.unclear").length;
    const words = gaps + unclear ? `left: ${gaps} ${gaps === 1 ? "gap" : "gaps"}, ${unclear} unclear ${unclear === 1 ? "word" : "words"}` : "page done: no gap is open, no word is unclear";
    let shown = find("[data-left]");
    if (!shown) { shown = document.createElement("span"); shown.dataset.left = ""; find(".ways").prepend(shown); }
    shown.textContent = words;
    return words;
  };
  const fetchPage = async (address) => {
    const answer = await fetch(address, { headers: { Accept: "text/html" }, credentials: "same-origin" });
    return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  };
  // A gap's own page has all that is needed to decide about it: its panel stands here, with the line's picture above.
  const gapPanel = (page, token) => {
    const panel = document.importNode(page.querySelector(".panel"), true), ink = document.importNode(page.querySelector(".ink"), true);
    ink.classList.add("small");
    panel.querySelector(".above").after(ink);
    const change = document.createElement("p");
    change.innerHTML = "<a>Move, split or join this gap</a>";
    change.firstChild.href = token.href;
    panel.append(change);
    place = { action: page.querySelector(".gap-page").dataset.action, token };
    return panel;
  };
  const follow = async (token, { again = false } = {}) => {
    if (!again && token.dataset.token === root.dataset.current && place?.token === token) return;
    const number = ++asked, gap = isGap(token);
    const page = await fetchPage(gap ? `/gaps/${token.dataset.token}` : token.href).catch(() => null);
    if (number !== asked || !page?.querySelector(".panel")) return;
    place = null;
    find(".panel").replaceWith(gap ? gapPanel(page, token) : document.importNode(page.querySelector(".panel"), true));
    root.querySelectorAll(".panel .script-only").forEach((part) => { part.hidden = false; });
    root.querySelectorAll('.text [aria-current="true"]').forEach((old) => { old.removeAttribute("aria-current"); old.classList.remove("current"); });
    token.setAttribute("aria-current", "true");
    token.classList.add("current");
    root.dataset.current = token.dataset.token;
    root.querySelectorAll(".spot[data-place]").forEach((spot) => spot.classList.toggle("current", spot.dataset.place === token.dataset.token));
    Desk.drafts.restore();
    Desk.scan.reveal(token);
  };
  const step = (token, by) => {
    const flagged = [...root.querySelectorAll(FLAGGED)], next = flagged[flagged.indexOf(token) + by];
    if (next) { next.focus(); follow(next); }
    return next;
  };

  const showProblem = (words) => {
    root.querySelectorAll(".problem").forEach((old) => old.remove());
    const shown = document.createElement("p");
    shown.className = "problem";
    shown.setAttribute("role", "alert");
    shown.textContent = words;
    find(".head").after(shown);
  };
  const showDone = (said) => {
    root.querySelectorAll(".done, .problem").forEach((old) => old.remove());
    if (!said) return;
    const bar = document.createElement("p");
    bar.className = "done fresh";
    bar.innerHTML = '<span><b>Recorded:</b> <bdi></bdi></span> <button type="button" data-undo>Undo <kbd>u</kbd></button>';
    bar.querySelector("bdi").textContent = said;
    find(".head").after(bar);
  };
  const decide = async (form, button) => {
    if (busy || !place) return;
    const { action, token } = place, fields = Desk.drafts.decision(form, button);
    busy = true;
    try {
      const answer = await Desk.drafts.post(action, fields);
      if ([502, 503, 504].includes(answer.status)) throw new Error("away");
      const result = await answer.json();
      if (!answer.ok) { if (answer.status === 409) await follow(token, { again: true }); showProblem(`Not recorded: ${result.problem}. ${result.remedy || ""}`); return; }
      decisions.push({ uid: result.entry.uid, token, kind: FLAGS.find((flag) => token.classList.contains(flag)), said: token.dataset.said });
      token.classList.remove(...FLAGS);
      token.classList.add("decided");
      token.dataset.said = result.entry.text || result.said;
      Desk.drafts.forget(token.dataset.token);
      showDone(result.said);
      liveRegion.textContent = `Recorded: ${result.said}. ${count()}`;
      if (!step(token, 1)) await follow(token, { again: true });
    } catch {
      Desk.drafts.keep({ action, body: fields, gap: token.dataset.token, second: "" });
      showProblem("Not recorded yet: the desk did not answer. Your decision is kept on this machine and sent, once, when it answers.");
    } finally { busy = false; }
  };
  const undo = async () => {
    const last = decisions.at(-1);
    if (busy || !last) return;
    busy = true;
    try {
      const answer = await fetch(`/api/decisions/${last.uid}/undo`, { method: "POST", credentials: "same-origin" });
      if (!answer.ok) { showProblem(`Not undone: ${(await answer.json()).problem}`); return; }
      decisions.pop();
      if (last.kind) { last.token.classList.remove("decided"); last.token.classList.add(last.kind); }
      if (last.said === undefined) delete last.token.dataset.said; else last.token.dataset.said = last.said;
      showDone("");
      liveRegion.textContent = `Undone. ${count()}`;
      last.token.focus();
      await follow(last.token, { again: true });
    } catch { showProblem("Not undone: the desk did not answer."); } finally { busy = false; }
  };

  const panelButton = (name) => find(`.panel [data-key="${name}"]`);
  const ink = () => { const radio = find('.panel [name=basis][value="ink"]'); if (radio && !radio.checked) radio.click(); };
  const press = (button) => button?.form?.requestSubmit(button);
  const current = () => root.dataset.current && tokenOf(root.dataset.current);
  const KEYS = {
    v: () => Desk.text.toggle(), u: undo, j: () => current() && step(current(), 1), k: () => current() && step(current(), -1),
    a: () => find("#reading, #correction")?.focus(), n: () => find("#note")?.focus(), b: () => find(".panel [name=basis]:not(:checked)")?.click(),
  };
  const acts = (said, held) => {
    if (said.kind === "digit" && place) {
      const button = panelButton(said.digit);
      if (held) return true;
      if (!button) showProblem(`There is no candidate ${said.digit} that a key takes.`);
      else { if (said.ink) ink(); press(button); }
      return true;
    }
    if (said.kind !== "letter" || !(KEYS[said.letter] || (place && panelButton(said.letter)))) return false;
    if (!held) { if (KEYS[said.letter]) KEYS[said.letter](); else press(panelButton(said.letter)); }
    return true;
  };
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input:not([type=radio]), textarea, select")) {
      if (Desk.keys.composing(event)) return;
      if (event.key === "Enter" && event.repeat) event.preventDefault();
      if (event.key === "Escape") (current() || document.getElementById("main")).focus();
      return;
    }
    if (localStorage.getItem("desk-keys") !== "off" && acts(Desk.keys.meaning(event), event.repeat)) event.preventDefault();
  });
  root.addEventListener("submit", (event) => {
    const form = event.target, button = event.submitter;
    if (!place || !form.classList.contains("decide") || (button && button.hasAttribute("formaction"))) return;
    event.preventDefault();
    decide(form, button);
  });
  root.addEventListener("change", (event) => { if (event.target.name === "basis") root.querySelectorAll("[data-follow-basis]").forEach((field) => { field.value = event.target.value; }); });
  root.addEventListener("click", (event) => { if (event.target.closest("[data-undo]")) undo(); });
  root.addEventListener("focusin", (event) => { const token = event.target.closest(".text a.token"); if (token && token.matches(":focus-visible")) follow(token); });
  count();
})();
