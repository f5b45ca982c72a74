"use strict";
// The gap's page by keyboard: a key decides, the next gap, fetched ahead, stands there at once. Without this script the same forms and links do it.
(() => {
  const main = document.getElementById("main"), liveRegion = document.getElementById("told");
  const find = (selector, within = main) => within.querySelector(selector);
  const findAll = (selector, within = main) => [...within.querySelectorAll(selector)];
  const ahead = new Map();
  let busy = false, fresh = false;

  const root = () => find(".gap-page");
  const announce = (words) => { liveRegion.textContent = words; };
  const showProblem = (words) => {
    findAll(".gap-page > .problem").forEach((old) => old.remove());
    const shown = document.createElement("p");
    shown.className = "problem";
    shown.setAttribute("role", "alert");
    shown.textContent = words;
    find(".head").after(shown);
  };

  // The last decisions of this tab, newest last, for `u`.
  const SHOWN_MS = 8000;
  const doneStack = () => JSON.parse(sessionStorage.getItem("desk-done") || "[]");
  const pushDone = (done) => sessionStorage.setItem("desk-done", JSON.stringify([...doneStack(), done].slice(-200)));
  const showDone = (fresh) => {
    findAll(".gap-page > .done").forEach((old) => old.remove());
    const last = doneStack().at(-1);
    if (!last || root().dataset.second) return;
    const bar = document.createElement("form");
    bar.className = fresh ? "done fresh" : "done";
    bar.method = "post";
    bar.action = `/decisions/${last.uid}/undo`;
    bar.innerHTML = '<p><b>Recorded:</b> <bdi></bdi> <a>look at it again</a></p><button data-key="u">Undo <kbd>u</kbd></button>';
    find("bdi", bar).textContent = last.said;
    find("a", bar).href = `/gaps/${last.target}${root().dataset.address}`;
    find(".gap-page > .ink").after(bar);
    if (fresh) setTimeout(() => bar.classList.remove("fresh"), SHOWN_MS);
  };

  const fetchPage = async (address, options) => {
    const answer = await fetch(address, { headers: { Accept: "text/html" }, credentials: "same-origin", ...options });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return { main: page.getElementById("main"), title: page.title, status: answer.status, address: answer.redirected ? new URL(answer.url).pathname + new URL(answer.url).search : address };
  };
  const load = (address) => { if (!ahead.has(address)) ahead.set(address, fetchPage(address).catch((error) => { ahead.delete(address); throw error; })); return ahead.get(address); };
  const prefetch = async () => {
    const address = root() && root().dataset.next;
    if (!address) return;
    try {
      const page = await load(address);
      for (const image of findAll("image[href]", page.main)) new Image().src = image.getAttribute("href");
    } catch { /* it is fetched again when it is needed, and complained of then */ }
  };

  const setUp = () => {
    findAll(".script-only").forEach((part) => { part.hidden = false; });
    const keys = find("[data-single-keys]");
    if (keys) keys.checked = localStorage.getItem("desk-keys") !== "off";
    if (!root()) return;
    Desk.text.apply();
    Desk.drafts.restore();
    Desk.drafts.waiting();
    if (!find(".gap-page > .done")) showDone(fresh);
    fresh = false;
    Desk.scan.attach(root());
    const first = find("[data-first]");
    (first || main).focus({ preventScroll: true });
    prefetch();
  };
  const swap = (page, { push: pushed = true } = {}) => {
    if (!page.main || !find(".gap-page", page.main)) { location.assign(page.address); return; }
    main.replaceChildren(...[...page.main.childNodes].map((node) => document.importNode(node, true)));
    document.title = page.title;
    if (pushed) history.pushState(null, "", page.address);
    ahead.delete(page.address);
    scrollTo(0, 0);
    setUp();
  };
  const go = async (address, options) => {
    const page = await load(address).catch(() => null);
    if (page) swap(page, options); else location.assign(address);
  };

  const decide = async (form, button) => {
    if (busy) return;
    const page = root(), start = performance.now(), fields = Desk.drafts.decision(form, button);
    busy = true;
    try {
      const answer = await Desk.drafts.post(page.dataset.action, fields);
      if ([502, 503, 504].includes(answer.status)) throw new Error("away");
      const result = await answer.json();
      if (answer.status === 409) await conflict(result, fields);
      else if (!answer.ok) showProblem(`Not recorded: ${result.problem}. ${result.remedy || ""}`);
      else if (differs(result.entry, fields)) await alreadyThere(result, fields);
      else await recorded(result, page, start);
    } catch {
      const kept = Desk.drafts.keep({ action: page.dataset.action, body: fields, gap: page.dataset.gap, second: page.dataset.second });
      showProblem(kept ? "Not recorded yet: the desk did not answer. Your decision is kept on this machine and sent, once, when it answers." : "Not recorded: the desk did not answer, and this browser keeps nothing. Leave this page open.");
    } finally { busy = false; }
  };
  const recorded = async (result, page, start) => {
    const { gap, second, address } = page.dataset;
    Desk.drafts.forget(gap);
    fresh = true;
    if (!second) pushDone({ uid: result.entry.uid, said: result.said, target: gap });
    const next = second ? (result.next ? `/second/${result.next}` : "/second") : result.next ? `/gaps/${result.next}${address}` : `/queue${address}${address ? "&" : "?"}done=${result.entry.uid}`;
    await go(next);
    const token = find(`.text [data-token="${gap}"]`);
    // The page was fetched before the decision: its text says so now.
    if (token && !second && token.dataset.token !== root().dataset.gap) { token.classList.add("decided"); token.dataset.said = result.said; }
    announce(`Recorded: ${second ? "your reading" : result.said}. ${find("h1") ? `Next: ${find("h1").textContent.trim()}` : ""}`);
    requestAnimationFrame(() => { if (root()) root().dataset.took = String(Math.round(performance.now() - start)); });
  };
  // A decision that arrived though its answer was lost counts once: what was typed since is not silently left out.
  const differs = (entry, fields) => { const sent = Desk.drafts.clean(fields.accept || (fields.verdict === "amended" ? fields.text : "")).text.trim(); return Boolean(entry && sent) && sent !== entry.text; };
  const alreadyThere = (result, fields) => conflict({ problem: `this had reached the desk before: ${result.said}`, remedy: "Record what you typed since as a new decision" }, fields);
  const conflict = async (result, fields) => {
    const address = location.pathname + location.search;
    ahead.delete(address);
    swap(await fetchPage(address), { push: false });
    find("#reading").value = fields.text || fields.accept || "";
    find("#note").value = fields.note || "";
    Desk.drafts.save();
    showProblem(`Not recorded as holding: ${result.problem}. ${result.remedy}. What you entered is still in the form.`);
  };
  const undo = async () => {
    const last = doneStack().at(-1);
    if (busy || !last) { announce("Nothing was decided in this window; the log undoes anything."); return; }
    busy = true;
    try {
      const answer = await fetch(`/api/decisions/${last.uid}/undo`, { method: "POST", credentials: "same-origin" });
      if (!answer.ok) showProblem(`Not undone: ${(await answer.json()).problem}`);
      sessionStorage.setItem("desk-done", JSON.stringify(doneStack().slice(0, -1)));
      if (!answer.ok) return;
      ahead.clear();
      await go(`/gaps/${last.target}${root() ? root().dataset.address : ""}`);
      announce(`Undone: ${last.said}`);
    } catch { showProblem("Not undone: the desk did not answer."); } finally { busy = false; }
  };

  document.addEventListener("submit", async (event) => {
    const form = event.target, button = event.submitter;
    if (!root() || form.method !== "post") return;
    if (form.classList.contains("done")) { const uid = form.getAttribute("action").split("/")[2]; if (doneStack().at(-1)?.uid === uid) { event.preventDefault(); undo(); } return; }
    if (!form.classList.contains("decide")) return;
    event.preventDefault();
    if (button && button.formAction.includes("/list")) swap(await fetchPage(button.formAction, { method: "POST", body: new URLSearchParams(new FormData(form)) }), { push: false });
    else decide(form, button);
  });
  addEventListener("desk-sent", ({ detail: { ok, result, gap, second } }) => {
    if (ok) {
      Desk.drafts.forget(gap);
      if (!second) pushDone({ uid: result.entry.uid, said: result.said, target: gap });
      announce(second ? "Sent and recorded: your reading" : `Sent and recorded: ${result.said}`);
      fresh = true;
      if (root()?.dataset.gap === gap) go(root().dataset.next || `/gaps/${gap}${root().dataset.address}`);
    } else showProblem(`What you decided while the desk was away is not recorded: ${result.problem}. What you typed is still in its form.`);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-single-keys]")) localStorage.setItem("desk-keys", event.target.checked ? "on" : "off");
    if (event.target.name === "basis") findAll("[data-follow-basis]").forEach((field) => { field.value = event.target.value; });
  });
  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest("[data-open-help]")) find("#keys").showModal();
    const link = event.target.closest("a");
    const address = link && (link.href.baseVal ?? link.getAttribute("href"));
    if (root() && address && address.startsWith("/gaps/") && !address.includes("/history")) { event.preventDefault(); go(address); }
  });
  addEventListener("popstate", () => go(location.pathname + location.search, { push: false }));

  const refused = (digit) => {
    if (find("[data-first]")) showProblem(`The list is not shown yet: type your reading, then l shows it.`);
    else if (find(".panel.refused")) showProblem("No key takes anything here, because no reading is offered: type your own (a), or open the list and take one there.");
    else showProblem(`There is no candidate ${digit} that a key takes.`);
  };
  const ink = () => { const radio = find('[name=basis][value="ink"]'); if (radio && !radio.checked) radio.click(); };
  const press = (part) => { if (!part) return; if (part.tagName === "A") part.click(); else part.form.requestSubmit(part); };
  const keys = {
    a: () => find("#reading")?.focus(), n: () => find("#note")?.focus(), u: undo, k: () => history.back(), l: () => press(find("[data-list]")),
    v: () => Desk.text.toggle(),
    b: () => { const radio = find("[name=basis]:not(:checked)"); if (radio) { radio.click(); announce(radio.parentElement.textContent.trim()); } },
    c: () => Desk.scan.act.cleaned(), t: () => Desk.scan.act.turn(), "+": () => Desk.scan.act.in(), "=": () => Desk.scan.act.in(), "-": () => Desk.scan.act.out(), 0: () => Desk.scan.act.fit(),
    "?": () => find("#keys").showModal(),
  };
  // A key held down says the same thing once; only the scan grows and shrinks on.
  const acts = (said, held) => {
    if (said.kind === "symbol") { if (!held || said.symbol !== "?") keys[said.symbol](); return true; }
    if (said.kind === "unshifted") { if (!held) showProblem(`On this keyboard digits are typed with Shift: nothing was decided. Shift and ${said.digit} takes that candidate, b says that you read it in the ink.`); return true; }
    if (said.kind === "digit") {
      const button = find(`.take[data-key="${said.digit}"]`);
      if (held) return true;
      if (said.digit === 0) keys[0](); else if (!button) refused(said.digit); else { if (said.ink) ink(); press(button); }
      return true;
    }
    const part = find(`[data-key="${said.letter}"]`);
    if (!keys[said.letter] && !part) return false;
    if (!held) { if (keys[said.letter]) keys[said.letter](); else press(part); }
    return true;
  };
  // Enter or the space bar held on a button or in a field presses once.
  document.addEventListener("keydown", (event) => { if (event.repeat && (event.key === "Enter" || (event.key === " " && event.target.matches("button")))) event.preventDefault(); }, true);
  document.addEventListener("keydown", (event) => {
    if (!root() || Desk.keys.composing(event) || event.ctrlKey || event.metaKey || event.altKey || find("#keys")?.open) return;
    const field = event.target.matches("input:not([type=radio]), textarea, select");
    if (field) {
      if (event.key === "Escape") main.focus();
      if (event.key === "Enter" && event.shiftKey && event.target.id === "reading") { event.preventDefault(); ink(); press(find('.decide [name=verdict][value="amended"]')); }
      return;
    }
    if (localStorage.getItem("desk-keys") === "off") return;
    const said = Desk.keys.meaning(event);
    if (said.kind === "none" || !acts(said, event.repeat)) return;
    event.preventDefault();
  });
  setUp();
})();
