/* A rectangle drawn on the map limits the filter: press the button, drag, let go; Esc leaves. */
window.csmArea = function (map, send) {
  "use strict";
  const LEAST_PX = 8;
  const STYLE = { color: "#0b5cad", weight: 2, dashArray: "6 4", fillOpacity: .06, interactive: false };
  const stage = map.getContainer();
  let from = null, drawn = null, kept = null, button = null, active = false;

  function at(e) { return map.mouseEventToContainerPoint(e); }
  function corners(a, b) { return L.latLngBounds(map.containerPointToLatLng(a), map.containerPointToLatLng(b)); }
  function mark() {
    stage.classList.toggle("csm-area", active);
    if (button) button.setAttribute("aria-pressed", String(active));
  }
  function leave() {
    if (!active) return;
    active = false; from = null;
    if (drawn) drawn.remove();
    drawn = null;
    map.dragging.enable();
    mark();
  }
  function begin() {
    if (active) return leave();
    active = true;
    map.dragging.disable();
    mark();
  }
  function down(e) {
    if (!active || e.button || e.target.closest(".leaflet-control")) return;
    e.preventDefault(); e.stopPropagation();
    from = at(e);
    stage.setPointerCapture(e.pointerId);
  }
  function move(e) {
    if (!from) return;
    e.preventDefault(); e.stopPropagation();
    const bounds = corners(from, at(e));
    if (drawn) drawn.setBounds(bounds); else drawn = L.rectangle(bounds, STYLE).addTo(map);
  }
  function up(e) {
    if (!from) return;
    e.stopPropagation();
    const to = at(e), bounds = corners(from, to), big = Math.min(Math.abs(to.x - from.x), Math.abs(to.y - from.y)) >= LEAST_PX;
    /* The click that ends the drag must not choose a school. */
    stage.addEventListener("click", (click) => click.stopPropagation(), { capture: true, once: true });
    setTimeout(leave, 0);
    from = null;
    if (big) send({ area: [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()] });
  }
  stage.addEventListener("pointerdown", down, true);
  stage.addEventListener("pointermove", move, true);
  stage.addEventListener("pointerup", up, true);
  document.addEventListener("keydown", (e) => { if (e.key === "Escape") leave(); });

  return {
    begin: begin,
    /* Remember the button, so that it shows whether drawing is on. */
    of: (node) => { button = node; mark(); },
    /* Draw the rectangle the filter holds: [west, south, east, north] on screen, or nothing. */
    show: (edges) => {
      if (kept) kept.remove();
      kept = edges ? L.rectangle([[edges[1], edges[0]], [edges[3], edges[2]]], STYLE).addTo(map) : null;
    },
  };
};
