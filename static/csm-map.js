/* Campus safety map, the browser's half.
 *
 * Python mounts the map once (csm.mount) and afterwards only sends state
 * (csm.apply): a few hundred bytes. The data come from /layers/… as compact
 * column files, are kept as typed arrays and drawn on canvas. All names are
 * untrusted: they become text nodes or canvas text, never HTML.
 */
(function () {
  "use strict";
  const csm = { state: {}, layers: {} };
  const WORLD = 2147483648, CLUSTER_ABOVE = 30000, CELL_PX = 46, CLUSTERED_RADIUS = 2.4;
  const TYPES = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, i4: Int32Array };

  async function get(url, realm) {
    const answer = await (realm || window).fetch(url, { credentials: "same-origin" });
    if (answer.status === 401) throw new Error("登录已失效，请刷新页面后重新登录。");
    if (!answer.ok) throw new Error("地图数据没有取到（" + answer.status + "）。");
    return answer;
  }

  function unpack(buffer) {
    const length = new DataView(buffer).getUint32(4, true);
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
    for (const c of head.columns) {
      head[c.name] = new TYPES[c.type](buffer, 8 + length + c.offset, head.n);
    }
    return head;
  }

  /* ---------- symbols ---------- */

  function paintSymbol(ctx, style, cx, cy, r) {
    ctx.beginPath();
    if (style.shape === "square") ctx.rect(cx - r * .88, cy - r * .88, r * 1.76, r * 1.76);
    else if (style.shape === "triangle") {
      ctx.moveTo(cx, cy - r * 1.12); ctx.lineTo(cx + r * 1.08, cy + r * .82);
      ctx.lineTo(cx - r * 1.08, cy + r * .82); ctx.closePath();
    } else if (style.shape === "diamond") {
      ctx.moveTo(cx, cy - r * 1.2); ctx.lineTo(cx + r * 1.2, cy);
      ctx.lineTo(cx, cy + r * 1.2); ctx.lineTo(cx - r * 1.2, cy); ctx.closePath();
    } else if (style.shape === "cross") {
      ctx.moveTo(cx - r, cy - r); ctx.lineTo(cx + r, cy + r);
      ctx.moveTo(cx + r, cy - r); ctx.lineTo(cx - r, cy + r);
    } else ctx.arc(cx, cy, r, 0, 7);
    if (style.shape !== "cross") { ctx.fillStyle = style.hollow ? "#ffffff" : style.color; ctx.fill(); }
    const ratio = window.devicePixelRatio || 1;
    ctx.lineWidth = (style.hollow || style.shape === "cross" ? 2 : 1) * ratio;
    ctx.strokeStyle = style.hollow || style.shape === "cross" ? style.color : (style.edge || "#ffffff");
    ctx.stroke();
  }

  /* A sprite is the list of its own opaque and half-opaque pixels: stamping those
     into one image is an order of magnitude faster than drawImage per point. */
  function makeSprite(style, radius, ring) {
    const half = Math.ceil(radius * 1.3 + (ring ? 4 : 1)) + 1, size = 2 * half + 1;
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = size;
    const ctx = canvas.getContext("2d", { willReadFrequently: true });
    if (ring) {
      ctx.beginPath(); ctx.arc(half + .5, half + .5, radius + 3, 0, 7);
      ctx.lineWidth = 2.5; ctx.strokeStyle = ring; ctx.stroke();
    }
    paintSymbol(ctx, style, half + .5, half + .5, radius);
    const data = ctx.getImageData(0, 0, size, size).data, words = new Uint32Array(data.buffer);
    const dx = [], dy = [], word = [], alpha = [];
    for (let i = 0; i < words.length; i++) {
      if (data[4 * i + 3] > 12) {
        dx.push(i % size - half); dy.push((i / size | 0) - half);
        word.push(words[i]); alpha.push(data[4 * i + 3]);
      }
    }
    return { n: dx.length, half: half, dx: Int16Array.from(dx), dy: Int16Array.from(dy), word: Uint32Array.from(word), alpha: Uint8Array.from(alpha) };
  }

  function stamp(pixels, width, height, sprite, cx, cy) {
    for (let k = 0; k < sprite.n; k++) {
      const x = cx + sprite.dx[k], y = cy + sprite.dy[k];
      if (x < 0 || y < 0 || x >= width || y >= height) continue;
      const at = y * width + x, a = sprite.alpha[k], src = sprite.word[k];
      const dst = pixels[at];
      if (a > 250 || dst >>> 24 === 0) { pixels[at] = src; continue; }
      const b = 255 - a;
      const red = ((src & 255) * a + (dst & 255) * b) / 255 | 0;
      const green = ((src >>> 8 & 255) * a + (dst >>> 8 & 255) * b) / 255 | 0;
      const blue = ((src >>> 16 & 255) * a + (dst >>> 16 & 255) * b) / 255 | 0;
      pixels[at] = (255 << 24 | blue << 16 | green << 8 | red) >>> 0;
    }
  }

  /* ---------- a layer of points ---------- */

  const PointLayer = L.Renderer.extend({
    initialize: function (options) {
      L.Renderer.prototype.initialize.call(this, Object.assign({ padding: .12 }, options));
      this._layers = {}; this.data = null; this.mask = null; this.names = null;
      this.column = options.column; this.selected = null; this.shown = false; this.stats = {};
    },
    _initContainer: function () {
      this._container = document.createElement("canvas");
      this._container.className = "csm-canvas leaflet-zoom-animated";
      this._ctx = this._container.getContext("2d");
    },
    _destroyContainer: function () { this._container.remove(); delete this._container; },
    _reset: function () { this._update(); this._updateTransform(this._center, this._zoom); },
    _update: function () {
      if (this._map._animatingZoom && this._bounds) return;
      L.Renderer.prototype._update.call(this);
      const ratio = window.devicePixelRatio || 1, size = this._bounds.getSize();
      L.DomUtil.setPosition(this._container, this._bounds.min);
      const width = Math.max(1, Math.round(size.x * ratio)), height = Math.max(1, Math.round(size.y * ratio));
      if (this._container.width !== width || this._container.height !== height) {
        this._container.width = width; this._container.height = height;
        this._container.style.width = size.x + "px"; this._container.style.height = size.y + "px";
        this._image = null;
      }
      this.draw();
    },
    set: function (data) { this.data = data; this._sorted = null; this._sprites = null; },
    /* Rows in drawing order: low rank first, so that what matters lies on top. */
    _rows: function () {
      if (this._sorted && this._sortedBy === this.column) return this._sorted;
      const n = this.data.n, values = this.data[this.column], styles = this.options.styles[this.column];
      const counts = new Uint32Array(64);
      const rank = Uint8Array.from(styles, (s) => s.rank);
      for (let i = 0; i < n; i++) counts[rank[values[i]] + 1]++;
      for (let i = 1; i < 64; i++) counts[i] += counts[i - 1];
      const rows = new Uint32Array(n);
      for (let i = 0; i < n; i++) rows[counts[rank[values[i]]]++] = i;
      this._sorted = rows; this._sortedBy = this.column;
      return rows;
    },
    keeps: function (i) { return !this.mask || (this.mask[i >> 3] >> (i & 7)) & 1; },
    _frame: function () {
      const ratio = window.devicePixelRatio || 1;
      const scale = this._map.options.crs.scale(this._zoom) * ratio / WORLD;
      const origin = this._map._getNewPixelOrigin(this._center, this._zoom).add(this._bounds.min);
      return { ratio: ratio, scale: scale, ox: origin.x * ratio, oy: origin.y * ratio, w: this._container.width, h: this._container.height };
    },
    _radius: function (visible) {
      const z = this._zoom, base = this.options.radius || 5;
      return base + (z >= 15 ? 3 : z >= 13 ? 1.5 : 0) - (visible > 8000 ? 1.8 : visible > 3000 ? 1 : 0);
    },
    draw: function () {
      const ctx = this._ctx, canvas = this._container;
      if (!canvas) return;
      ctx.clearRect(0, 0, canvas.width, canvas.height);
      this._drawn = [];
      const low = this._map.getZoom() < (this.options.fromZoom || 0);
      if (!this.data || !this.shown || low) { this._done(0, 0); return; }
      const f = this._frame(), d = this.data, rows = this._rows(), values = d[this.column];
      if (!this._seen || this._seen.length < rows.length) this._seen = new Uint32Array(rows.length);
      const seen = this._seen;
      let visible = 0;
      const pad = 14 * f.ratio;
      for (let k = 0; k < rows.length; k++) {
        const i = rows[k];
        if (!this.keeps(i)) continue;
        const px = d.x[i] * f.scale - f.ox, py = d.y[i] * f.scale - f.oy;
        if (px > -pad && py > -pad && px < f.w + pad && py < f.h + pad) seen[visible++] = i;
      }
      const drawn = seen.subarray(0, visible);
      const clusters = visible > CLUSTER_ABOVE ? this._clusters(drawn, f, values) : null;
      this._stampAll(clusters ? clusters.alone : drawn, f, values, clusters ? CLUSTERED_RADIUS : this._radius(visible));
      if (clusters) this._paintClusters(clusters.cells, f);
      if (!clusters) this._paintLabels(drawn, f, visible);
      this._paintSelected(f);
      this._drawn = clusters ? clusters.alone : drawn; this._cells = clusters ? clusters.cells : null;
      this._done(visible, clusters ? clusters.cells.length : 0);
    },
    _stampAll: function (drawn, f, values, radius) {
      if (!this._image) this._image = this._ctx.createImageData(f.w, f.h);
      const pixels = new Uint32Array(this._image.data.buffer);
      pixels.fill(0);
      const d = this.data, styles = this.options.styles[this.column], shapes = this.options.shapes;
      const r = radius * f.ratio, cache = {};
      const rings = this.rings && d.overdue;
      for (let k = 0; k < drawn.length; k++) {
        const i = drawn[k], value = values[i], shape = shapes ? d[shapes.column][i] : 0;
        const ring = rings ? (d.overdue[i] ? 2 : d.open[i] ? 1 : 0) : 0;
        const key = (value * 64 + shape) * 3 + ring;
        let sprite = cache[key];
        if (!sprite) {
          const style = Object.assign({}, styles[value], shapes ? { shape: shapes.of[shape] } : {});
          sprite = cache[key] = makeSprite(style, r * (style.grow || 1), ring === 2 ? "#c1121f" : ring ? "#e07b00" : null);
        }
        stamp(pixels, f.w, f.h, sprite, Math.round(d.x[i] * f.scale - f.ox), Math.round(d.y[i] * f.scale - f.oy));
      }
      this._ctx.putImageData(this._image, 0, 0);
    },
    /* One pass over a grid; the worst rank is never swallowed by a cluster. */
    _clusters: function (drawn, f, values) {
      const d = this.data, cell = CELL_PX * f.ratio, styles = this.options.styles[this.column];
      const top = Math.max.apply(null, styles.map((s) => s.rank));
      const across = Math.ceil((f.w + 2 * cell) / cell), cells = new Map();
      let lone = 0;
      for (let k = 0; k < drawn.length; k++) {
        const i = drawn[k];
        if (styles[values[i]].rank === top) { drawn[lone++] = i; continue; }
        const px = d.x[i] * f.scale - f.ox, py = d.y[i] * f.scale - f.oy;
        const key = ((py / cell | 0) + 1) * across + (px / cell | 0);
        let c = cells.get(key);
        if (!c) { c = { n: 0, x: 0, y: 0, by: new Uint32Array(styles.length) }; cells.set(key, c); }
        c.n++; c.x += px; c.y += py; c.by[values[i]]++;
      }
      return { alone: drawn.subarray(0, lone), cells: Array.from(cells.values()) };
    },
    _paintClusters: function (cells, f) {
      const ctx = this._ctx, styles = this.options.styles[this.column];
      ctx.textAlign = "center"; ctx.textBaseline = "middle"; ctx.font = 600 * 1 + " " + 12 * f.ratio + "px sans-serif";
      for (const c of cells) {
        c.px = c.x / c.n; c.py = c.y / c.n; c.r = (9 + 2.2 * Math.log2(c.n + 1)) * f.ratio * .8;
        let from = -Math.PI / 2;
        for (let v = 0; v < styles.length; v++) {
          if (!c.by[v]) continue;
          const to = from + 2 * Math.PI * c.by[v] / c.n;
          ctx.beginPath(); ctx.moveTo(c.px, c.py); ctx.arc(c.px, c.py, c.r, from, to); ctx.closePath();
          ctx.fillStyle = styles[v].color; ctx.fill(); from = to;
        }
        ctx.beginPath(); ctx.arc(c.px, c.py, c.r * .7, 0, 7); ctx.fillStyle = "#ffffff"; ctx.fill();
        ctx.fillStyle = "#1d2b3a"; ctx.fillText(c.n > 9999 ? (c.n / 10000).toFixed(1) + "万" : c.n, c.px, c.py);
      }
    },
    _paintLabels: function (drawn, f, visible) {
      if (!this.options.labels || this._zoom < 15 || visible > 150) return;
      if (!this.names) { this.needNames(); return; }
      const ctx = this._ctx, taken = [], r = this._radius(visible) * f.ratio;
      ctx.font = 13 * f.ratio + "px 'Noto Sans SC','Microsoft YaHei',sans-serif";
      ctx.textAlign = "left"; ctx.textBaseline = "middle"; ctx.lineJoin = "round";
      for (let k = drawn.length - 1; k >= 0; k--) {
        const i = drawn[k];
        if (this.data.id[i] === this.selected) continue;
        const x = this.data.x[i] * f.scale - f.ox + r + 4 * f.ratio, y = this.data.y[i] * f.scale - f.oy;
        const w = ctx.measureText(this.names[i]).width, h = 16 * f.ratio;
        if (taken.some((t) => x < t[0] + t[2] && x + w > t[0] && Math.abs(y - t[1]) < h)) continue;
        taken.push([x, y, w]);
        ctx.lineWidth = 3.5 * f.ratio; ctx.strokeStyle = "rgba(255,255,255,.92)"; ctx.strokeText(this.names[i], x, y);
        ctx.fillStyle = "#14222f"; ctx.fillText(this.names[i], x, y);
      }
    },
    _paintSelected: function (f) {
      const at = this.selected === null ? -1 : this.data.id.indexOf(this.selected);
      if (at < 0) return;
      const ctx = this._ctx, x = this.data.x[at] * f.scale - f.ox, y = this.data.y[at] * f.scale - f.oy;
      for (const [color, width] of [["#ffffff", 7], ["#0b1f33", 3]]) {
        ctx.beginPath(); ctx.arc(x, y, 14 * f.ratio, 0, 7);
        ctx.strokeStyle = color; ctx.lineWidth = width * f.ratio; ctx.stroke();
      }
    },
    _done: function (visible, clusters) {
      if (visible && !csm.firstDrawnAt) csm.firstDrawnAt = performance.timeOrigin + performance.now();
      this.stats = { draws: (this.stats.draws || 0) + 1, visible: visible, clusters: clusters, at: performance.timeOrigin + performance.now(), key: this.maskKey || "", version: this.version || "" };
    },
    /* Nearest drawn point within reach, the last drawn (topmost) winning ties. */
    hit: function (containerPoint, reach) {
      if (!this.data || !this._map || !this._drawn) return -1;
      const f = this._frame(), shift = this._map.containerPointToLayerPoint(containerPoint).subtract(this._bounds.min).multiplyBy(f.ratio);
      let best = -1, nearest = Math.pow((reach || 9) * f.ratio, 2);
      for (let k = 0; k < this._drawn.length; k++) {
        const i = this._drawn[k], dx = this.data.x[i] * f.scale - f.ox - shift.x, dy = this.data.y[i] * f.scale - f.oy - shift.y;
        const away = dx * dx + dy * dy;
        if (away <= nearest) { nearest = away; best = i; }
      }
      return best;
    },
    cell: function (containerPoint) {
      if (!this._cells) return null;
      const f = this._frame(), p = this._map.containerPointToLayerPoint(containerPoint).subtract(this._bounds.min).multiplyBy(f.ratio);
      return this._cells.find((c) => Math.pow(c.px - p.x, 2) + Math.pow(c.py - p.y, 2) <= c.r * c.r) || null;
    },
    needNames: function () {
      if (this._asking || !this.namesUrl) return;
      this._asking = true;
      get(this.namesUrl).then((a) => a.text()).then((t) => { this.names = t.split("\n"); this._asking = false; this.draw(); }).catch(() => { this._asking = false; });
    },
    latLng: function (i) {
      const s = this._map.options.crs.scale(0) / WORLD;
      return this._map.options.crs.pointToLatLng(L.point(this.data.x[i] * s, this.data.y[i] * s), 0);
    },
  });

  /* ---------- the map ---------- */

  let map, config, near, focus, focusWords, baseLoaded = "", watersLoaded = "", nearWanted = "", hoverText = "", tip, note, busy, legend;

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

  csm.mount = function (leafletMap, options) {
    map = csm.map = leafletMap; config = options;
    map.attributionControl && map.attributionControl.setPrefix(false);
    map.zoomControl && map.zoomControl.remove();
    L.control.zoom({ position: "topright", zoomInTitle: "放大", zoomOutTitle: "缩小" }).addTo(map);
    const bar = element("div", "leaflet-bar csm-bar");
    barButton(bar, "M4 11l8-7 8 7M6 10v10h12V10", "回到全部学校", goHome);
    barButton(bar, "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5", "全屏显示地图", () => { document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen().catch(() => {}); });
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

    pane("ground", 210); pane("near", 405, true); pane("rings", 410, true);
    for (const [i, name] of ["facilities", "schools", "posts"].entries()) pane(name, 430 + i, true);
    pane("lines", 440, true); pane("words", 450, true);
    tip = L.tooltip({ direction: "top", offset: [0, -8], opacity: 1 });
    if (config.xyz) L.tileLayer(config.xyz.url, { attribution: config.xyz.attribution, maxZoom: 18, zIndex: 1 }).addTo(map);

    csm.renderers = { ground: L.canvas({ pane: "ground", padding: .12 }), near: L.canvas({ pane: "near", padding: .12 }), rings: L.canvas({ pane: "rings", padding: .12 }) };
    for (const name of Object.keys(config.points)) {
      csm.layers[name] = new PointLayer(Object.assign({ pane: name }, config.points[name]));
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
      const found = pointText() || (hoverText ? { at: csm.pointerAt, text: hoverText } : null);
      map.getContainer().style.cursor = found && found.click ? "pointer" : "";
      if (!found || !found.text) { tip.remove(); return; }
      const node = element("div", "", found.text);
      tip.setLatLng(found.at).setContent(node).addTo(map);
    });
  }

  /* ---------- ground: districts, roads, waters ---------- */

  const ROADS = { trunk: ["#e0bd7d", 1.7], primary: ["#e8d5a8", 1.4], secondary: ["#d9dde0", 1.2], branch: ["#dfe3e6", .8], rural: ["#dcdfdd", .9], internal: ["#e4e7ea", .6] };
  const ROAD_FROM = { trunk: 0, primary: 0, secondary: 11, rural: 11.5, branch: 13, internal: 15 };
  function roadStyle(f) {
    const z = map.getZoom(), s = ROADS[f.properties.c] || ROADS.branch;
    const hidden = z < (ROAD_FROM[f.properties.c] || 13);
    return { stroke: !hidden, color: s[0], weight: s[1] * Math.max(.8, 1 + (z - 11) * .55), opacity: 1, lineCap: "round", interactive: false };
  }
  function waterStyle(f) {
    const on = (csm.state.overlays || []).includes("waters"), grade = on ? config.waterGrades[f.properties.g] : null;
    const line = f.geometry.type.includes("LineString");
    const z = map.getZoom(), thick = line ? Math.max(1.2, 1 + (z - 11) * .7) : 1;
    if (!grade) return { color: "#a9cbe6", weight: thick, opacity: 1, fillColor: "#bcd9ef", fillOpacity: .9 };
    return { color: grade.color, weight: line ? thick + 1 : 2, opacity: 1, dashArray: f.properties.e === 0 ? "5 4" : null, fillColor: grade.color, fillOpacity: .32 };
  }
  function restyleForZoom() {
    const zoom = map.getZoom();
    if (csm.styledAt === zoom) return;
    csm.styledAt = zoom;
    if (csm.state.legend) drawLegend(csm.state);
    csm.roads && csm.roads.setStyle(roadStyle);
    csm.waters && csm.waters.setStyle(waterStyle);
    /* Seen from afar, the words would only cover the school they speak of. */
    zoom >= 13.5 ? focusWords.addTo(map) : focusWords.remove();
    if (csm.towns) zoom >= 12.5 ? csm.towns.addTo(map) : csm.towns.remove();
    if (csm.counties) zoom <= 12.4 ? csm.counties.addTo(map) : csm.counties.remove();
  }
  /* Leaflet keeps its own positions; the coordinates as text would double the memory. */
  function lighten(group) {
    group.eachLayer((layer) => { layer.feature.geometry = { type: layer.feature.geometry.type }; });
  }
  async function loadBase(v) {
    if (baseLoaded === v) return;
    baseLoaded = v;
    const base = await (await load("/layers/base.json?v=" + v)).json();
    for (const old of ["districts", "roads", "towns", "counties"]) csm[old] && csm[old].remove();
    csm.land && csm.land.remove();
    csm.land = L.geoJSON(base.districts, {
      renderer: csm.renderers.ground, pane: "ground", interactive: false, filter: (f) => f.properties.level === "county",
      style: { stroke: false, fillColor: "#f8f9f7", fillOpacity: 1 },
    });
    if (!config.xyz) csm.land.addTo(map).bringToBack();
    csm.roads = L.geoJSON(base.roads, { renderer: csm.renderers.ground, pane: "ground", interactive: false, style: roadStyle }).addTo(map);
    csm.districts = L.geoJSON(base.districts, {
      renderer: csm.renderers.ground, pane: "ground", interactive: false,
      style: (f) => f.properties.level === "township" ? { color: "#9aa9b8", weight: .8, opacity: .7, dashArray: "3 4", fill: false } : { color: "#5f7387", weight: 1.8, opacity: .9, fill: false },
    }).addTo(map);
    csm.towns = L.layerGroup(); csm.counties = L.layerGroup();
    for (const f of base.districts.features) {
      const p = f.properties;
      if (!p.label) continue;
      const town = p.level === "township";
      textMarker([p.label[1], p.label[0]], town ? "town" : "district", element("span", "", p.name)).addTo(town ? csm.towns : csm.counties);
    }
    for (const group of [csm.land, csm.roads, csm.districts]) lighten(group);
    csm.styledAt = null; restyleForZoom();
  }
  async function loadWaters(v) {
    if (watersLoaded === v) { csm.waters && csm.waters.setStyle(waterStyle); return; }
    watersLoaded = v;
    const data = await (await load("/layers/waters.json?v=" + v)).json();
    csm.waters && csm.waters.remove();
    csm.waters = L.geoJSON(data, {
      renderer: csm.renderers.ground, pane: "ground", style: waterStyle,
      onEachFeature: (f, layer) => { layer.on("mouseover", () => { hoverText = f.properties.tip; }); layer.on("mouseout", () => { hoverText = ""; }); },
    }).addTo(map);
    lighten(csm.waters);
    csm.waters.bringToBack();
    if (!config.xyz && csm.land) csm.land.bringToBack();
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
    try { data = unpack(await (name === "schools" ? keptBuffer(url) : load(url).then((a) => a.arrayBuffer()))); } catch (error) { layer.url = null; throw error; }
    if (layer.url !== url) return;
    layer.names = data.names || null;
    layer.version = csm.state.v;
    layer.set(data);
  }
  /* The answer says which data it was cut from; rows of other data would be other schools. */
  async function loadMask(s) {
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
    placeFirst(s);
    if (s.show && String(s.show) !== csm.shownPlace) {
      csm.shownPlace = String(s.show);
      const at = L.latLng(s.show[1], s.show[0]);
      if (!map.getBounds().pad(-.08).contains(at) || map.getZoom() < s.show[2]) map.setView(at, Math.max(map.getZoom(), s.show[2]), { animate: false });
    }
    layer.draw();
  }
  async function applyPoints(name, url) {
    const layer = csm.layers[name];
    layer.shown = Boolean(url);
    if (!url) { layer.remove(); return; }
    await loadPoints(name, url, null);
    layer.addTo(map).draw();
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
    /* Schools first: laying out the ground would hold their drawing up. */
    applySchools(s).then(() => Promise.all([
      applyPoints("facilities", s.facilities),
      applyPoints("posts", s.posts),
      applyFocus(s.focus),
      loadBase(s.base).then(() => loadWaters(s.waters)),
      loadNear(),
    ])).catch(fail);
  };

  window.csm = csm;
})();
