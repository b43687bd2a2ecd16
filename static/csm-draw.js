/* Campus safety map: what is drawn on canvas, from column files kept as typed arrays.
 *
 * The ground (districts, waters, roads) and the points (schools, facilities, posts) each
 * have one canvas. Leaflet's own objects would cost some hundred bytes a corner; here a
 * corner is eight. All names are untrusted: they become canvas text, never HTML.
 */
(function () {
  "use strict";
  const WORLD = 2147483648, CLUSTER_ABOVE = 30000, CELL_PX = 46, CLUSTERED_RADIUS = 2.4;
  const TYPES = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, i4: Int32Array };
  const NOTHING = new Uint32Array(0);

  function unpack(buffer) {
    const length = new DataView(buffer).getUint32(4, true);
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
    for (const c of head.columns) {
      head[c.name] = new TYPES[c.type](buffer, 8 + length + c.offset, c.n);
    }
    return head;
  }

  /* ---------- a canvas that moves with the map ---------- */

  const CanvasLayer = L.Renderer.extend({
    initialize: function (options) {
      L.Renderer.prototype.initialize.call(this, Object.assign({ padding: .12 }, options));
      this._layers = {};
    },
    _initContainer: function () {
      this._container = document.createElement("canvas");
      this._container.className = "csm-canvas leaflet-zoom-animated";
      this._ctx = this._container.getContext("2d");
    },
    _destroyContainer: function () { this._container.remove(); delete this._container; this._viewDrawn = null; },
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
      }
      /* Leaflet tells of one change of view up to three times. */
      const view = [this._zoom, this._map.getPixelOrigin(), this._bounds.min, width, height].join();
      if (this._viewDrawn === view) return;
      this._viewDrawn = view;
      this.draw();
    },
    /* Canvas pixels of a drawing position: x * scale - ox; the box is what `pad` pixels round it hold. */
    _frame: function (pad) {
      const ratio = window.devicePixelRatio || 1, w = this._container.width, h = this._container.height;
      const scale = this._map.options.crs.scale(this._zoom) * ratio / WORLD;
      const origin = this._map._getNewPixelOrigin(this._center, this._zoom).add(this._bounds.min);
      const ox = origin.x * ratio, oy = origin.y * ratio, more = (pad || 0) * ratio;
      return {
        ratio: ratio, scale: scale, ox: ox, oy: oy, w: w, h: h,
        left: (ox - more) / scale, right: (ox + w + more) / scale, top: (oy - more) / scale, bottom: (oy + h + more) / scale,
      };
    },
    _canvasPoint: function (containerPoint, f) {
      return this._map.containerPointToLayerPoint(containerPoint).subtract(this._bounds.min).multiplyBy(f.ratio);
    },
  });

  /* ---------- the ground: districts, waters, roads ---------- */

  const ROADS = { trunk: ["#e0bd7d", 1.7, 0], primary: ["#e8d5a8", 1.4, 10], secondary: ["#d9dde0", 1.2, 11], rural: ["#dcdfdd", .9, 11.5], branch: ["#dfe3e6", .8, 13], internal: ["#e4e7ea", .6, 15] };
  const BORDERS = [{ color: "#9aa9b8", weight: .8, opacity: .9, dash: [3, 4] }, { color: "#5f7387", weight: 1.8 }];

  function columnsOf(data, prefix) {
    const found = {};
    for (const name of ["x", "y", "part", "shape", "area"]) found[name] = data[prefix + name];
    return found;
  }
  function touches(g, p, box) {
    const x = g.x, y = g.y, to = g.part[p + 1];
    let west = Infinity, east = -Infinity, north = Infinity, south = -Infinity;
    for (let i = g.part[p]; i < to; i++) {
      const a = x[i], b = y[i];
      if (a < west) west = a;
      if (a > east) east = a;
      if (b < north) north = b;
      if (b > south) south = b;
    }
    return west <= box.right && east >= box.left && north <= box.bottom && south >= box.top;
  }
  /* Add a shape to the context's path. Corners closer than a pixel are passed over; of a line
     (not `closed`) only what can be seen is kept: a dash pattern is laid along all of a path. */
  function trace(ctx, g, s, f, closed) {
    const x = g.x, y = g.y, near = .8 * f.ratio / f.scale;
    let any = false;
    for (let p = g.shape[s]; p < g.shape[s + 1]; p++) {
      if (!touches(g, p, f)) continue;
      any = true;
      const from = g.part[p], last = g.part[p + 1] - 1;
      let ax = x[from], ay = y[from], down = closed;
      if (closed || from === last) ctx.moveTo(ax * f.scale - f.ox, ay * f.scale - f.oy);
      if (from === last) ctx.lineTo(ax * f.scale - f.ox, ay * f.scale - f.oy);
      for (let i = from + 1; i <= last; i++) {
        const bx = x[i], by = y[i];
        if (i < last && Math.abs(bx - ax) < near && Math.abs(by - ay) < near) continue;
        const seen = closed || ((ax >= f.left || bx >= f.left) && (ax <= f.right || bx <= f.right)
          && (ay >= f.top || by >= f.top) && (ay <= f.bottom || by <= f.bottom));
        if (seen) {
          if (!down) ctx.moveTo(ax * f.scale - f.ox, ay * f.scale - f.oy);
          ctx.lineTo(bx * f.scale - f.ox, by * f.scale - f.oy);
        }
        down = seen; ax = bx; ay = by;
      }
      if (closed) ctx.closePath();
    }
    return any;
  }
  function fill(ctx, g, s, f, color, opacity) {
    ctx.beginPath();
    if (!trace(ctx, g, s, f, true)) return;
    ctx.globalAlpha = opacity; ctx.fillStyle = color; ctx.fill("evenodd"); ctx.globalAlpha = 1;
  }
  function stroke(ctx, g, s, f, style) {
    ctx.beginPath();
    if (!trace(ctx, g, s, f, false)) return;
    ctx.globalAlpha = style.opacity || 1; ctx.strokeStyle = style.color; ctx.lineWidth = style.weight * f.ratio;
    ctx.setLineDash(style.dash ? style.dash.map((v) => v * f.ratio) : []);
    ctx.stroke(); ctx.globalAlpha = 1;
  }
  /* Whether (x, y) lies inside the shape or within `reach` of its line, all in drawing units. */
  function holds(g, s, x, y, reach) {
    const box = { left: x - reach, right: x + reach, top: y - reach, bottom: y + reach };
    let inside = false;
    for (let p = g.shape[s]; p < g.shape[s + 1]; p++) {
      if (!touches(g, p, box)) continue;
      for (let i = g.part[p]; i < g.part[p + 1] - 1; i++) {
        const ax = g.x[i] - x, ay = g.y[i] - y, bx = g.x[i + 1] - x, by = g.y[i + 1] - y, dx = bx - ax, dy = by - ay;
        const along = dx || dy ? Math.min(1, Math.max(0, -(ax * dx + ay * dy) / (dx * dx + dy * dy))) : 0;
        if (Math.hypot(ax + along * dx, ay + along * dy) <= reach) return true;
        if ((ay > 0) !== (by > 0) && ax - ay * dx / dy > 0) inside = !inside;
      }
    }
    return inside && g.area[s] === 1;
  }

  const GroundLayer = CanvasLayer.extend({
    initialize: function (options) {
      CanvasLayer.prototype.initialize.call(this, options);
      this.land = this.borders = this.roads = this.waters = null; this.graded = false;
    },
    setBase: function (data) {
      this.land = columnsOf(data, "land_"); this.borders = columnsOf(data, "border_");
      this.roads = columnsOf(data, "road_"); this.roads.of = data.roads;
    },
    draw: function () {
      const ctx = this._ctx;
      if (!this._container) return;
      ctx.clearRect(0, 0, this._container.width, this._container.height);
      if (!this.land || !this.waters) return;
      ctx.lineCap = ctx.lineJoin = "round";
      const f = this._frame(16), z = this._zoom;
      if (this.options.land) for (let s = 0; s < this.land.area.length; s++) fill(ctx, this.land, s, f, "#f8f9f7", 1);
      this._drawWaters(ctx, f);
      this.roads.of.forEach((name, s) => {
        const road = ROADS[name] || ROADS.branch;
        if (z >= road[2]) stroke(ctx, this.roads, s, f, { color: road[0], weight: road[1] * Math.max(.8, 1 + (z - 11) * .55) });
      });
      BORDERS.forEach((style, s) => stroke(ctx, this.borders, s, f, style));
    },
    _waterStyle: function (s) {
      const w = this.waters, grade = this.graded ? this.options.grades[w.grade[s]] : null;
      const thick = w.area[s] ? 1 : Math.max(1.2, 1 + (this._zoom - 11) * .7);
      if (!grade) return { color: "#a9cbe6", weight: thick, fill: "#bcd9ef", filled: .9 };
      return { color: grade.color, weight: w.area[s] ? 2 : thick + 1, dash: w.gear[s] === 0 ? [5, 4] : null, fill: grade.color, filled: .32 };
    },
    _drawWaters: function (ctx, f) {
      for (let s = 0; s < this.waters.n; s++) {
        const style = this._waterStyle(s);
        if (this.waters.area[s]) fill(ctx, this.waters, s, f, style.fill, style.filled);
        stroke(ctx, this.waters, s, f, style);
      }
    },
    /* What is known of the topmost water under the pointer. */
    tip: function (containerPoint) {
      if (!this.waters || !this._map) return "";
      const f = this._frame(), at = this._canvasPoint(containerPoint, f), w = this.waters;
      const x = (at.x + f.ox) / f.scale, y = (at.y + f.oy) / f.scale;
      for (let s = w.n - 1; s >= 0; s--) {
        if (holds(w, s, x, y, (this._waterStyle(s).weight / 2 + 1) * f.ratio / f.scale)) return w.tips[s];
      }
      return "";
    },
  });

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

  /* A sprite is the list of its own pixels, the opaque ones first: stamping those into one
     image (`width` pixels across) is an order of magnitude faster than drawImage per point. */
  const easel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  function makeSprite(style, radius, ring, width) {
    const half = Math.ceil(radius * 1.3 + (ring ? 4 : 1)) + 1, size = 2 * half + 1, ctx = easel;
    ctx.canvas.width = ctx.canvas.height = size;
    if (ring) {
      ctx.beginPath(); ctx.arc(half + .5, half + .5, radius + 3, 0, 7);
      ctx.lineWidth = 2.5; ctx.strokeStyle = ring; ctx.stroke();
    }
    paintSymbol(ctx, style, half + .5, half + .5, radius);
    const data = ctx.getImageData(0, 0, size, size).data, words = new Uint32Array(data.buffer);
    const solid = [], soft = [];
    for (let i = 0; i < words.length; i++) {
      const alpha = data[4 * i + 3];
      if (alpha > 12) (alpha > 250 ? solid : soft).push(i);
    }
    const all = solid.concat(soft), dx = Int16Array.from(all, (i) => i % size - half), dy = Int16Array.from(all, (i) => (i / size | 0) - half);
    return { n: all.length, solid: solid.length, half: half, dx: dx, dy: dy, at: Int32Array.from(dx, (x, k) => dy[k] * width + x), word: Uint32Array.from(all, (i) => words[i]) };
  }

  function over(src, dst) {
    if (dst >>> 24 === 0) return src;
    const a = src >>> 24, b = 255 - a;
    const red = ((src & 255) * a + (dst & 255) * b) * 257 >>> 16;
    const green = ((src >>> 8 & 255) * a + (dst >>> 8 & 255) * b) * 257 >>> 16;
    const blue = ((src >>> 16 & 255) * a + (dst >>> 16 & 255) * b) * 257 >>> 16;
    return (255 << 24 | blue << 16 | green << 8 | red) >>> 0;
  }
  function stamp(pixels, width, height, sprite, cx, cy) {
    const half = sprite.half, n = sprite.n, solid = sprite.solid, word = sprite.word;
    if (cx >= half && cy >= half && cx < width - half && cy < height - half) {
      const base = cy * width + cx, at = sprite.at;
      for (let k = 0; k < solid; k++) pixels[base + at[k]] = word[k];
      for (let k = solid; k < n; k++) pixels[base + at[k]] = over(word[k], pixels[base + at[k]]);
      return;
    }
    for (let k = 0; k < n; k++) {
      const x = cx + sprite.dx[k], y = cy + sprite.dy[k];
      if (x < 0 || y < 0 || x >= width || y >= height) continue;
      const at = y * width + x;
      pixels[at] = k < solid ? word[k] : over(word[k], pixels[at]);
    }
  }

  /* ---------- points: choosing what is drawn ---------- */

  /* How many kept rows of each rank lie in the box. */
  function tally(d, ranks, mask, f) {
    const counts = new Uint32Array(65), n = d.n, xs = d.x, ys = d.y, left = f.left, right = f.right, top = f.top, bottom = f.bottom;
    const values = ranks.values, rank = ranks.of;
    for (let i = 0; i < n; i++) {
      const x = xs[i], y = ys[i];
      if (x > left && x < right && y > top && y < bottom && (mask === null || mask[i >> 3] >> (i & 7) & 1)) counts[rank[values[i]] + 1]++;
    }
    return counts;
  }
  /* Those rows, low rank first, so that what matters lies on top. */
  function gather(d, ranks, mask, f, counts) {
    const next = counts.slice(), n = d.n, xs = d.x, ys = d.y, left = f.left, right = f.right, top = f.top, bottom = f.bottom;
    const values = ranks.values, rank = ranks.of;
    for (let i = 1; i < next.length; i++) next[i] += next[i - 1];
    const rows = new Uint32Array(next[next.length - 1]);
    for (let i = 0; i < n; i++) {
      const x = xs[i], y = ys[i];
      if (x > left && x < right && y > top && y < bottom && (mask === null || mask[i >> 3] >> (i & 7) & 1)) rows[next[rank[values[i]]]++] = i;
    }
    return rows;
  }
  /* The same as cells of a grid, but the worst rank on its own: a cluster never swallows it. */
  function cluster(d, ranks, mask, f, counts) {
    const n = d.n, xs = d.x, ys = d.y, left = f.left, right = f.right, top = f.top, bottom = f.bottom;
    const values = ranks.values, rank = ranks.of, worst = ranks.worst, words = rank.length;
    const step = f.scale / (CELL_PX * f.ratio), across = Math.ceil((right - left) * step) + 1, down = Math.ceil((bottom - top) * step) + 1;
    const count = new Uint32Array(across * down), by = new Uint32Array(across * down * words);
    const sumX = new Float64Array(across * down), sumY = new Float64Array(across * down);
    const alone = new Uint32Array(counts[worst + 1]);
    let lone = 0;
    for (let i = 0; i < n; i++) {
      const x = xs[i], y = ys[i];
      if (!(x > left && x < right && y > top && y < bottom && (mask === null || mask[i >> 3] >> (i & 7) & 1))) continue;
      const value = values[i];
      if (rank[value] === worst) { alone[lone++] = i; continue; }
      const at = ((y - top) * step | 0) * across + ((x - left) * step | 0);
      count[at]++; sumX[at] += x; sumY[at] += y; by[at * words + value]++;
    }
    const cells = [];
    for (let at = 0; at < count.length; at++) {
      if (!count[at]) continue;
      const px = sumX[at] / count[at] * f.scale - f.ox, py = sumY[at] / count[at] * f.scale - f.oy;
      cells.push({ n: count[at], px: px, py: py, r: (9 + 2.2 * Math.log2(count[at] + 1)) * f.ratio * .8, by: by.subarray(at * words, (at + 1) * words) });
    }
    return { alone: alone, cells: cells };
  }

  /* ---------- a layer of points ---------- */

  /* `options.ask` fetches names, `options.done` hears of every drawing. */
  const PointLayer = CanvasLayer.extend({
    initialize: function (options) {
      CanvasLayer.prototype.initialize.call(this, options);
      this.data = null; this.mask = null; this.names = null; this.column = options.column;
      this.selected = null; this.shown = false; this.stats = {}; this._drawn = NOTHING; this._cells = null;
    },
    set: function (data) { this.data = data; },
    keeps: function (i) { return !this.mask || (this.mask[i >> 3] >> (i & 7)) & 1; },
    _radius: function (visible) {
      const z = this._zoom, base = this.options.radius || 5;
      return base + (z >= 15 ? 3 : z >= 13 ? 1.5 : 0) - (visible > 8000 ? 1.8 : visible > 3000 ? 1 : 0);
    },
    draw: function () {
      const ctx = this._ctx, canvas = this._container;
      if (!canvas) return;
      ctx.clearRect(0, 0, canvas.width, canvas.height);
      this._drawn = NOTHING; this._cells = null;
      const low = this._map.getZoom() < (this.options.fromZoom || 0);
      if (!this.data || !this.shown || low) { this._done(0, 0); return; }
      const f = this._frame(14), of = Uint8Array.from(this.options.styles[this.column], (s) => s.rank);
      const ranks = { values: this.data[this.column], of: of, worst: Math.max.apply(null, of) };
      const counts = tally(this.data, ranks, this.mask, f), visible = counts.reduce((a, b) => a + b, 0);
      if (visible > CLUSTER_ABOVE) {
        const found = cluster(this.data, ranks, this.mask, f, counts);
        this._drawn = found.alone; this._cells = found.cells;
        this._stampAll(f, CLUSTERED_RADIUS);
        this._paintClusters(f);
      } else {
        this._drawn = gather(this.data, ranks, this.mask, f, counts);
        this._stampAll(f, this._radius(visible));
        this._paintLabels(f, visible);
      }
      this._paintSelected(f);
      this._done(visible, this._cells ? this._cells.length : 0);
    },
    /* The image is let go at once: kept, it would double the canvas. */
    _stampAll: function (f, radius) {
      if (!this._drawn.length) return;
      const image = this._ctx.createImageData(f.w, f.h), pixels = new Uint32Array(image.data.buffer);
      const d = this.data, drawn = this._drawn, values = d[this.column], shapes = this.options.shapes;
      const shapeOf = shapes.of.map((shape) => shapes.of.indexOf(shape)), kinds = d[shapes.column], rings = this.rings ? d.ring : null;
      const sprites = this._sprites(radius * f.ratio, f.w);
      for (let k = 0; k < drawn.length; k++) {
        const i = drawn[k], value = values[i], shape = shapeOf[kinds[i]], ring = rings ? rings[i] : 0;
        const key = (value * 64 + shape) * 3 + ring;
        const sprite = sprites[key] || (sprites[key] = this._makeSprite(value, shapes.of[shape], ring, radius * f.ratio, f.w));
        stamp(pixels, f.w, f.h, sprite, Math.round(d.x[i] * f.scale - f.ox), Math.round(d.y[i] * f.scale - f.oy));
      }
      this._ctx.putImageData(image, 0, 0);
    },
    _sprites: function (r, width) {
      const look = [this.column, r, width].join();
      if (this._look !== look) { this._look = look; this._made = []; }
      return this._made;
    },
    _makeSprite: function (value, shape, ring, r, width) {
      const style = Object.assign({}, this.options.styles[this.column][value], { shape: shape });
      return makeSprite(style, r * (style.grow || 1), [null, "#e07b00", "#c1121f"][ring], width);
    },
    _paintClusters: function (f) {
      const ctx = this._ctx, styles = this.options.styles[this.column];
      ctx.textAlign = "center"; ctx.textBaseline = "middle"; ctx.font = "600 " + 12 * f.ratio + "px sans-serif";
      for (const c of this._cells) {
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
    _paintLabels: function (f, visible) {
      if (!this.options.labels || this._zoom < 15 || visible > 150) return;
      if (!this.names) { this.needNames(); return; }
      const ctx = this._ctx, drawn = this._drawn, taken = [], r = this._radius(visible) * f.ratio;
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
      const now = performance.timeOrigin + performance.now();
      if (visible && this.options.done) this.options.done(now);
      this.stats = { draws: (this.stats.draws || 0) + 1, visible: visible, clusters: clusters, at: now, key: this.maskKey || "", version: this.version || "" };
    },
    /* Nearest drawn point within reach, the last drawn (topmost) winning ties. */
    hit: function (containerPoint, reach) {
      if (!this._map || !this._drawn.length) return -1;
      const f = this._frame(), at = this._canvasPoint(containerPoint, f), d = this.data;
      let best = -1, nearest = Math.pow((reach || 9) * f.ratio, 2);
      for (let k = 0; k < this._drawn.length; k++) {
        const i = this._drawn[k], dx = d.x[i] * f.scale - f.ox - at.x, dy = d.y[i] * f.scale - f.oy - at.y;
        const away = dx * dx + dy * dy;
        if (away <= nearest) { nearest = away; best = i; }
      }
      return best;
    },
    cell: function (containerPoint) {
      if (!this._cells) return null;
      const at = this._canvasPoint(containerPoint, this._frame());
      return this._cells.find((c) => Math.pow(c.px - at.x, 2) + Math.pow(c.py - at.y, 2) <= c.r * c.r) || null;
    },
    needNames: function () {
      if (this._asking || !this.namesUrl) return;
      this._asking = true;
      this.options.ask(this.namesUrl).then((a) => a.text()).then((t) => { this.names = t.split("\n"); this._asking = false; this.draw(); }).catch(() => { this._asking = false; });
    },
    latLng: function (i) {
      const s = this._map.options.crs.scale(0) / WORLD;
      return this._map.options.crs.pointToLatLng(L.point(this.data.x[i] * s, this.data.y[i] * s), 0);
    },
  });

  window.csmDraw = { unpack: unpack, paintSymbol: paintSymbol, GroundLayer: GroundLayer, PointLayer: PointLayer };
})();
