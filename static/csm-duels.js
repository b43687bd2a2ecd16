/* Plays the recorded duels of a draw.
 *
 * The file beside this page holds every duel in order with the tickets before and after.
 * Playing only walks along that list; each duel is checked against the tickets that the
 * walk has led to, and a difference stops it. csm-duels-map.js draws what there is to see.
 */
(function () {
  "use strict";
  const NAMED_RATE = 4, STEP_RATE = 1.5, WHOLE_S = 30, SPEEDS = ["30 秒", "×1", "×10", "×100"];
  const ICONS = { play: "M8 5v14l11-7z", pause: "M6.5 5h4v14h-4zM13.5 5h4v14h-4z" };
  const $ = (id) => document.getElementById(id);
  const embedded = window.parent !== window, calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let d, N, K, picture, group = -1, cardOf = "", playing = false, stopAt = -1, rate = 1, part = 0, last = 0, k = 0, decided = 0;
  const now = { held: null, duel: -1, share: 1, group: null, chosen: -1, own: [], shown: -1, glow: [], pops: [], ended: false, calm: calm };

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }
  const count = (n) => n.toLocaleString("zh-CN");
  const nameOf = (s) => d.schools.name[s] || d.schools.code[s];
  const layerOf = (s) => d.strata[d.schools.stratum[s]].split("/").join(" · ");
  const fullOf = (s) => d.streams[d.schools.stream[s]].full;
  const isOutright = (s) => d.schools.tickets[s] === fullOf(s);
  const tickets = (value, s) => Number.isSafeInteger(fullOf(s)) ? count(value) + " 票" : (100 * value / fullOf(s)).toFixed(2) + "% 票";

  /* ---------- the walk along the record ---------- */

  function toStart() {
    now.held = Float64Array.from(d.schools.tickets);
    k = 0; decided = now.held.filter((value, s) => value === fullOf(s)).length;
  }
  /* Fights the next recorded duel; false where the record does not fit together. */
  function fight() {
    const { a, b, a0, b0, a1, b1 } = d.duels, held = now.held;
    if (held[a[k]] !== a0[k] || held[b[k]] !== b0[k]) { fail(new Error("第 " + (k + 1) + " 场的票数与前面的记录接不上，已停止播放。")); return false; }
    held[a[k]] = a1[k]; held[b[k]] = b1[k];
    for (const s of [a[k], b[k]]) if (held[s] === fullOf(s)) { decided++; now.pops.push([s, performance.now()]); }
    now.glow.push([k, performance.now()]);
    k++;
    return true;
  }
  function seek(to) {
    const wanted = Math.max(0, Math.min(K, to));
    if (wanted < k) toStart();
    while (k < wanted && fight()) continue;
    now.glow = []; now.pops = []; part = 0;
    show();
  }
  const pace = () => stopAt < 0 ? rate : STEP_RATE;
  function tick(time) {
    if (!playing) return;
    part += Math.min(time - last, 250) / 1000 * pace(); last = time;
    for (; part >= 1 && k < K && k !== stopAt; part--) if (!fight()) return;
    if (k >= K || k === stopAt) { part = 0; pause(); fade(); return; }
    show();
    requestAnimationFrame(tick);
  }
  /* Lets the last lines and rings fade out. */
  function fade() { if (!playing && (now.glow.length || now.pops.length)) { picture.paint(now); requestAnimationFrame(fade); } }
  function run(until) {
    stopAt = until; playing = true; last = performance.now();
    show(); requestAnimationFrame(tick);
  }
  function play() { if (!K) return; choose(-1); if (k >= K) seek(0); run(-1); }
  function pause() { playing = false; if (pace() > NAMED_RATE) part = 0; stopAt = -1; show(); }
  function step() {
    if (k >= K) return;
    choose(-1);
    if (calm) { pause(); seek(k + 1); return; }
    if (part > 0) { part = 0; fight(); }
    if (k < K) run(k + 1); else pause();
  }
  function skip() { pause(); choose(-1); seek(K); }
  function setSpeed(at) {
    rate = [Math.max(1, K / WHOLE_S), 1, 10, 100][at];
    [...$("speeds").children].forEach((b, i) => b.setAttribute("aria-pressed", String(i === at)));
    if (!playing && part > 0) { part = 0; show(); }
  }

  /* ---------- the words round the map ---------- */

  function enterGroup(at) {
    if (at === group) return;
    group = at;
    const g = d.groups[at];
    now.group = g ? { stream: g.stream, has: d.strata.map((path) => !g.path || path === g.path || path.startsWith(g.path + "/")) } : null;
  }
  function show() {
    const under = k < K && (playing || part > 0), named = under && pace() <= NAMED_RATE, rest = k >= K && !playing, fought = under ? k : k - 1;
    now.ended = k >= K;
    now.duel = now.chosen >= 0 || rest || (under && !named) ? -1 : named ? k : k - 1;
    const p = Math.max(0, Math.min(1, (part - .3) / .4));
    now.share = named ? p * p * (3 - 2 * p) : 1; now.shown = k - 1;
    enterGroup(fought < 0 || rest ? -1 : d.groups.findIndex((g) => fought < g.end));
    $("k").textContent = count(under ? k + 1 : k); $("m").textContent = count(decided); $("seek").value = k;
    $("play").lastElementChild.textContent = playing ? "暂停" : "播放"; $("playicon").setAttribute("d", playing ? ICONS.pause : ICONS.play);
    $("big").hidden = playing || k > 0 || !K || now.chosen >= 0; $("step").disabled = now.ended;
    const g = d.groups[group], outright = d.outright ? "其中 " + count(d.outright) + " 所票数已满，直接抽中" : "";
    [...$("levels").children].forEach((li, i) => { li.className = g && i === g.level ? "now" : rest || (g && i < g.level) ? "done" : ""; });
    $("group").replaceChildren(
      g ? (d.streams[g.stream].label && d.streams[g.stream].label + "：") + (g.path.split("/").join(" · ") || "全部学校") : rest ? "抽出 " + count(d.selected.length) + " 所" : count(N) + " 所学校，各持票数",
      element("small", "", g ? "第 " + count(group + 1) + " / " + count(d.groups.length) + " 组" : outright));
    showCard();
    if (now.chosen < 0) showResult(rest);
    picture.paint(now);
  }
  function showCard() {
    const i = now.duel, q = now.share;
    $("card").hidden = i < 0;
    if (i < 0 || cardOf === i + ":" + q) return;
    cardOf = i + ":" + q;
    const rows = ["a", "b"].map((who) => {
      const s = d.duels[who][i], before = d.duels[who + "0"][i], after = d.duels[who + "1"][i], row = element("div", "side" + (q < 1 ? "" : after > before ? " won" : " lost"));
      const came = after === fullOf(s) ? "满票，抽中" : after === 0 ? "0，落选" : tickets(after, s), bar = element("u"), filled = element("s");
      filled.style.width = 100 * (before + (after - before) * q) / fullOf(s) + "%";
      bar.append(filled);
      row.append(element("b", "", nameOf(s)), element("span", "", tickets(before, s) + (q < 1 ? "" : " → " + came)), bar);
      return row;
    });
    $("card").replaceChildren(...rows, element("small", "", "第 " + count(i + 1) + " 场 · 满票 " + tickets(fullOf(d.duels.a[i]), d.duels.a[i])));
  }
  function fillPanel(className, title, note, items) {
    const panel = $("panel"), [list] = panel.getElementsByTagName("ol");
    panel.className = className; panel.hidden = false;
    panel.querySelector("h2").textContent = title; panel.querySelector("p").textContent = note;
    list.replaceChildren(...items.map(([mark, text, small, act]) => {
      const li = element("li"), button = element("button");
      button.type = "button"; button.onclick = act;
      button.append(element("b", "", mark), element("span", "", text), element("small", "", small));
      li.append(button);
      return li;
    }));
    list.scrollTop = 0;
  }
  function showResult(wanted) {
    const panel = $("panel"), shown = !panel.hidden && panel.className === "result";
    if (wanted === shown) return;
    panel.hidden = !wanted;
    if (wanted) fillPanel("result", "抽中 " + count(d.selected.length) + " 所", "按名录次序编号；点一所看它的对决。", d.selected.map((s, at) => [String(at + 1), nameOf(s), layerOf(s), () => choose(s)]));
    const hasPanel = wanted && panel.offsetParent !== null;
    if (picture.isHome && picture.hasPanel !== hasPanel) picture.fit(null, hasPanel);
    picture.hasPanel = hasPanel;
  }
  /* Shows one school's duels; −1 goes back to all. */
  function choose(s) {
    if (s === now.chosen) return;
    now.chosen = s; now.own = []; playing = false; stopAt = -1; part = 0;
    if (s < 0) { $("panel").hidden = true; picture.fit(null, false); show(); return; }
    for (let i = 0; i < K; i++) if (d.duels.a[i] === s || d.duels.b[i] === s) now.own.push(i);
    const items = now.own.map((i, at) => {
      const [me, other] = d.duels.a[i] === s ? ["a", "b"] : ["b", "a"];
      return [String(at + 1), nameOf(d.duels[other][i]), "第 " + count(i + 1) + " 场 · 本校 " + tickets(d.duels[me + "0"][i], s) + " → " + tickets(d.duels[me + "1"][i], s), () => seek(i + 1)];
    });
    const came = "共 " + count(now.own.length) + " 场，从 " + tickets(d.schools.tickets[s], s) + "（满票 " + tickets(fullOf(s), s) + "）到" + (d.selected.includes(s) ? "抽中" : "落选");
    fillPanel("own", nameOf(s), isOutright(s) ? "票数已满，直接抽中，没有对决。" : items.length ? came : "没有对决。", items);
    picture.fit([s, ...now.own.flatMap((i) => [d.duels.a[i], d.duels.b[i]])], true);
    show();
  }
  function fail(error) { playing = false; $("fault").textContent = error.message; $("fault").hidden = false; $("big").hidden = true; }

  /* ---------- start ---------- */

  async function ask(url) {
    const answer = await fetch(url, { credentials: "same-origin" });
    if (answer.ok) return answer;
    const said = await answer.json().catch(() => ({ error: "对决记录没有取到（" + answer.status + "）。" }));
    throw new Error(said.error + (said.next_step || ""));
  }
  const get = (url) => ask(url).then((answer) => answer.json());
  const columns = (url) => ask(url).then((answer) => answer.arrayBuffer()).then(csmDraw.unpack);
  function point(e) {
    const s = picture.hit(e.containerPoint), tip = $("tip");
    picture.map.getContainer().style.cursor = s < 0 ? "" : "pointer";
    tip.hidden = s < 0;
    if (s < 0) return;
    const where = now.held[s] === fullOf(s) ? "已抽中" : now.held[s] === 0 ? "已落选" : "未定";
    tip.textContent = nameOf(s) + "\n" + layerOf(s) + "\n" + where + "，现有 " + tickets(now.held[s], s) + "（满票 " + tickets(fullOf(s), s) + "）";
    tip.style.left = Math.max(4, Math.min(e.containerPoint.x + 14, picture.map.getSize().x - tip.offsetWidth - 8)) + "px"; tip.style.top = e.containerPoint.y + 16 + "px";
  }
  function followAddress() {
    const code = new URLSearchParams(location.hash.slice(1)).get("school");
    choose(code ? d.schools.code.indexOf(code) : -1);
  }
  const KEYS = { " ": () => playing ? pause() : play(), ArrowRight: step, ArrowLeft: () => { pause(); seek(k - 1); }, End: skip, Home: () => { pause(); seek(0); }, Escape: () => choose(-1) };
  function listen() {
    const act = { again: () => { choose(-1); seek(0); play(); }, play: KEYS[" "], step: step, skip: skip, big: play, close: () => { choose(-1); $("panel").hidden = true; },
      home: () => now.chosen < 0 ? picture.fit(null, picture.hasPanel) : choose(-1),
      full: () => document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen().catch(() => {}) };
    for (const id of Object.keys(act)) $(id).onclick = act[id];
    $("seek").oninput = () => { pause(); seek(Number($("seek").value)); };
    document.addEventListener("keydown", (e) => {
      if (!KEYS[e.key] || e.ctrlKey || e.altKey || e.metaKey || (e.key === " " && e.target.closest("button, a"))) return;
      e.preventDefault(); KEYS[e.key]();
    });
    /* After the mouse, the keys belong to the whole page again. */
    document.addEventListener("click", (e) => { if (e.detail && e.target.closest("button, input, #map")) $("stage").focus(); });
    picture.map.on("click", (e) => { const s = picture.hit(e.containerPoint); choose(s === now.chosen ? -1 : s); });
    picture.map.on("mousemove", point); picture.map.on("mouseout", () => { $("tip").hidden = true; });
    window.addEventListener("hashchange", followAddress);
    $("alone").hidden = !embedded; $("alone").href = location.pathname;
  }
  function label() {
    document.title = "对决回放 " + d.number;
    $("number").textContent = "抽取 " + d.number; $("scope").textContent = count(N) + " 所中抽 " + count(d.n) + " 所";
    $("total").textContent = count(K); $("n").textContent = count(d.n); $("seek").max = K;
    $("big").lastElementChild.textContent = "播放 " + count(K) + " 场对决";
    $("levels").append(...d.levels.map((name) => element("li", "", name)));
    $("speeds").append(...SPEEDS.map((text, at) => { const b = element("button", "", text); b.type = "button"; b.onclick = () => setSpeed(at); return b; }));
    let from = 0;
    for (const [at, g] of d.groups.entries()) {
      const next = d.groups[at + 1];
      if (next && next.level === g.level && next.stream === g.stream) continue;
      const mark = element("i"); mark.style.left = 100 * from / K + "%"; mark.style.width = 100 * (g.end - from) / K + "%"; mark.title = d.levels[g.level];
      $("marks").append(mark); from = g.end;
    }
  }
  async function start() {
    d = await get("duels.json");
    N = d.schools.code.length; K = d.duels.a.length;
    d.outright = d.schools.tickets.filter((_, s) => isOutright(s)).length;
    label(); setSpeed(0); toStart();
    picture = window.csmDuelMap(d, nameOf, embedded);
    listen();
    if (calm) seek(K); else show();
    followAddress();
    if (d.ground) picture.drawGround(await columns("/layers/base.bin"), await columns("/layers/waters.bin"));
  }
  /* For tests and for whoever wants to check: where the walk stands. */
  window.csmDuels = {
    get state() {
      if (!picture) return null;
      const marked = d.schools.code.filter((_, s) => now.held[s] === fullOf(s));
      return { k: k, total: K, playing: playing, decided: decided, n: d.n, rate: rate, marked: marked, chosen: now.chosen < 0 ? "" : d.schools.code[now.chosen], own: now.own.length, group: $("group").textContent };
    },
  };
  start().catch((error) => { $("stage").className = d ? "" : "failed"; fail(error); });
})();
