"use strict";
// The scan in OpenSeadragon: zoom, pan, turn, original or cleaned; text and image linked both ways. Without this script the page shows
// the same picture as an SVG with links.
window.Desk = window.Desk || {};
Desk.scan = (() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const remembered = { get cleaned() { return sessionStorage.getItem("desk-cleaned") === "1"; }, set cleaned(on) { sessionStorage.setItem("desk-cleaned", on ? "1" : "0"); } };
  const boxOf = (token) => (token && token.dataset.box ? token.dataset.box.split(" ").map(Number) : null);
  const home = document.createElement("div");
  home.className = "viewer";
  let viewer = null, root = null, pane = null, shown = "", pointer = null, lit = null;

  const started = () => {
    if (viewer) return viewer;
    viewer = OpenSeadragon({
      element: home, drawer: "canvas", showNavigationControl: false, showNavigator: false, animationTime: still ? 0 : 0.3, maxZoomPixelRatio: 4,
      visibilityRatio: 0.3, gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true }, gestureSettingsTouch: { clickToZoom: false }, tabIndex: "",
    });
    viewer.addHandler("open", () => { marks(); fit(); });
    // Letters are the desk's keys; the arrows move the scan.
    viewer.addHandler("canvas-key", (event) => { if (!event.originalEvent.key.startsWith("Arrow")) event.preventDefaultAction = true; });
    viewer.addHandler("canvas-click", (event) => { if (event.quick) pick(at(event.position)); });
    home.addEventListener("pointermove", (event) => { const frame = home.getBoundingClientRect(); light(at(new OpenSeadragon.Point(event.clientX - frame.left, event.clientY - frame.top))); });
    home.addEventListener("pointerleave", () => light(null));
    return viewer;
  };
  const picture = () => (viewer ? viewer.world.getItemAt(0) : null);
  const rectangle = ([left, top, width, height]) => picture().imageToViewportRectangle(left, top, width, height);
  const imagePoint = (position) => picture() && picture().viewerElementToImageCoordinates(position);

  // The token under a point of the scan: the smallest box that holds it.
  const at = (position) => {
    const point = imagePoint(position);
    if (!point) return null;
    const holds = all("[data-box]", root).filter((token) => { const [x, y, w, h] = boxOf(token); return x <= point.x && point.x < x + w && y <= point.y && point.y < y + h; });
    return holds.sort((a, b) => boxOf(a)[2] * boxOf(a)[3] - boxOf(b)[2] * boxOf(b)[3])[0] || null;
  };
  const light = (token) => {
    if (lit === token) return;
    if (lit) lit.classList.remove("lit");
    lit = token;
    if (token) { token.classList.add("lit"); reveal(token); }
  };
  const pick = (token) => { if (token && token.href) token.click(); else if (token) reveal(token); };
  const reveal = (token) => {
    const text = token.closest(".text");
    if (!text) return;
    const inner = token.getBoundingClientRect(), outer = text.getBoundingClientRect();
    if (inner.top < outer.top || inner.bottom > outer.bottom) text.scrollTop += inner.top + inner.height / 2 - (outer.top + outer.bottom) / 2;
  };

  const overlay = (name, box, href, words) => {
    const element = document.createElement(href ? "a" : "span");
    element.className = `spot ${name}`;
    if (href) { element.href = href; element.setAttribute("aria-label", words); }
    viewer.addOverlay({ element, location: rectangle(box) });
    return element;
  };
  const marks = () => {
    viewer.clearOverlays();
    for (const link of all(".sheet a", pane)) {
      const box = ["x", "y", "width", "height"].map((name) => Number(link.firstElementChild.getAttribute(name)));
      const kind = [...link.firstElementChild.classList].filter((name) => name !== "box").join(" ");
      const spot = overlay(kind, box, link.getAttribute("href"), link.getAttribute("aria-label"));
      spot.dataset.place = link.dataset.token;
      // OpenSeadragon swallows clicks on what lies over the picture, unless they are tracked.
      new OpenSeadragon.MouseTracker({ element: spot, clickHandler: (event) => { if (event.quick) link.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true })); } });
    }
    // A word that is looked at has no link among the gaps, and is shown all the same.
    const looked = root.dataset.current && all(`[data-token="${root.dataset.current}"][data-box]`, root)[0];
    if (looked && !all(`.sheet [data-token="${root.dataset.current}"]`, pane).length) overlay("current", boxOf(looked));
    pointer = overlay("pointer", [0, 0, 1, 1]);
    pointer.hidden = true;
  };
  const point = (token) => {
    const box = boxOf(token);
    if (!pointer || !picture()) return;
    pointer.hidden = !box;
    if (box) viewer.updateOverlay(pointer, rectangle(box));
  };

  // Show the gap with some of the page round it; without a gap, the page.
  const fit = () => {
    const current = root.dataset.current && all(`[data-token="${root.dataset.current}"][data-box]`, root)[0];
    if (!picture()) return;
    if (!current) { viewer.viewport.goHome(true); return; }
    const [left, top, width, height] = boxOf(current), whole = Number(pane.dataset.width), long = Number(pane.dataset.height);
    const across = Math.min(whole, Math.max(width * 2.2, whole * 0.42)), down = (across * home.clientHeight) / Math.max(1, home.clientWidth);
    // The gap in the middle, unless that would show what lies beyond the page's edge.
    const within = (middle, size, end) => (size >= end ? (end - size) / 2 : Math.min(Math.max(0, middle - size / 2), end - size));
    viewer.viewport.fitBounds(rectangle([within(left + width / 2, across, whole), within(top + height / 2, down, long), across, down]), true);
    reveal(current);
  };
  const source = () => {
    const kind = remembered.cleaned ? "cleaned" : "original", size = pane.dataset;
    const small = { url: size[`${kind}Small`], width: Number(size.smallWidth), height: Number(size.smallHeight) };
    const full = { url: size[kind], width: Number(size.width), height: Number(size.height) };
    return { type: "legacy-image-pyramid", levels: small.width < full.width ? [small, full] : [full] };
  };
  const lines = () => {
    for (const image of all("image[data-original]", root)) image.setAttribute("href", image.dataset[remembered.cleaned ? "cleaned" : "original"]);
    for (const button of all('[data-scan="cleaned"]', root)) button.setAttribute("aria-pressed", String(remembered.cleaned));
  };

  // Take over the scan of a page; the same picture is not loaded again when the next gap is on the same page.
  const attach = (page) => {
    root = page;
    pane = root.querySelector("[data-viewer]");
    lines();
    if (!pane) return;
    all(".tools", root).forEach((tools) => { tools.hidden = false; });
    pane.classList.add("live");
    pane.append(home);
    const wanted = JSON.stringify(source());
    if (wanted !== shown) { shown = wanted; started().open(source()); } else if (viewer.isOpen()) { marks(); fit(); }
  };
  const act = {
    in: () => viewer && viewer.viewport.zoomBy(1.5), out: () => viewer && viewer.viewport.zoomBy(1 / 1.5), fit,
    turn: () => viewer && viewer.viewport.setRotation((viewer.viewport.getRotation() + 90) % 360),
    cleaned: () => { remembered.cleaned = !remembered.cleaned; lines(); if (pane) { shown = JSON.stringify(source()); viewer.open(source()); } },
  };
  document.addEventListener("click", (event) => { const button = event.target.closest("[data-scan]"); if (button) act[button.dataset.scan](); });
  for (const name of ["mouseover", "focusin"]) document.addEventListener(name, (event) => { if (event.target.closest && event.target.closest(".text")) point(event.target.closest("[data-box]")); });
  return { attach, act, reveal, viewer: () => viewer, imagePoint, overlay, home };
})();
