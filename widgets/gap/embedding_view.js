// The explorer on the page: a map of every part of every sample, scrubbed through time. All data
// are here already, so that scrubbing asks no kernel (the traits: widgets/gap/embedding_view.py).

const CALM = 200; // ms between messages to the kernel
const PATIENCE = 500; // ms of rest before a screen reader is told
const KEPT = 200; // samples whose pictures and sounds are kept

function render({ model, el }) {
  speak(model);
  const root = make("div", el, { class: "mla-map" });
  let explorer = new Explorer(model, root);
  const rebuild = () => {
    const trait = root.contains(document.activeElement) && document.activeElement.dataset.trait;
    explorer.close();
    root.textContent = "";
    explorer = new Explorer(model, root);
    if (trait) root.querySelector(`[data-trait=${trait}]`)?.focus(); // as if nothing had happened
  };
  model.on("change:meta", rebuild);
  const leavePage = joinPage(el, model);
  return () => {
    leavePage();
    model.off("change:meta", rebuild);
    explorer.close();
  };
}

class Explorer {
  constructor(model, root) {
    root.classList.toggle("alone", Boolean(model.get("meta").alone));
    Object.assign(this, { model, root, undo: [], lasso: [], cursor: -1, parts: new Map() });
    this.calm = window.matchMedia("(prefers-reduced-motion: reduce)");
    this.story = new Story(model.get("meta"), model.get("arrays"), model.get("maps"));
    this.places = new Float32Array(2 * this.story.K);
    this.visible = new Uint8Array(this.story.K);
    this.tint = new Uint8Array(this.story.K);
    this.lit = null;
    this.position = this.look;
    this.controls = new Controls(this);
    this.buildMap();
    this.status = make("p", root, { role: "status", "aria-live": "polite", class: "spoken" });
    this.panels = this.story.alone ? null : new Panels(this);
    this.follow("selected", () => this.reselect());
    this.follow("media", () => this.takeMedia());
    for (const name of ["hidden_modalities", "hidden_classes"]) this.follow(name, () => this.refilter());
    for (const name of ["colour", "map"]) this.follow(name, () => this.recolour());
    for (const name of ["hovered", "pinned"]) this.follow(name, () => this.showSample());
    for (const name of ["look", "trails", "note"]) this.follow(name, () => this.redraw());
    this.follow("playing", () => this.startOrStop());
    this.follow("maps", () => this.takeMaps());
    if (this.story.alone) this.follow("arrays", () => this.takeArrays());
    // Before it stands on the page it has neither a size nor the page's colours.
    const resized = new ResizeObserver(() => this.recolour());
    resized.observe(this.canvas);
    const themed = new MutationObserver(() => this.recolour());
    themed.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
    this.undo.push(() => resized.disconnect(), () => themed.disconnect());
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    this.on(dark, "change", () => this.recolour());
    root.dataset.ready = "true";
  }

  close() {
    cancelAnimationFrame(this.drawing);
    cancelAnimationFrame(this.ticking);
    clearTimeout(this.telling);
    this.undo.forEach((action) => action());
    if (!this.saving) return;
    clearTimeout(this.saving);
    this.model.save_changes();
  }

  // ---- state, kept in traits

  get(name) {
    return this.model.get(name);
  }

  set(name, value) {
    this.model.set(name, value);
    this.saving ??= setTimeout(() => {
      this.saving = null;
      this.model.save_changes();
    }, CALM);
  }

  follow(trait, action) {
    this.undo.push(follow(this.model, [trait], action));
  }

  on(target, name, action) {
    target.addEventListener(name, action);
    this.undo.push(() => target.removeEventListener(name, action));
  }

  get look() {
    return Math.min(Math.max(0, this.get("look")), this.story.T - 1);
  }

  get mapName() {
    return this.story.maps[this.get("map")] ? this.get("map") : Object.keys(this.story.maps)[0];
  }

  get scene() {
    const { story, places, visible, tint, lit, lasso, look } = this;
    const marked = [["pinned", true], ["hovered", false]]
      .map(([trait, strong]) => ({ n: story.indexOf.get(this.get(trait)), strong }))
      .filter(({ n }) => n !== undefined);
    const map = story.maps[this.mapName];
    return { story, map, places, visible, tint, lit, lasso, look, marked, trails: this.get("trails") };
  }

  // ---- the map

  buildMap() {
    const row = make("div", this.root, { class: "row" });
    const left = make("div", row, { class: "left" });
    const stage = make("div", left, { class: "stage" });
    this.canvas = make("canvas", stage, { tabindex: 0, role: "application" });
    this.tip = make("div", stage, { class: "tip", "aria-hidden": "true", hidden: "" });
    this.caption = make("p", left, { class: "caption" });
    this.gaps = make("p", left, { class: "gaps" });
    const right = this.story.alone ? left : make("div", row, { class: "right" });
    if (this.story.alone) this.controls.offerColours(make("div", right, { class: "options" }));
    this.controls.buildFilters(right);
    this.panel = this.story.alone ? null : new SamplePanel(right);
    this.map = new MapCanvas(this.canvas, this.story.markers);
    listenToMap(this);
  }

  takeMaps() {
    this.story.setMaps(this.get("maps"));
    this.controls.offerMaps();
    this.redraw();
  }

  takeArrays() {
    this.story.setArrays(this.get("arrays"));
    this.tinted = null;
    this.redraw();
  }

  refilter() {
    const { story } = this;
    const [parts, classes] = ["hidden_modalities", "hidden_classes"].map((name) => new Set(this.get(name)));
    for (let k = 0; k < story.K; k += 1) {
      this.visible[k] = !parts.has(story.owner[k]) && !classes.has(story.labels[story.sample[k]]);
    }
    if (this.cursor >= 0 && !this.visible[this.cursor]) {
      this.cursor = -1;
      this.tip.hidden = true;
      this.set("hovered", "");
    }
    this.root.dataset.points = this.visible.reduce((a, b) => a + b, 0);
    this.redraw();
  }

  recolour() {
    const { story } = this;
    const style = getComputedStyle(this.root);
    const [ink, paper] = [style.color, style.backgroundColor];
    const dark = (ink.match(/[\d.]+/g) ?? [0]).slice(0, 3).reduce((a, b) => a + Number(b), 0) > 380;
    const palettes = {
      class: story.class_colours.map((fill) => ({ fill })),
      modality: story.colours.map((fill) => ({ fill })),
      correctness: story.verdict_colours.map((fill, i) => ({ fill, edge: i === 1 })),
    };
    this.map.setPalette(palettes[this.get("colour")], ink, dark ? "rgba(255,255,255,0.6)" : paper);
    this.tinted = null;
    this.root.dataset.map = this.mapName;
    this.redraw();
  }

  retint() {
    const { story, look } = this;
    const mode = this.get("colour");
    const key = mode === "correctness" ? `${mode} ${look}` : mode;
    if (key === this.tinted) return;
    this.tinted = key;
    const count = story.class_colours.length;
    for (let k = 0; k < story.K; k += 1) {
      const [m, n] = [story.owner[k], story.sample[k]];
      if (mode === "class") this.tint[k] = story.labels[n] % count;
      else this.tint[k] = mode === "modality" ? m : Number(story.says(look, m, n) !== story.labels[n]);
    }
  }

  // Between two looks only the points move.
  redraw(everything = true) {
    this.stale ||= everything;
    this.drawing ??= requestAnimationFrame(() => {
      this.drawing = null;
      this.paint();
    });
  }

  paint() {
    const { story, look, map, scene } = this;
    if (Math.floor(this.position) !== look) this.position = look;
    const glides = this.get("smooth") && this.get("playing") && !this.calm.matches;
    story.place(scene.map, glides ? this.position : look, this.places);
    this.retint();
    map.resize();
    map.setFrame(scene.map.frame, scene.map.corners.length ? 62 : 14);
    map.draw(scene);
    if (this.stale) {
      this.controls.update(look, this.where);
      this.panel?.update(look);
      this.panels?.update(look);
      this.write(scene.map, look);
    }
    this.stale = false;
    this.frames = (this.frames ?? 0) + 1;
    Object.assign(this.root.dataset, { look, frames: this.frames });
  }

  get where() {
    return this.story.axis.texts[this.look];
  }

  // What stands under the picture. The live region hears it when the picture has come to rest.
  write(map, look) {
    const { story } = this;
    const { caption } = map;
    const shown = { n: this.root.dataset.points, caption, title: map.title };
    if (story.alone) {
      this.caption.textContent = caption;
      this.canvas.setAttribute("aria-label",
        tr("Map of {n} points. {caption}. Arrow keys walk, Enter keeps a sample, Space selects, " +
          "Escape lets go.", shown));
      return;
    }
    const trust = map.trust[story.pictureOf(map, look)];
    const time = story.axis.texts[map.looks[story.pictureOf(map, look)]];
    this.caption.textContent = sentences(
      tr("{caption}.", shown),
      map.looks.length < story.T && tr("Recomputed at {time}.", { time }),
      trust === null
        ? tr("Trustworthiness not defined, since nobody has neighbours.")
        : tr("Trustworthiness {trust}.", { trust: decimal(trust) }),
    );
    const gap = (p) => `${story.pairs[p].join(", ")} ${decimal(story.centroid_gap[look * story.P + p])}`;
    const known = [...story.pairs.keys()].filter((p) => story.centroid_gap[look * story.P + p] >= 0);
    known.sort((p, q) => story.centroid_gap[look * story.P + q] - story.centroid_gap[look * story.P + p]);
    const told = known.length > 3
      ? tr("widest {widest}; narrowest {narrowest}", { widest: gap(known[0]), narrowest: gap(known.at(-1)) })
      : known.map(gap).join("; ");
    const apart = decimal(story.separability[look]);
    this.gaps.textContent = story.P
      ? tr("Gap between centroids: {told}. Separability of modalities {apart} (chance {chance}).",
        { told, apart, chance: decimal(1 / story.M) })
      : tr("There is one modality, so there is no gap.");
    const where = tr("{where}.", { where: this.where });
    const sentence = sentences(where, this.panels.sentence, this.gaps.textContent);
    const keys = tr("Map of {n} points, {title}. Arrow keys walk, Enter keeps, Space selects, " +
      "Escape lets go.", shown);
    this.canvas.setAttribute("aria-label", sentences(keys, sentence));
    if (sentence !== this.told) this.say(sentence);
    this.told = sentence;
  }

  say(sentence) {
    clearTimeout(this.telling);
    this.telling = setTimeout(() => (this.status.textContent = sentence), PATIENCE);
  }

  // ---- play

  startOrStop() {
    cancelAnimationFrame(this.ticking);
    this.found = "";
    this.redraw();
    if (!this.get("playing")) return;
    if (this.story.T < 2) {
      this.set("playing", false);
      return;
    }
    if (this.look === this.story.T - 1) this.set("look", 0);
    this.position = this.look;
    let before = performance.now();
    const tick = (now) => {
      const end = this.story.T - 1;
      // A frame's time may lie before the press.
      const passed = Math.max(0, now - before) / 1000;
      // A film of few looks is shorter.
      const pace = Math.max(1, end / this.get("speed"));
      this.position = Math.min(end, this.position + passed * pace);
      before = now;
      if (Math.floor(this.position) !== this.look) this.set("look", Math.floor(this.position));
      this.redraw(false);
      if (this.position >= end) this.set("playing", false);
      else this.ticking = requestAnimationFrame(tick);
    };
    this.ticking = requestAnimationFrame(tick);
  }

  // ---- selection

  groupOf(text) {
    const { story, look } = this;
    const [kind, number] = text.split(" ");
    const i = Number(number);
    const test = {
      wrong: (n) => story.fused[look * story.N + n] !== story.labels[n],
      has: (n) => story.present[i * story.N + n],
      miss: (n) => story.present[i * story.N + n] && story.says(look, i, n) !== story.labels[n],
      class: (n) => story.labels[n] === i,
    }[kind];
    return new Set([...story.ids.keys()].filter(test));
  }

  select(samples, adds) {
    const { story } = this;
    const all = new Set(samples);
    if (adds) this.get("selected").forEach((id) => all.add(story.indexOf.get(id)));
    this.found = samples.size ? "" : tr("No sample is there, so nothing was selected.");
    if (this.found) this.say(this.found);
    this.set("selected", story.ids.filter((_, n) => all.has(n)));
    this.redraw();
  }

  reselect() {
    const { story } = this;
    const chosen = this.get("selected").map((id) => story.indexOf.get(id)).filter((n) => n !== undefined);
    this.lit = chosen.length ? new Uint8Array(story.N) : null;
    chosen.forEach((n) => (this.lit[n] = 1));
    this.root.dataset.selected = chosen.length;
    this.panels?.select(chosen.length ? story.summarise(chosen) : null);
    this.redraw();
  }

  // ---- one sample

  showSample() {
    const { story, panel } = this;
    const [pinned, hovered] = ["pinned", "hovered"].map((name) => this.get(name));
    Object.assign(this.root.dataset, { pinned, hovered });
    this.found = ""; // what a selection came to is news until something else is done
    const n = story.indexOf.get(story.indexOf.has(hovered) ? hovered : pinned) ?? -1;
    this.redraw();
    if (!panel || n === panel.n) return;
    if (n < 0) {
      panel.clear();
      return;
    }
    const id = story.ids[n];
    panel.build(story, n, this.parts.get(id) ?? (story.live ? null : []));
    panel.update(this.look);
    if (!this.parts.has(id) && story.live) this.set("wanted", id);
  }

  takeMedia() {
    if (!this.panel) return;
    for (const [id, parts] of Object.entries(this.get("media"))) {
      this.parts.set(id, parts);
      if (this.story.live && this.parts.size > KEPT) this.parts.delete(this.parts.keys().next().value);
      if (this.panel.n >= 0 && this.story.ids[this.panel.n] === id && this.panel.waits) {
        this.panel.build(this.story, this.panel.n, parts);
        this.panel.update(this.look);
      }
    }
  }
}
export default { render };
