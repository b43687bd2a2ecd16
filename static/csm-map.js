/* Campus safety map, the browser's half.
 *
 * Python mounts the map once (csm.mount) and afterwards only sends state
 * (csm.apply): a few hundred bytes. The data come from /layers/… as compact
 * column files; csm-draw.js draws them. All names are untrusted: they become
 * text nodes or canvas text, never HTML.
 */
(function () {
  "use strict";
  const { unpack, paintSymbol, GroundLayer, PointLayer } = window.csmDraw;
  const csm = { state: {}, layers: {} };

  async function get(url, realm) {
    const answer = await (realm || window).fetch(url, { credentials: "same-origin" });
    if (answer.status === 401) throw new Error("登录已失效，请刷新页面后重新登录。");
    if (!answer.ok) throw new Error("地图数据没有取到（" + answer.status + "）。");
    return answer;
  }

  /* ---------- the map ---------- */

  let map, config, near, focus, focusWords, baseLoaded = "", watersLoaded = "", nearWanted = "", tip, note, busy, legend;

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }
  function pane(name, z, passive) {
    map.createPane(name).style.zIndex = z;
    if (passive) map.getPane(name).style.pointerEvents = "none";
    return name;
  }
  function textMarker(latlng, className, node, size) {
    return L.marker(latlng, { pane: "words", interactive: false, keyboard: false, icon: L.divIcon({ className: "csm-label " + className, html: node, iconSize: size || [140, 20] }) });
  }
  function fail(error) {
    if (error.name === "AbortError") return;
    note.getContainer().replaceChildren(element("span", "", error.message || "地图数据没有取到。"));
    const again = element("button", "", "重试");
    again.onclick = () => { note.getContainer().style.display = "none"; const s = csm.state; csm.state = {}; baseLoaded = watersLoaded = nearWanted = ""; csm.apply(s); loadNear(); };
    note.getContainer().appendChild(again);
    note.getContainer().style.display = "block";
  }
  let waiting = 0;
  function load(url, realm) {
    waiting++; busy.classList.add("on");
    return get(url, realm).finally(() => { if (--waiting === 0) busy.classList.remove("on"); });
  }

  function control(position, node) {
    const made = L.control({ position: position });
    made.onAdd = () => { L.DomEvent.disableClickPropagation(node); L.DomEvent.disableScrollPropagation(node); return node; };
    made.addTo(map);
    return made;
  }
  function icon(path) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("d", path);
    svg.appendChild(line);
    return svg;
  }
  function barButton(bar, path, title, act) {
    const link = element("a", "");
    link.appendChild(icon(path));
    link.href = "#"; link.title = title; link.setAttribute("role", "button"); link.setAttribute("aria-label", title);
    link.onclick = (e) => { e.preventDefault(); act(); };
    bar.appendChild(link);
    return link;
  }
  /* A view belongs to one reader's scope: the next user of this tab must not inherit it. */
  const viewKey = () => "csm-view:" + csm.state.scope;
  function placeFirst(s) {
    if (csm.placed) return;
    csm.placed = true;
    const kept = JSON.parse(sessionStorage.getItem(viewKey()) || "null");
    if (kept) map.setView([kept[0], kept[1]], kept[2], { animate: false }); else goHome();
  }
  function goHome() {
    const h = csm.state.home;
    if (h) map.fitBounds([[h[1], h[0]], [h[3], h[2]]], { paddingTopLeft: [24, 16], paddingBottomRight: [24, Math.min(legend.offsetHeight + 14, map.getSize().y / 3)], animate: false, maxZoom: 16 });
  }

  function drawnFirst(at) { if (!csm.firstDrawnAt) csm.firstDrawnAt = at; }

  csm.mount = function (leafletMap, options) {
    map = csm.map = leafletMap; config = options;
    map.attributionControl && map.attributionControl.setPrefix(false);
    map.zoomControl && map.zoomControl.remove();
    L.control.zoom({ position: "topright", zoomInTitle: "放大", zoomOutTitle: "缩小" }).addTo(map);
    const bar = element("div", "leaflet-bar csm-bar");
    barButton(bar, "M4 11l8-7 8 7M6 10v10h12V10", "回到全部学校", goHome);
    barButton(bar, "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5", "全屏显示地图", () => { document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen().catch(() => {}); });
    csm.area = csmArea(map, send);
    csm.area.of(barButton(bar, "M4 4h3M10 4h4M17 4h3v3M20 10v4M20 17v3h-3M14 20h-4M7 20H4v-3M4 14v-4M4 7V4", "在地图上框选范围", csm.area.begin));
    control("topright", bar);
    const scale = L.control.scale({ imperial: false, position: "bottomright" });
    scale._updateMetric = function (most) {
      const metres = this._getRoundNum(most);
      this._updateScale(this._mScale, metres < 1000 ? metres + " 米" : metres / 1000 + " 公里", metres / most);
    };
    scale.addTo(map);
    speakChinese(window.parent.document);
    note = control("topleft", element("div", "csm-note")); note.getContainer().style.display = "none";
    busy = element("div", "csm-busy"); map.getContainer().appendChild(busy);
    legend = element("div", "csm-legend"); control("bottomleft", legend);

    pane("ground", 210, true); pane("near", 405, true); pane("rings", 410, true);
    for (const [i, name] of ["facilities", "schools", "posts"].entries()) pane(name, 430 + i, true);
    pane("lines", 440, true); pane("words", 450, true);
    /* We show and hide it ourselves: one that is not "permanent", Leaflet closes at any click. */
    tip = L.tooltip({ direction: "top", offset: [0, -8], opacity: 1, permanent: true });
    if (config.xyz) L.tileLayer(config.xyz.url, { attribution: config.xyz.attribution, maxZoom: 18, zIndex: 1 }).addTo(map);

    csm.ground = new GroundLayer({ pane: "ground", grades: config.waterGrades, land: !config.xyz });
    csm.renderers = { near: L.canvas({ pane: "near", padding: .12 }), rings: L.canvas({ pane: "rings", padding: .12 }) };
    for (const name of Object.keys(config.points)) {
      csm.layers[name] = new PointLayer(Object.assign({ pane: name, ask: get, done: drawnFirst }, config.points[name]));
    }
    csm.layers.schools.addTo(map).shown = true;
    near = L.layerGroup().addTo(map); focus = L.layerGroup().addTo(map); focusWords = L.layerGroup();

    map.on("moveend", () => {
      const c = map.getCenter();
      if (csm.placed) sessionStorage.setItem(viewKey(), JSON.stringify([c.lat, c.lng, map.getZoom()]));
      restyleForZoom(); loadNear();
    });
    map.on("click", onClick);
    map.on("mousemove", onHover);
    map.on("mouseout", () => tip.remove());
    new ResizeObserver(() => map.invalidateSize({ pan: false })).observe(map.getContainer());
  };

  /* ---------- the few English words that Streamlit itself shows ---------- */

  const WORDS = [
    ["No results", "没有匹配项"],
    ["Connection error", "与服务器的连接中断"],
    ["Is Streamlit still running?", "服务器可能正在重启，请稍候片刻；恢复后页面会自动继续，也可以刷新页面。仍不行时请联系管理员。"],
    ["Streamlit server is not responding", "服务器没有应答，请检查本机网络；恢复后页面会自动继续，也可以刷新页面。"],
    ["Cannot connect to Streamlit", "登录可能已失效，请刷新页面后重新登录。"],
    ["streamlit run yourscript.py", ""],
  ];
  function translate(root) {
    const walker = root.ownerDocument.createTreeWalker(root, 4);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const found = WORDS.find((pair) => node.nodeValue.trim().startsWith(pair[0]));
      if (found) node.nodeValue = found[1];
    }
  }
  /* Menus and dialogs are put straight under the page's body, outside what Python draws. */
  function speakChinese(page) {
    page.documentElement.lang = "zh-CN";
    if (page.csmSpeaks) return;
    page.csmSpeaks = true;
    new MutationObserver((changes) => {
      for (const change of changes) {
        const target = change.target.nodeType === 1 ? change.target : change.target.parentElement;
        if (target && !target.closest("#root")) translate(target);
      }
    }).observe(page.body, { childList: true, subtree: true, characterData: true });
  }

  /* ---------- pointing and clicking ---------- */

  let lastSent = 0;
  function send(properties) {
    lastSent += 1;
    const value = { last_active_drawing: { type: "Feature", geometry: null, properties: Object.assign({ nonce: Date.now() + lastSent }, properties) } };
    /* st_folium compares with previous_data before sending; keeping it equal stops its debounced echo. */
    window.__GLOBAL_DATA__.last_active_drawing = value.last_active_drawing;
    window.__GLOBAL_DATA__.previous_data = value;
    csm.clickedAt = performance.timeOrigin + performance.now();
    window.Streamlit.setComponentValue(value);
  }
  function onClick(e) {
    const schools = csm.layers.schools, i = schools.hit(e.containerPoint, L.Browser.mobile ? 18 : 9);
    if (i >= 0) {
      schools.selected = schools.data.id[i]; schools.draw();
      send({ id: schools.data.id[i] });
      return;
    }
    const cell = schools.cell(e.containerPoint);
    if (cell) map.setZoomAround(e.latlng, map.getZoom() + 2);
  }
  function pointText() {
    for (const name of ["posts", "schools", "facilities"]) {
      const layer = csm.layers[name], i = layer.hit(csm.pointer);
      if (i < 0) continue;
      const words = [];
      if (layer.names) words.push(layer.names[i]); else if (layer.namesUrl) { layer.needNames(); }
      for (const column of layer.options.tips) {
        const style = layer.options.styles[column][layer.data[column][i]];
        if (style) words.push(style.label);
      }
      if (layer.data.gap && layer.data.gap[i]) {
        words.length = 0;
        words.push("校门缺：" + layer.options.gaps.filter((_, bit) => layer.data.gap[i] >> bit & 1).join("、"));
      }
      return { at: layer.latLng(i), text: words.join("\n"), click: name === "schools" };
    }
    return null;
  }
  let frameAsked = false;
  function onHover(e) {
    csm.pointer = e.containerPoint; csm.pointerAt = e.latlng;
    if (frameAsked) return;
    frameAsked = true;
    requestAnimationFrame(() => {
      frameAsked = false;
      const found = pointText() || { at: csm.pointerAt, text: csm.ground.tip(csm.pointer), click: false };
      map.getContainer().style.cursor = found.click ? "pointer" : "";
      if (!found.text) { tip.remove(); return; }
      const node = element("div", "", found.text);
      tip.setLatLng(found.at).setContent(node).addTo(map);
    });
  }

  /* ---------- ground: districts, roads, waters ---------- */

  function restyleForZoom() {
    const zoom = map.getZoom();
    if (csm.styledAt === zoom) return;
    csm.styledAt = zoom;
    if (csm.state.legend) drawLegend(csm.state);
    /* Seen from afar, the words would only cover the school they speak of. */
    zoom >= 13.5 ? focusWords.addTo(map) : focusWords.remove();
    if (csm.towns) zoom >= 12.5 ? csm.towns.addTo(map) : csm.towns.remove();
    if (csm.counties) zoom <= 12.4 ? csm.counties.addTo(map) : csm.counties.remove();
  }
  const columnsAt = (url) => load(url).then((a) => a.arrayBuffer()).then(unpack);
  async function loadBase(v) {
    if (baseLoaded === v) return;
    baseLoaded = v;
    const base = await columnsAt("/layers/base.bin?v=" + v);
    csm.ground.setBase(base);
    csm.towns && csm.towns.remove(); csm.counties && csm.counties.remove();
    csm.towns = L.layerGroup(); csm.counties = L.layerGroup();
    for (const p of base.districts) {
      const town = p.level === "township";
      textMarker([p.label[1], p.label[0]], town ? "town" : "district", element("span", "", p.name)).addTo(town ? csm.towns : csm.counties);
    }
    csm.styledAt = null; restyleForZoom();
  }
  async function loadWaters(v) {
    if (watersLoaded === v) return;
    watersLoaded = v;
    csm.ground.waters = await columnsAt("/layers/waters.bin?v=" + v);
  }
  async function applyGround(s) {
    const graded = s.overlays.includes("waters");
    if (baseLoaded === s.base && watersLoaded === s.waters && csm.ground.graded === graded) return;
    await Promise.all([loadBase(s.base), loadWaters(s.waters)]);
    csm.ground.graded = csm.state.overlays.includes("waters");
    map.hasLayer(csm.ground) ? csm.ground.draw() : csm.ground.addTo(map);
  }

  /* ---------- points ---------- */

  /* The schools' file outlives this frame: coming back to the map from another page of the
     same reader need not fetch and inflate it again. It is made in the page's own realm, so
     that keeping it does not keep this frame alive; signing out ends the page and with it this. */
  async function keptBuffer(url) {
    const page = window.parent, key = csm.state.scope + url;
    if (page.csmKeptKey === key) return page.csmKept;
    const buffer = await (await load(url, page)).arrayBuffer();
    page.csmKept = buffer; page.csmKeptKey = key;
    return buffer;
  }
  async function loadPoints(name, url, namesUrl) {
    const layer = csm.layers[name];
    layer.namesUrl = namesUrl;
    if (layer.url === url) return;
    layer.url = url;
    let data;
    try { data = await (name === "schools" ? keptBuffer(url).then(unpack) : columnsAt(url)); } catch (error) { layer.url = null; throw error; }
    if (layer.url !== url) return;
    layer.names = data.names || null;
    layer.version = csm.state.v;
    layer.set(data);
  }
  /* The answer says which data it was cut from; rows of other data would be other schools. */
  async function loadMask(s) {
    if (s.bits) return Uint8Array.from(atob(s.bits), (sign) => sign.charCodeAt(0));
    const answer = await load("/layers/schools.mask?v=" + s.v + "&" + s.mask);
    if (answer.headers.get("x-csm-version") !== s.v) throw new Error("数据刚刚更新，请刷新页面。");
    return new Uint8Array(await answer.arrayBuffer());
  }
  async function applySchools(s) {
    const layer = csm.layers.schools;
    const wanted = s.v + "|" + s.mask;
    const [, mask] = await Promise.all([
      loadPoints("schools", "/layers/schools.bin?v=" + s.v, "/layers/schools.names?v=" + s.v),
      wanted === layer.maskWanted ? layer.mask : s.mask ? loadMask(s) : null,
    ]);
    if (csm.state !== s) return;
    if (mask && mask.length !== Math.ceil(layer.data.n / 8)) throw new Error("数据刚刚更新，请点重试。");
    layer.maskWanted = wanted;
    layer.mask = mask; layer.maskKey = s.mask; layer.column = s.colour; layer.selected = s.select; layer.rings = s.overlays.includes("hazards");
    const drawn = layer.stats.draws;
    placeFirst(s);
    if (s.show && String(s.show) !== csm.shownPlace) {
      csm.shownPlace = String(s.show);
      const at = L.latLng(s.show[1], s.show[0]);
      if (!map.getBounds().pad(-.08).contains(at) || map.getZoom() < s.show[2]) map.setView(at, Math.max(map.getZoom(), s.show[2]), { animate: false });
    }
    if (layer.stats.draws === drawn) layer.draw();
  }
  async function applyPoints(name, url) {
    const layer = csm.layers[name];
    layer.shown = Boolean(url);
    if (!url) { layer.remove(); return; }
    await loadPoints(name, url, null);
    map.hasLayer(layer) ? layer.draw() : layer.addTo(map);
  }

  /* ---------- close up: campuses, gates; the chosen school ---------- */

  async function loadNear() {
    const b = map.getBounds().pad(.2);
    if (map.getZoom() < 15 || !csm.state.v) { near.clearLayers(); nearWanted = ""; return; }
    const box = [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()].map((v) => v.toFixed(4)).join(",");
    if (nearWanted === box) return;
    nearWanted = box;
    try {
      const data = await (await load("/layers/near.json?v=" + csm.state.v + "&box=" + box)).json();
      if (nearWanted !== box) return;
      near.clearLayers();
      L.geoJSON(data, {
        renderer: csm.renderers.near, pane: "near", interactive: false,
        style: { color: "#5d6f80", weight: 1.4, fillColor: "#8aa0b4", fillOpacity: .16 },
        pointToLayer: (f, at) => L.circleMarker(at, { renderer: csm.renderers.near, pane: "near", radius: 4, color: "#22384d", weight: 1.5, fillColor: "#fff", fillOpacity: 1, interactive: false }),
      }).addTo(near);
    } catch (error) { fail(error); }
  }
  async function applyFocus(url) {
    if (csm.focusUrl === url) return;
    csm.focusUrl = url;
    focus.clearLayers(); focusWords.clearLayers();
    if (!url) return;
    let data;
    try { data = await (await load(url)).json(); } catch (error) { csm.focusUrl = null; throw error; }
    if (csm.focusUrl !== url) return;
    L.geoJSON(data, {
      renderer: csm.renderers.rings, pane: "rings", interactive: false,
      filter: (f) => f.geometry.type !== "Point",
      style: (f) => f.properties.role === "ring" ? { color: "#7a3e9d", weight: 1.6, dashArray: "6 5", fill: false }
        : f.properties.role === "campus" ? { color: "#0b1f33", weight: 2.5, fillColor: "#0b5cad", fillOpacity: .14 }
        : { color: config.lines[f.properties.role] || "#10202f", weight: 3, dashArray: "2 6", lineCap: "round" },
    }).addTo(focus);
    for (const f of data.features) {
      const p = f.properties;
      if (!p.label_at) continue;
      const node = element("span", "", p.label);
      textMarker([p.label_at[1], p.label_at[0]], p.role === "ring" ? "ring" : "metres", node, [220, 20]).addTo(focusWords);
    }
    for (const f of data.features.filter((g) => g.properties.role === "gate")) {
      const at = [f.geometry.coordinates[1], f.geometry.coordinates[0]], missing = f.properties.missing;
      L.circleMarker(at, { pane: "rings", renderer: csm.renderers.rings, radius: 6, color: "#0b1f33", weight: 2, fillColor: "#fff", fillOpacity: 1, interactive: false }).addTo(focus);
      if (missing) textMarker(at, "csm-gap-holder", element("div", "csm-gap", "缺" + missing), [34, 18]).addTo(focusWords);
    }
  }

  /* ---------- legend ---------- */

  function swatch(item) {
    const made = element("canvas"), ratio = window.devicePixelRatio || 1, ctx = made.getContext("2d");
    made.width = 18 * ratio; made.height = 16 * ratio; made.style.width = "18px"; made.style.height = "16px";
    if (item.shape === "line" || item.shape === "ring") {
      ctx.strokeStyle = item.color; ctx.lineWidth = 2.4 * ratio; ctx.beginPath();
      if (item.dash) ctx.setLineDash([4 * ratio, 3 * ratio]);
      if (item.shape === "ring") ctx.arc(9 * ratio, 8 * ratio, 6 * ratio, 0, 7);
      else { ctx.moveTo(ratio, 8 * ratio); ctx.lineTo(17 * ratio, 8 * ratio); }
      ctx.stroke();
    } else paintSymbol(ctx, item, 9 * ratio, 8 * ratio, 5.4 * ratio);
    return made;
  }
  function drawLegend(s) {
    const open = legend.firstChild ? legend.firstChild.open : window.innerWidth > 480;
    const box = element("details"); box.open = open;
    box.appendChild(element("summary", "", "图例"));
    for (const part of s.legend) {
      const styles = config.legend[part.of], row = element("div", "row");
      row.appendChild(element("h4", "", styles.title));
      if (styles.fromZoom && map.getZoom() < styles.fromZoom) row.appendChild(element("span", "item later", "放大地图后显示位置"));
      styles.items.forEach((item, i) => {
        if (part.n && part.n[i] === 0 && item.quiet) return;
        const cell = element("span", "item");
        cell.appendChild(swatch(item));
        cell.appendChild(element("span", "", item.label));
        if (part.n) cell.appendChild(element("b", "", part.n[i].toLocaleString("zh-CN")));
        row.appendChild(cell);
      });
      box.appendChild(row);
    }
    legend.replaceChildren(box);
  }

  /* ---------- state ---------- */

  csm.apply = function (s) {
    const before = csm.state;
    if (JSON.stringify(before) === JSON.stringify(s)) return;
    csm.state = s;
    if (before.v !== s.v) nearWanted = "";
    drawLegend(s);
    csm.area.show(s.area);
    /* Schools first: laying out the ground would hold their drawing up. */
    applySchools(s).then(() => Promise.all([
      applyPoints("facilities", s.facilities),
      applyPoints("posts", s.posts),
      applyFocus(s.focus),
      applyGround(s),
      loadNear(),
    ])).catch(fail);
  };

  window.csm = csm;
})();
