"use strict";
// Everything works without this script through links; it adds pointing, the keyboard, and the size of the scan.
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const cards = all(".card");
  const partsOf = (number) => all(`[data-gap="${number}"]`, document.querySelector("main")).filter((part) => !part.closest(".legend"));

  for (const hidden of all(".zoom, .keys")) hidden.hidden = false;

  const light = (number, on) => partsOf(number).forEach((part) => part.classList.toggle("lit", on));
  for (const [enter, leave] of [["mouseover", "mouseout"], ["focusin", "focusout"]]) {
    document.addEventListener(enter, (event) => { const part = event.target.closest("main [data-gap]"); if (part) light(part.dataset.gap, true); });
    document.addEventListener(leave, (event) => { const part = event.target.closest("main [data-gap]"); if (part) light(part.dataset.gap, false); });
  }

  const centre = (part, pane) => {
    if (!part || !pane) return;
    const inner = part.getBoundingClientRect(), outer = pane.getBoundingClientRect();
    // Only a part of the pane may be in the window.
    const top = Math.max(0, outer.top), bottom = Math.min(innerHeight, outer.bottom);
    pane.scrollTop += inner.top + inner.height / 2 - (top + bottom) / 2;
    pane.scrollLeft += inner.left + inner.width / 2 - (outer.left + outer.right) / 2;
  };
  const show = (number) => {
    const mark = document.getElementById(`mark-${number}`), box = document.getElementById(`box-${number}`);
    centre(box, box && box.closest(".pane"));
    centre(mark, mark && mark.closest(".text"));
  };

  let current = -1;
  const go = (index, behavior = "auto") => {
    if (!cards.length) return;
    current = (index + cards.length) % cards.length;
    const card = cards[current];
    history.replaceState(null, "", `#${card.id}`);
    card.focus({ preventScroll: true });
    const columns = card.closest(".columns");
    // Scan and text are whole in the window once their columns have reached its top.
    if (columns.getBoundingClientRect().top > 0) columns.scrollIntoView({ block: "start", behavior: "instant" });
    card.scrollIntoView({ block: card.offsetHeight > innerHeight ? "start" : "nearest", behavior });
    show(card.dataset.gap);
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest('main a[href^="#"]');
    if (!link || !link.closest("[data-gap]") || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    go(cards.findIndex((card) => card.dataset.gap === link.closest("[data-gap]").dataset.gap));
  });

  const sizes = new Map();
  const zoom = (scan, change) => {
    const pane = scan.querySelector(".pane"), sheet = scan.querySelector(".sheet");
    const size = change === 0 ? 1 : Math.min(5, Math.max(1, (sizes.get(scan) || 1) * (change > 0 ? 1.4 : 1 / 1.4)));
    const across = (pane.scrollLeft + pane.clientWidth / 2) / pane.scrollWidth, down = (pane.scrollTop + pane.clientHeight / 2) / pane.scrollHeight;
    sizes.set(scan, size);
    sheet.style.width = `${100 * size}%`;
    pane.scrollLeft = across * pane.scrollWidth - pane.clientWidth / 2;
    pane.scrollTop = down * pane.scrollHeight - pane.clientHeight / 2;
  };
  for (const button of all("[data-zoom]")) button.addEventListener("click", () => zoom(button.closest(".scan"), Number(button.dataset.zoom)));

  const inView = () => all(".scan").filter((scan) => scan.querySelector(".sheet")).find((scan) => scan.getBoundingClientRect().bottom > 100);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "n") go(current + 1);
    else if (event.key === "p") go(current < 0 ? -1 : current - 1);
    else if ("+-0=".includes(event.key) && inView()) zoom(inView(), { "+": 1, "=": 1, "-": -1, "0": 0 }[event.key]);
    else return;
    event.preventDefault();
  });

  document.addEventListener("mouseover", (event) => {
    const word = event.target.closest("[data-box]");
    const columns = event.target.closest(".columns");
    const pointer = columns && columns.querySelector(".pointer");
    if (!pointer) return;
    const box = word ? word.dataset.box.split(" ") : [0, 0, 0, 0];
    ["x", "y", "width", "height"].forEach((name, place) => pointer.setAttribute(name, box[place]));
  });

  window.addEventListener("beforeprint", () => all("details").forEach((part) => { part.open = true; }));
  if (/^#gap-\d+$/.test(location.hash)) go(cards.findIndex((card) => `#${card.id}` === location.hash), "instant");
})();
