"use strict";
// Tick all places of a series, or none, and say how many are ticked.
(() => {
  const boxes = [...document.querySelectorAll('[name="picked"]')], counter = document.querySelector("[data-picked]");
  for (const part of document.querySelectorAll(".script-only")) part.hidden = false;
  const count = () => { if (counter) counter.textContent = `${boxes.filter((box) => box.checked).length} of ${boxes.length} ticked`; };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-pick]");
    if (button) for (const box of boxes) box.checked = button.dataset.pick === "all";
    count();
  });
  count();
})();
