"use strict";
// A whole page: the scan beside its text, and a gap's box drawn on the scan. Without this script boxes are typed as numbers.
(() => {
  const root = document.querySelector(".page-page");
  for (const part of document.querySelectorAll(".script-only")) part.hidden = false;
  Desk.scan.attach(root);
  // What was recorded is no draft any more: the page comes back with what was done.
  if (root.querySelector(".done") && root.dataset.current) {
    Desk.drafts.forget(root.dataset.current);
    const address = new URL(location.href);
    address.searchParams.delete("done");
    history.replaceState(null, "", address);
  }
  Desk.drafts.restore();
  const current = root.querySelector('.text [aria-current="true"]');
  if (current) Desk.scan.reveal(current);

  const place = (event) => {
    const frame = Desk.scan.home.getBoundingClientRect();
    return Desk.scan.imagePoint(new OpenSeadragon.Point(event.clientX - frame.left, event.clientY - frame.top));
  };
  const draw = (form, button) => {
    const viewer = Desk.scan.viewer();
    if (!viewer) return;
    let start = null, drawn = null;
    viewer.setMouseNavEnabled(false);
    button.textContent = "drag over the scan …";
    const box = (event) => { const end = place(event); return [Math.min(start.x, end.x), Math.min(start.y, end.y), Math.abs(end.x - start.x) + 1, Math.abs(end.y - start.y) + 1].map((n) => Math.max(0, Math.round(n))); };
    const down = (event) => { start = place(event); drawn = Desk.scan.overlay("drawn", [start.x, start.y, 1, 1]); event.preventDefault(); };
    const move = (event) => { if (start) viewer.updateOverlay(drawn, viewer.world.getItemAt(0).imageToViewportRectangle(...box(event))); };
    const up = (event) => {
      if (!start) return;
      const [left, top, width, height] = box(event);
      for (const [side, value] of Object.entries({ left, top, right: left + width, bottom: top + height })) form.querySelector(`[data-side="${side}"]`).value = value;
      Desk.scan.home.removeEventListener("pointerdown", down, true);
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", up);
      viewer.setMouseNavEnabled(true);
      button.textContent = "draw it again";
    };
    Desk.scan.home.addEventListener("pointerdown", down, true);
    addEventListener("pointermove", move);
    addEventListener("pointerup", up);
  };
  document.addEventListener("click", (event) => { const button = event.target.closest("[data-draw]"); if (button) draw(button.form, button); });
})();
