"use strict";
// The gap's page by keyboard: a key decides, the next gap, fetched ahead, stands there at once. Without this script the same forms and links do it.
(() => {
  const main = document.getElementById("main"), told = document.getElementById("told");
  const one = (selector, within = main) => within.querySelector(selector);
  const all = (selector, within = main) => [...within.querySelectorAll(selector)];
  const ahead = new Map();
  let busy = false;

  const root = () => one(".gap-page");
  const say = (words) => { told.textContent = words; };
  const problem = (words) => {
    all(".gap-page > .problem").forEach((old) => old.remove());
    const shown = document.createElement("p");
    shown.className = "problem";
    shown.setAttribute("role", "alert");
    shown.textContent = words;
    one(".head").after(shown);
  };

  // Drafts: what is typed outlives an error, a reload and a visit to another page.
  const draft = () => `desk-draft-${root().dataset.gap}`;
  const keep = () => { const held = { text: one("#reading").value, note: one("#note").value }; if (held.text || held.note) sessionStorage.setItem(draft(), JSON.stringify(held)); else sessionStorage.removeItem(draft()); };
  const restore = () => {
    const held = JSON.parse(sessionStorage.getItem(draft()) || "null");
    if (!held || !one("#reading")) return;
    if (!one("#reading").value) one("#reading").value = held.text;
    if (!one("#note").value) one("#note").value = held.note;
  };

  // The last decisions of this tab, newest last, for `u`.
  const stack = () => JSON.parse(sessionStorage.getItem("desk-done") || "[]");
  const push = (done) => sessionStorage.setItem("desk-done", JSON.stringify([...stack(), done].slice(-200)));
  const showDone = () => {
    all(".gap-page > .done").forEach((old) => old.remove());
    const last = stack().at(-1);
    if (!last || root().dataset.second) return;
    const bar = document.createElement("form");
    bar.className = "done";
    bar.method = "post";
    bar.action = `/decisions/${last.uid}/undo`;
    bar.innerHTML = '<p><b>Recorded:</b> <bdi></bdi> <a>look at it again</a></p><button data-key="u">Undo <kbd>u</kbd></button>';
    one("bdi", bar).textContent = last.said;
    one("a", bar).href = `/gaps/${last.target}${root().dataset.address}`;
    one(".head").after(bar);
  };

  const fetched = async (address, options) => {
    const answer = await fetch(address, { headers: { Accept: "text/html" }, credentials: "same-origin", ...options });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return { main: page.getElementById("main"), title: page.title, status: answer.status, address: answer.redirected ? new URL(answer.url).pathname + new URL(answer.url).search : address };
  };
  const load = (address) => { if (!ahead.has(address)) ahead.set(address, fetched(address).catch((error) => { ahead.delete(address); throw error; })); return ahead.get(address); };
  const prefetch = async () => {
    const address = root() && root().dataset.next;
    if (!address) return;
    try {
      const page = await load(address);
      for (const image of all("image[href]", page.main)) new Image().src = image.getAttribute("href");
    } catch { /* it is fetched again when it is needed, and complained of then */ }
  };

  const setUp = () => {
    all(".script-only").forEach((part) => { part.hidden = false; });
    const keys = one("[data-single-keys]");
    if (keys) keys.checked = localStorage.getItem("desk-keys") !== "off";
    if (!root()) return;
    restore();
    if (!one(".gap-page > .done")) showDone();
    Desk.scan.attach(root());
    const first = one("[data-first]");
    (first || main).focus({ preventScroll: true });
    prefetch();
  };
  const swap = (page, { push: pushed = true } = {}) => {
    if (!page.main || !one(".gap-page", page.main)) { location.assign(page.address); return; }
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

  const asked = (form, button) => {
    const fields = Object.fromEntries(new FormData(form, button));
    for (const name of ["shown", "typed_blind", "deliberate"]) fields[name] = fields[name] === "true";
    if (form.classList.contains("doubtful")) { fields.note = one("#note").value; fields.basis = one("[name=basis]:checked").value; }
    return fields;
  };
  const decide = async (form, button) => {
    if (busy) return;
    const page = root(), start = performance.now(), fields = asked(form, button);
    busy = true;
    try {
      const answer = await fetch(page.dataset.action, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields), credentials: "same-origin" });
      const made = await answer.json();
      if (answer.status === 409) await conflict(made, fields);
      else if (!answer.ok) problem(`Not recorded: ${made.problem}. ${made.remedy || ""}`);
      else await recorded(made, page, start);
    } catch {
      problem("Not recorded: the desk did not answer. What you typed is kept; press again, it will not count twice.");
    } finally { busy = false; }
  };
  const recorded = async (made, page, start) => {
    const { gap, second, address } = page.dataset;
    sessionStorage.removeItem(draft());
    if (!second) push({ uid: made.entry.uid, said: made.said, target: gap });
    const next = second ? (made.next ? `/second/${made.next}` : "/second") : made.next ? `/gaps/${made.next}${address}` : `/queue${address}${address ? "&" : "?"}done=${made.entry.uid}`;
    await go(next);
    const token = one(`.text [data-token="${gap}"]`);
    // The page was fetched before the decision: its text says so now.
    if (token && !second && token.dataset.token !== root().dataset.gap) { token.classList.add("decided"); token.dataset.said = made.said; }
    say(`Recorded: ${second ? "your reading" : made.said}. ${one("h1") ? `Next: ${one("h1").textContent.trim()}` : ""}`);
    requestAnimationFrame(() => { if (root()) root().dataset.took = String(Math.round(performance.now() - start)); });
  };
  const conflict = async (made, fields) => {
    const address = location.pathname + location.search;
    ahead.delete(address);
    swap(await fetched(address), { push: false });
    one("#reading").value = fields.text || fields.accept || "";
    one("#note").value = fields.note || "";
    keep();
    problem(`Not recorded as holding: ${made.problem}. ${made.remedy}. What you entered is still in the form.`);
  };
  const undo = async () => {
    const last = stack().at(-1);
    if (busy || !last) { say("Nothing was decided in this window; the log undoes anything."); return; }
    busy = true;
    try {
      const answer = await fetch(`/api/decisions/${last.uid}/undo`, { method: "POST", credentials: "same-origin" });
      if (!answer.ok) problem(`Not undone: ${(await answer.json()).problem}`);
      sessionStorage.setItem("desk-done", JSON.stringify(stack().slice(0, -1)));
      if (!answer.ok) return;
      ahead.clear();
      await go(`/gaps/${last.target}${root() ? root().dataset.address : ""}`);
      say(`Undone: ${last.said}`);
    } catch { problem("Not undone: the desk did not answer."); } finally { busy = false; }
  };

  document.addEventListener("submit", async (event) => {
    const form = event.target, button = event.submitter;
    if (!root() || form.method !== "post") return;
    if (form.classList.contains("done")) { const uid = form.getAttribute("action").split("/")[2]; if (stack().at(-1)?.uid === uid) { event.preventDefault(); undo(); } return; }
    if (!form.classList.contains("decide")) return;
    event.preventDefault();
    if (button && button.formAction.includes("/list")) swap(await fetched(button.formAction, { method: "POST", body: new URLSearchParams(new FormData(form)) }), { push: false });
    else decide(form, button);
  });
  document.addEventListener("input", (event) => { if (event.target.matches("#reading, #note")) keep(); });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-single-keys]")) localStorage.setItem("desk-keys", event.target.checked ? "on" : "off");
    if (event.target.name === "basis") all("[data-follow-basis]").forEach((field) => { field.value = event.target.value; });
  });
  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest("[data-open-help]")) one("#keys").showModal();
    const link = event.target.closest("a");
    const address = link && (link.href.baseVal ?? link.getAttribute("href"));
    if (root() && address && address.startsWith("/gaps/") && !address.includes("/history")) { event.preventDefault(); go(address); }
  });
  addEventListener("popstate", () => go(location.pathname + location.search, { push: false }));

  const refused = (digit) => {
    if (one("[data-first]")) problem(`The list is not shown yet: type your reading, then l shows it.`);
    else if (one(".panel.refused")) problem("No key takes anything here, because no reading is offered: type your own (a), or open the list and take one there.");
    else problem(`There is no candidate ${digit} that a key takes.`);
  };
  const ink = () => { const radio = one('[name=basis][value="ink"]'); if (radio && !radio.checked) radio.click(); };
  const press = (part) => { if (!part) return; if (part.tagName === "A") part.click(); else part.form.requestSubmit(part); };
  const keys = {
    a: () => one("#reading")?.focus(), n: () => one("#note")?.focus(), u: undo, k: () => history.back(), l: () => press(one("[data-list]")),
    b: () => { const radio = one("[name=basis]:not(:checked)"); if (radio) { radio.click(); say(radio.parentElement.textContent.trim()); } },
    c: () => Desk.scan.act.cleaned(), t: () => Desk.scan.act.turn(), "+": () => Desk.scan.act.in(), "=": () => Desk.scan.act.in(), "-": () => Desk.scan.act.out(), 0: () => Desk.scan.act.fit(),
    "?": () => one("#keys").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (!root() || event.ctrlKey || event.metaKey || event.altKey || one("#keys")?.open) return;
    const field = event.target.matches("input:not([type=radio]), textarea, select");
    if (field) {
      if (event.key === "Escape") main.focus();
      if (event.key === "Enter" && event.shiftKey && event.target.id === "reading") { event.preventDefault(); ink(); press(one('.decide [name=verdict][value="amended"]')); }
      return;
    }
    if (localStorage.getItem("desk-keys") === "off") return;
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code || "");
    const button = digit && one(`.take[data-key="${digit[1]}"]`);
    if (digit) { if (button) { if (event.shiftKey) ink(); press(button); } else refused(digit[1]); } else if (keys[event.key]) keys[event.key](); else if (/^[a-z]$/.test(event.key) && one(`[data-key="${event.key}"]`)) press(one(`[data-key="${event.key}"]`)); else return;
    event.preventDefault();
  });
  setUp();
})();
