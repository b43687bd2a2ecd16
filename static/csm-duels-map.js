/* The picture of a draw's duels: schools and lines on canvas over the city's own ground.
 *
 * It draws the state it is handed and knows nothing of playing. All names are untrusted:
 * text nodes or canvas text, never HTML.
 */
(function () {
  "use strict";
  const WORLD = 2147483648, NAMES_FROM_ZOOM = 12.5, GLOW_MS = 450, POP_MS = 800, NARROW_PX = 760;
  const INK = "#0b2f5c", GOLD = "#ffc233", BLUE = "#2f7fc6", PALE = "#9fbfdd", OUT = "#a9b4c0", HOT = "#f28c00", SLATE = "#5b6f86";
  const FONT = "'Noto Sans SC','Source Han Sans SC','Microsoft YaHei','PingFang SC',sans-serif";

  /* d: the file's content; nameOf(place): a school's name; embedded: inside another page. */
  window.csmDuelMap = function (d, nameOf, embedded) {
    const N = d.schools.code.length, px = new Float64Array(N), py = new Float64Array(N), canvas = document.createElement("canvas"), ctx = canvas.getContext("2d");
    const fullOf = (s) => d.streams[d.schools.stream[s]].full, isOutright = (s) => d.schools.tickets[s] === fullOf(s);
    const selected = new Set(d.selected), self = { isHome: true, paint: paint, fit: fit, hit: hit, drawGround: drawGround };
    let state = null, fitting = false, stamps = new Map(), stampsOf = "";
    /* One finger scrolls the page that holds the map, and so does the wheel before a click. */
    const map = self.map = L.map("map", { attributionControl: false, zoomControl: false, zoomAnimation: false, fadeAnimation: false, zoomSnap: .25, maxZoom: 18, keyboard: false, scrollWheelZoom: !embedded, dragging: !(embedded && L.Browser.mobile) });
    L.control.zoom({ position: "topright", zoomInTitle: "放大", zoomOutTitle: "缩小" }).addTo(map);
    canvas.id = "points";
    map.getContainer().append(canvas);
    fit(null, false);
    map.on("movestart", () => { if (!fitting) self.isHome = false; });
    map.on("move zoomend resize", () => state && paint(state));
    map.on("click", () => map.scrollWheelZoom.enable());
    new ResizeObserver(() => { map.invalidateSize({ pan: false }); if (self.isHome) fit(null, self.hasPanel); }).observe(map.getContainer());

    /* Shows these schools, all without a list, beside or above the panel where there is one. */
    function fit(places, hasPanel) {
      const scale = map.options.crs.scale(0) / WORLD, size = map.getSize(), wide = size.x > NARROW_PX;
      const points = (places || d.schools.x.map((_, s) => s)).map((s) => map.options.crs.pointToLatLng(L.point(d.schools.x[s] * scale, d.schools.y[s] * scale), 0));
      fitting = true; self.isHome = !places; self.hasPanel = hasPanel;
      map.fitBounds(L.latLngBounds(points), { paddingTopLeft: [wide ? 40 : 20, wide ? 40 : 20], paddingBottomRight: [wide ? (hasPanel ? 370 : 60) : 50, wide || !hasPanel ? 40 : size.y * .48], maxZoom: 14, animate: false });
      fitting = false;
    }
    function hit(at) {
      let best = -1, nearest = 14 * 14;
      for (let s = 0; s < N; s++) { const away = (px[s] - at.x) ** 2 + (py[s] - at.y) ** 2; if (away < nearest) { nearest = away; best = s; } }
      return best;
    }

    /* ---------- strokes ---------- */

    function disc(x, y, r) { ctx.moveTo(x + r, y); ctx.arc(x, y, r, 0, 7); }
    function shape(s, r) {
      if (!isOutright(s)) { disc(px[s], py[s], r); return; }
      const h = r * 1.25, x = px[s], y = py[s];
      ctx.moveTo(x, y - h); ctx.lineTo(x + h, y); ctx.lineTo(x, y + h); ctx.lineTo(x - h, y); ctx.closePath();
    }
    function stroke(style, width, trace) { ctx.beginPath(); trace(); ctx.strokeStyle = style; ctx.lineWidth = width; ctx.stroke(); }
    function fill(style, trace) { ctx.beginPath(); trace(); ctx.fillStyle = style; ctx.fill(); }
    function line(i, style, width) {
      const a = d.duels.a[i], b = d.duels.b[i], trace = () => { ctx.moveTo(px[a], py[a]); ctx.lineTo(px[b], py[b]); };
      stroke("rgba(255,255,255,.8)", width + 3, trace); stroke(style, width, trace);
    }
    function numeral(n, x, y, size, color) {
      ctx.font = "700 " + size + "px " + FONT; ctx.textAlign = "center"; ctx.textBaseline = "middle";
      ctx.fillStyle = color; ctx.fillText(n, x, y + .5);
    }
    /* Writes a name right of its school, else left of it, else not at all. */
    function write(s, away, size, taken, bold) {
      const text = nameOf(s), y = py[s];
      ctx.font = (bold ? "700 " : "600 ") + size + "px " + FONT; ctx.textAlign = "left"; ctx.textBaseline = "middle"; ctx.lineJoin = "round";
      const w = ctx.measureText(text).width, isFree = (x) => x > 2 && x + w < map.getSize().x - 2 && !taken.some((t) => x < t[0] + t[2] + 4 && x + w + 4 > t[0] && Math.abs(y - t[1]) < size + 4);
      const x = [px[s] + away, px[s] - away - w].find(isFree);
      if (x === undefined) return;
      taken.push([x, y, w]);
      ctx.strokeStyle = "rgba(255,255,255,.95)"; ctx.lineWidth = 4; ctx.strokeText(text, x, y);
      ctx.fillStyle = "#14233a"; ctx.fillText(text, x, y);
    }

    /* Thousands of arcs cost ten times what stamping their picture does. */
    function stamp(s, ring, share, r, ratio) {
      const step = Math.round(share * 64), key = ring + step, half = Math.ceil(r + 2);
      let made = stamps.get(key);
      if (!made) {
        made = document.createElement("canvas");
        made.width = made.height = 2 * half * ratio;
        const pen = made.getContext("2d");
        pen.setTransform(ratio, 0, 0, ratio, half * ratio, half * ratio);
        const round = (radius, style) => { pen.beginPath(); pen.arc(0, 0, radius, 0, 7); pen.fillStyle = style; pen.fill(); };
        if (ring === OUT) round(r * .42, OUT); else { round(r + .6, ring); round(r - .6, "#ffffff"); round(r * Math.sqrt(step / 64), BLUE); }
        stamps.set(key, made);
      }
      ctx.drawImage(made, px[s] - half, py[s] - half, 2 * half, 2 * half);
    }

    /* ---------- the picture ---------- */

    /* now: { held, duel, share, group, chosen, own, glow, pops, ended, calm } — the tickets
       held, the duel in view and how far its outcome is shown (0–1), the group being worked
       through, a chosen school with its duels, what just happened, and whether it is over. */
    function paint(now) {
      state = now;
      const size = map.getSize(), ratio = window.devicePixelRatio || 1, width = Math.round(size.x * ratio), height = Math.round(size.y * ratio);
      if (canvas.width !== width || canvas.height !== height) {
        canvas.width = width; canvas.height = height;
        canvas.style.width = size.x + "px"; canvas.style.height = size.y + "px";
      }
      ctx.setTransform(ratio, 0, 0, ratio, 0, 0); ctx.clearRect(0, 0, size.x, size.y);
      const scale = map.options.crs.scale(map.getZoom()) / WORLD, origin = map.getPixelOrigin().subtract(L.DomUtil.getPosition(map.getPane("mapPane")));
      const r = (N > 1500 ? 3.2 : N > 400 ? 4.4 : 5.5) + Math.max(0, Math.min(5, (map.getZoom() - 11) * 1.2));
      const kinds = { out: [], away: [], here: [], won: [] }, { held, duel, group } = now, hidden = duel < 0 ? [] : [d.duels.a[duel], d.duels.b[duel]];
      for (let s = 0; s < N; s++) {
        px[s] = d.schools.x[s] * scale - origin.x; py[s] = d.schools.y[s] * scale - origin.y;
        if (hidden.includes(s)) continue;
        if (held[s] === 0) kinds.out.push(s);
        else if (held[s] === fullOf(s)) kinds.won.push(s);
        else (group && group.has[d.schools.stratum[s]] && group.stream === d.schools.stream[s] ? kinds.here : kinds.away).push(s);
      }
      const dim = now.chosen < 0 ? 1 : .3, time = performance.now();
      ctx.globalAlpha = dim;
      if (stampsOf !== r + "@" + ratio) { stampsOf = r + "@" + ratio; stamps = new Map(); }
      for (const s of kinds.out) stamp(s, OUT, 0, r, ratio);
      for (const [list, ring] of [[kinds.away, PALE], [kinds.here, BLUE]]) for (const s of list) stamp(s, ring, Math.max(held[s] / fullOf(s), 1 / 64), r, ratio);
      now.glow = now.glow.filter((g) => time - g[1] < GLOW_MS); now.pops = now.pops.filter((p) => time - p[1] < POP_MS);
      if (now.chosen < 0) for (const [i, since] of now.glow) { ctx.globalAlpha = 1 - (time - since) / GLOW_MS; line(i, HOT, 2.2); }
      ctx.globalAlpha = dim;
      const R = now.ended ? Math.max(r + 3, d.selected.length > 300 ? 6 : d.selected.length > 120 ? 8.5 : 11) : r + 2.5;
      const numbers = now.ended && now.chosen < 0 && R > 8 ? new Map(d.selected.map((s, at) => [s, at + 1])) : new Map();
      for (const s of kinds.won) {
        fill(INK, () => shape(s, R)); stroke(GOLD, R > 7 ? 2.2 : 1.4, () => shape(s, R));
        if (numbers.has(s)) numeral(numbers.get(s), px[s], py[s], numbers.get(s) > 99 ? R * .82 : R * 1.05, "#ffffff");
      }
      for (const [s, since] of now.calm ? [] : now.pops) { const q = (time - since) / POP_MS; ctx.globalAlpha = 1 - q; stroke(GOLD, 3, () => disc(px[s], py[s], R + 22 * q)); }
      ctx.globalAlpha = 1;
      if (duel >= 0) paintDuel(duel, now.share, r + 8);
      if (now.chosen >= 0) paintOwn(now, r + 9); else if (now.ended) paintResult(R, size);
    }
    function paintDuel(i, q, size) {
      const sides = [[d.duels.a[i], d.duels.a0[i], d.duels.a1[i]], [d.duels.b[i], d.duels.b0[i], d.duels.b1[i]]];
      const widths = sides.map(([, from, to]) => size + (to > from ? 4 : -4) * q), taken = sides.map(([s], at) => [px[s] - widths[at], py[s], 2 * widths[at]]);
      line(i, HOT, 4);
      sides.forEach(([s, from, to], at) => {
        const R = widths[at], x = px[s], y = py[s];
        fill("#ffffff", () => disc(x, y, R + 1.5)); stroke(to > from || q < .5 ? HOT : OUT, 3, () => disc(x, y, R));
        fill(to === fullOf(s) && q === 1 ? INK : BLUE, () => disc(x, y, (R - 3) * Math.sqrt((from + (to - from) * q) / fullOf(s))));
      });
      sides.forEach(([s, from, to], at) => write(s, widths[at] + 6, 15, taken, to > from && q === 1));
    }
    /* One school's duels: lines in their order, numbered where they end. */
    function paintOwn(now, R) {
      const others = now.own.map((i) => d.duels.a[i] === now.chosen ? d.duels.b[i] : d.duels.a[i]), shown = now.own.indexOf(now.shown), colour = (at) => at === shown ? HOT : SLATE;
      const taken = [...others, now.chosen].map((s) => [px[s] - 10, py[s], 20]);
      now.own.forEach((i, at) => line(i, colour(at), at === shown ? 5 : 2.2));
      others.forEach((s, at) => { fill("#ffffff", () => disc(px[s], py[s], 11)); stroke(colour(at), 2.5, () => disc(px[s], py[s], 11)); numeral(at + 1, px[s], py[s], 12, "#14233a"); });
      fill(selected.has(now.chosen) ? INK : SLATE, () => shape(now.chosen, R)); stroke(selected.has(now.chosen) ? GOLD : "#ffffff", 3.5, () => shape(now.chosen, R));
      write(now.chosen, R + 6, 16, taken, true);
      others.forEach((s) => write(s, 15, 13, taken));
    }
    function paintResult(R, size) {
      const visible = d.selected.filter((s) => px[s] > -20 && py[s] > -20 && px[s] < size.x + 20 && py[s] < size.y + 20), taken = visible.map((s) => [px[s] - R, py[s], 2 * R]);
      if (map.getZoom() >= NAMES_FROM_ZOOM || visible.length <= 40) for (const s of visible) write(s, R + 5, 13, taken);
    }

    /* ---------- the ground: districts, roads, waters ---------- */

    function drawGround(base, waters) {
      const pane = map.createPane("ground");
      pane.style.zIndex = 210; pane.style.pointerEvents = "none";
      const ground = new csmDraw.GroundLayer({ pane: "ground", grades: [], land: true });
      ground.setBase(base); ground.waters = waters; ground.addTo(map);
      for (const district of base.districts.filter((one) => one.level === "county" && one.label)) {
        const word = document.createElement("span"); word.textContent = district.name;
        const icon = L.divIcon({ className: "place", html: word, iconSize: [140, 20] });
        L.marker([district.label[1], district.label[0]], { icon: icon, interactive: false, keyboard: false }).addTo(map);
      }
    }
    return self;
  };
})();
