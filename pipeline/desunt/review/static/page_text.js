"use strict";
// The page's text: `v` shows the engine's reading in the gaps (drawn beside the text, so that it is never copied with it); Tab goes from gap to gap and
// to unclear words, the arrows to every word.
window.Desk = window.Desk || {};
Desk.text = (() => {
  const shown = () => sessionStorage.getItem("desk-engine") === "1";
  const apply = () => {
    document.documentElement.classList.toggle("show-engine", shown());
    document.querySelectorAll("[data-engine-switch]").forEach((button) => { button.hidden = false; button.setAttribute("aria-pressed", String(shown())); });
  };
  const toggle = () => { sessionStorage.setItem("desk-engine", shown() ? "0" : "1"); apply(); };
  const STEPS = { ArrowRight: 1, ArrowLeft: -1 };
  document.addEventListener("click", (event) => { if (event.target.closest("[data-engine-switch]")) toggle(); });
  document.addEventListener("keydown", (event) => {
    const step = STEPS[event.key], token = event.target.closest?.(".text a.token");
    if (!step || !token || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.location === 3) return;
    const tokens = [...document.querySelectorAll(".text a.token")], next = tokens[tokens.indexOf(token) + step];
    if (next) { next.focus(); event.preventDefault(); }
  });
  apply();
  return { toggle, apply };
})();
