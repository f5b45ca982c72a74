"use strict";
// What is typed stays on this machine, for its place and its editor, until it is recorded: over a reload, a closed tab, a crash, a sign-out, a desk that does not answer.
window.Desk = window.Desk || {};
Desk.drafts = (() => {
  const MAX_KEPT = 400, RETRY_MS = 4000, FIELDS = "#reading, #correction, #note";
  const root = () => document.querySelector("[data-user]");
  const user = () => root().dataset.user;
  const read = (key, otherwise) => { try { return JSON.parse(localStorage.getItem(key)) ?? otherwise; } catch { return otherwise; } };
  const write = (key, value) => { try { if (value === null) localStorage.removeItem(key); else localStorage.setItem(key, JSON.stringify(value)); return true; } catch { return false; } };
  const draftsKey = () => `desk-drafts:${user()}`, outboxKey = () => `desk-outbox:${user()}`;
  const fields = () => [...document.querySelectorAll(FIELDS)];

  const save = () => {
    const drafts = read(draftsKey(), {}), place = root().dataset.current;
    const values = Object.fromEntries(fields().filter((field) => field.value !== field.defaultValue).map((field) => [field.id, field.value]));
    delete drafts[place];
    if (Object.keys(values).length) drafts[place] = { values, at: Date.now() };
    write(draftsKey(), Object.fromEntries(Object.entries(drafts).slice(-MAX_KEPT)));
  };
  const forget = (place) => { const drafts = read(draftsKey(), {}); delete drafts[place]; write(draftsKey(), drafts); };
  const tell = (words, name = "kept") => {
    document.querySelectorAll(`p.${name}`).forEach((old) => old.remove());
    if (!words) return;
    const line = document.createElement("p");
    line.className = `notice ${name}`;
    line.setAttribute("role", "status");
    line.textContent = words;
    (document.querySelector("#reading, #correction")?.closest("p") || document.querySelector(".head")).after(line);
  };
  const restore = () => {
    const draft = root() && read(draftsKey(), {})[root().dataset.current];
    if (!draft) return;
    let restored = false;
    for (const field of fields()) if (draft.values[field.id] !== undefined && field.value === field.defaultValue && field.value !== draft.values[field.id]) { field.value = draft.values[field.id]; restored = true; }
    if (restored) tell(`What you typed here on ${new Date(draft.at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })} and did not record is in the form again.`);
  };

  // Pasted text, cleaned to what can be seen; the desk says what it took out.
  const BETWEEN = "(?<![\\p{Script=Arabic}\\p{Script=Devanagari}\\p{Script=Bengali}\\p{Script=Malayalam}])";
  const UNSEEN = [
    ["soft hyphen", /\u00ad/gu, ""], ["zero-width mark", new RegExp(`[\\u200b\\u2060-\\u2064\\ufeff\\u180e]|${BETWEEN}[\\u200c\\u200d]`, "gu"), ""],
    ["direction mark", /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, ""], ["control character", /[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f]/gu, ""],
    ["tab or line end", /[\t\n\u000b\f\r\u0085\u2028\u2029]/gu, " "], ["special space", /[\u00a0\u2000-\u200a\u202f\u205f\u3000]/gu, " "],
  ];
  const clean = (text) => {
    const taken = [];
    for (const [name, pattern, instead] of UNSEEN) {
      const hits = text.match(pattern);
      if (!hits) continue;
      taken.push(`${hits.length} ${name}${hits.length > 1 ? "s" : ""}${instead ? " (now a space)" : ""}`);
      text = text.replace(pattern, instead);
    }
    return { text: text.normalize("NFC"), taken };
  };
  const paste = (event) => {
    const field = event.target, pasted = (event.clipboardData || event.dataTransfer)?.getData("text/plain");
    if (!field.matches?.(FIELDS) || !pasted) return;
    const { text, taken } = clean(pasted);
    if (!taken.length) return;
    event.preventDefault();
    field.focus();
    const room = field.maxLength - field.value.length + (field.selectionEnd - field.selectionStart);
    field.setRangeText(text.slice(0, Math.max(room, 0)), field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    tell(`Taken out of what you pasted, because nobody can see it: ${taken.join(", ")}.`, "cleaned");
  };

  // What a form of a gap hands in, as the desk's programs' address takes it.
  const decision = (form, button) => {
    const values = Object.fromEntries(new FormData(form, button));
    for (const name of ["shown", "typed_blind", "deliberate"]) values[name] = values[name] === "true";
    if (form.classList.contains("doubtful")) { values.note = document.querySelector("#note").value; values.basis = document.querySelector("[name=basis]:checked").value; }
    return values;
  };

  // Decisions made while the desk did not answer: each is sent until the desk has it; its uid makes it count once.
  const outbox = () => read(outboxKey(), []);
  const post = (action, body) => fetch(action, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), credentials: "same-origin" });
  const waiting = () => { const count = root() ? outbox().length : 0; tell(count ? `The desk does not answer. ${count === 1 ? "Your decision is" : `${count} decisions are`} kept on this machine and sent, once, when it answers again.` : "", "waiting"); };
  const keep = (decision) => { const kept = write(outboxKey(), [...outbox().filter((one) => one.gap !== decision.gap), decision]); waiting(); return kept; };
  let sending = false;
  const send = async () => {
    if (sending || !root() || !outbox().length) return;
    sending = true;
    try {
      for (const one of outbox()) {
        const answer = await post(one.action, one.body);
        if ([401, 403, 502, 503, 504].includes(answer.status)) break;
        write(outboxKey(), outbox().filter((other) => other.body.uid !== one.body.uid));
        const result = await answer.json();
        dispatchEvent(new CustomEvent("desk-sent", { detail: { ok: answer.ok, result, ...one } }));
      }
      waiting();
    } catch { waiting(); } finally { sending = false; }
  };
  setInterval(send, RETRY_MS);
  addEventListener("online", send);
  document.addEventListener("input", (event) => { if (root() && event.target.matches(FIELDS)) save(); });
  document.addEventListener("paste", paste);
  document.addEventListener("drop", paste);
  return { decision, save, forget, restore, clean, tell, keep, send, post, waiting, outbox };
})();
