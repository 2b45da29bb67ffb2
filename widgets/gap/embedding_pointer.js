// The map answers the mouse and the keyboard: point, keep, draw a lasso, walk.

const CLICK = 6; // a lasso smaller than this many pixels is a click

function listenToMap(explorer) {
  const { canvas, map } = explorer;
  const place = (event) => [event.offsetX, event.offsetY];

  explorer.on(canvas, "pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    explorer.lasso = [place(event)];
  });
  explorer.on(canvas, "pointermove", (event) => {
    const spot = place(event);
    if (explorer.lasso.length) {
      explorer.lasso.push(spot);
      explorer.redraw();
    } else {
      point(explorer, map.nearest(explorer.scene, ...spot), spot);
    }
  });
  explorer.on(canvas, "pointerup", (event) => {
    const { lasso } = explorer;
    if (!lasso.length) return;
    explorer.lasso = [];
    explorer.redraw();
    const [x, y] = lasso[0];
    if (lasso.every(([a, b]) => Math.hypot(a - x, b - y) < CLICK)) {
      click(explorer, map.nearest(explorer.scene, ...place(event)), event.shiftKey);
    } else {
      explorer.select(map.inside(explorer.scene, lasso), event.shiftKey);
    }
  });
  explorer.on(canvas, "pointercancel", () => {
    explorer.lasso = [];
    explorer.redraw();
  });
  explorer.on(canvas, "pointerleave", () => explorer.lasso.length || point(explorer, -1, [0, 0]));
  explorer.on(canvas, "keydown", (event) => pressKey(explorer, event));
}

function idOf({ story }, k) {
  return k < 0 ? "" : story.ids[story.sample[k]];
}

function point(explorer, k, [x, y]) {
  const { story, tip } = explorer;
  explorer.cursor = k;
  tip.hidden = k < 0;
  if (k >= 0) {
    const n = story.sample[k];
    tip.textContent = `${story.ids[n]} · ${story.modalities[story.owner[k]]} · ${story.classes[story.labels[n]]}`;
    const room = tip.parentElement.clientWidth;
    Object.assign(tip.style, x < room / 2 // beside the point, within the map
      ? { left: `${x + 12}px`, right: "auto" } : { left: "auto", right: `${room - x + 12}px` });
    tip.style.top = `${y + 12}px`;
  }
  if (explorer.get("hovered") !== idOf(explorer, k)) explorer.set("hovered", idOf(explorer, k));
}

function click(explorer, k, adds) {
  if (adds && k >= 0) explorer.select(new Set([explorer.story.sample[k]]), true);
  else keep(explorer, k);
}

function keep(explorer, k) {
  const id = idOf(explorer, k);
  explorer.set("pinned", explorer.get("pinned") === id ? "" : id);
}

function pressKey(explorer, event) {
  const walks = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const { story, cursor } = explorer;
  const toLook = (look) => explorer.set("look", Math.min(Math.max(0, look), story.T - 1));
  const actions = {
    Home: () => walkTo(explorer, explorer.visible.indexOf(1)),
    End: () => walkTo(explorer, explorer.visible.lastIndexOf(1)),
    PageUp: () => toLook(explorer.look + 1),
    PageDown: () => toLook(explorer.look - 1),
    Enter: () => keep(explorer, cursor),
    " ": () => cursor >= 0 && toggle(explorer, story.ids[story.sample[cursor]]),
    Escape: () => explorer.set(explorer.get("pinned") ? "pinned" : "selected", explorer.get("pinned") ? "" : []),
  };
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (walks[event.key]) walk(explorer, ...walks[event.key]);
  else if (actions[event.key]) actions[event.key]();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

// To the next sample that is shown, or to another part of the same sample.
function walk(explorer, samples, parts) {
  const { story, visible, cursor } = explorer;
  if (cursor < 0) {
    walkTo(explorer, visible.indexOf(1));
    return;
  }
  const { M, N } = story;
  const shown = (m, n) => {
    const k = story.pointOf[m * N + n];
    return k >= 0 && visible[k] ? k : -1;
  };
  let [m, n] = [story.owner[cursor], story.sample[cursor]];
  for (let tries = 0; tries < N * M; tries += 1) {
    n = (n + samples + N) % N;
    m = (m + parts + M) % M;
    const here = shown(m, n);
    const other = samples ? story.modalities.map((_, i) => shown(i, n)).find((k) => k >= 0) : -1;
    const found = here >= 0 ? here : other ?? -1;
    if (found >= 0) {
      walkTo(explorer, found);
      return;
    }
  }
}

function walkTo(explorer, k) {
  if (k < 0) return;
  const { map, places } = explorer;
  point(explorer, k, map.toPage(places[2 * k], places[2 * k + 1]));
  explorer.say(explorer.panel?.describe(explorer.look) ?? explorer.tip.textContent);
}

function toggle(explorer, id) {
  const chosen = new Set(explorer.get("selected"));
  if (!chosen.delete(id)) chosen.add(id);
  explorer.set("selected", explorer.story.ids.filter((one) => chosen.has(one)));
}
