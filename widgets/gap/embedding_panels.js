// What stands around the map: the legend that filters, one sample, curves and tables.
// Everything from outside goes in as text.

const SVG = "http://www.w3.org/2000/svg";

function draw(tag, parent, properties = {}) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  parent.append(element);
  return element;
}

const percent = (value) => (Number.isNaN(value) ? "–" : `${(100 * value).toFixed(0)} %`);
const decimal = (value) => (Number.isNaN(value) ? "–" : value.toFixed(2));

// One sample: what it looks and sounds like, built once, and what is predicted at the look shown.
class SamplePanel {
  constructor(parent) {
    this.root = make("section", parent, { class: "sample", "aria-label": tr("sample") });
    this.clear();
  }

  clear() {
    this.n = -1;
    this.waits = false;
    delete this.root.dataset.sample;
    this.root.textContent = "";
    make("p", this.root, { class: "hint" }, sentences(
      tr("Point at a marker to see and hear its sample; click to keep it."),
      tr("By keyboard: focus the map, left and right walk from sample to sample, up and down to " +
        "its other parts, Enter keeps it, Space selects it, Escape lets go."),
    ));
  }

  build(story, n, parts) {
    Object.assign(this, { story, n, waits: parts === null });
    this.root.textContent = "";
    this.root.dataset.sample = story.ids[n];
    const head = make("h4", this.root, {}, story.ids[n]);
    const truth = tr("true class {label}", { label: story.classes[story.labels[n]] });
    make("span", head, { class: "quiet" }, ` ${truth}`);
    this.verdicts = story.modalities.map((name, m) => {
      const row = make("div", this.root, { class: "part", "data-modality": name });
      const title = make("b", row);
      make("span", title, { "aria-hidden": "true", class: "mark" }, story.glyphs[m]).style.color =
        story.colours[m];
      make("span", title, {}, name);
      const here = story.present[m * story.N + n];
      const shown = (parts ?? []).filter((part) => here && part.modality === name);
      shown.forEach((part) => showPart(row, part));
      if (here && !shown.length) make("div", row, { class: "quiet" }, this.waits ? "…" : tr("nothing to show"));
      return make("div", row, { class: "verdict" });
    });
    this.fused = make("div", this.root, { class: "part fused" });
    this.root.dataset.waits = this.waits;
  }

  update(look) {
    if (this.n < 0) return;
    const { story, n } = this;
    const label = story.labels[n];
    const judge = (said) =>
      said < 0 ? tr("no answer") : `${story.classes[said]} ${said === label ? "✓" : "✗"}`;
    this.verdicts.forEach((line, m) => {
      if (!story.present[m * story.N + n]) {
        line.textContent = tr("absent");
        return;
      }
      const weight = story.weights[(look * story.M + m) * story.N + n];
      const answer = judge(story.says(look, m, n));
      line.textContent = tr("says {answer}, weight {weight}", { answer, weight: decimal(weight) });
    });
    const answer = judge(story.fused[look * story.N + n]);
    this.fused.textContent = tr("fused: {answer}", { answer });
  }

  describe(look) {
    const { story, n } = this;
    const parts = this.verdicts.map((line, m) => `${story.modalities[m]} ${line.textContent}`);
    const known = { id: story.ids[n], label: story.classes[story.labels[n]] };
    const said = [...parts, this.fused.textContent].join(tr("; "));
    return tr("{id}, true class {label}: {said}.", { ...known, said });
  }
}

function showPart(row, { modality, mime, data, caption }) {
  const bytes = readBytes(data);
  if (mime === "text/plain") {
    make("div", row, { class: "words" }, new TextDecoder().decode(bytes));
  } else if (mime === "image/png" || mime === "audio/wav") {
    let letters = "";
    for (let i = 0; i < bytes.length; i += 8192) {
      letters += String.fromCharCode(...bytes.subarray(i, i + 8192));
    }
    const src = `data:${mime};base64,${btoa(letters)}`;
    const label = tr("{modality} of this sample", { modality });
    if (mime === "image/png") make("img", row, { src, alt: label });
    else make("audio", row, { src, controls: "", "aria-label": label });
  }
  if (caption) make("div", row, { class: "quiet" }, caption);
}

// A small picture of curves over the axis with a cursor; a click moves the cursor.
class Curves {
  constructor(parent, title, onPick) {
    this.title = title;
    this.root = make("figure", parent, { class: "curves" });
    make("figcaption", this.root, {}, title);
    this.svg = draw("svg", this.root, { viewBox: "0 0 360 120", role: "img" });
    this.legend = make("div", this.root, { class: "quiet" });
    this.svg.addEventListener("click", (event) => {
      const box = this.svg.getBoundingClientRect();
      if (this.axis) onPick(((event.clientX - box.left) / box.width) * 360);
    });
  }

  // lines: [{name, colour, dash, values, faint}]
  build(axis, lines, top) {
    this.axis = axis;
    this.svg.textContent = "";
    const all = lines.flatMap(({ values }) => Array.from(values)).filter(Number.isFinite);
    const high = top ?? Math.max(0.1, ...all) * 1.05;
    const [first, last] = [axis.values[0], axis.values.at(-1)];
    this.x = (value) => (last === first ? 195 : 34 + (318 * (value - first)) / (last - first));
    const y = (value) => 100 - 92 * (value / high);
    for (const tick of [0, high / 2, high]) {
      draw("line", this.svg, { x1: 34, x2: 352, y1: y(tick), y2: y(tick), class: "grid" });
      draw("text", this.svg, { x: 30, y: y(tick) + 3, "text-anchor": "end" }).textContent =
        top === 1 ? `${100 * tick} %` : tick.toFixed(1);
    }
    for (const [value, anchor] of [[first, "start"], [last, "end"]]) {
      const label = draw("text", this.svg, { x: this.x(value), y: 114, "text-anchor": anchor });
      label.textContent = `${anchor === "start" ? `${axis.name} ` : ""}${value}`;
    }
    for (const { colour, dash, values, faint } of lines) {
      const points = Array.from(values, (value, t) =>
        Number.isFinite(value) ? `${this.x(axis.values[t]).toFixed(1)},${y(value).toFixed(1)}` : "",
      ).filter(Boolean);
      const style = { stroke: colour, "stroke-dasharray": dash, opacity: faint ? 0.35 : 1 };
      draw("polyline", this.svg, { ...style, points: points.join(" "), class: "curve" });
    }
    this.legend.textContent = "";
    for (const { name, colour, dash } of lines.filter(({ faint }) => !faint)) {
      const entry = make("span", this.legend);
      const sample = draw("svg", entry, { viewBox: "0 0 22 8", "aria-hidden": "true" });
      const style = { stroke: colour, "stroke-dasharray": dash, class: "curve" };
      draw("line", sample, { ...style, x1: 0, x2: 22, y1: 4, y2: 4 });
      make("span", entry, {}, name);
    }
    this.cursor = draw("line", this.svg, { y1: 4, y2: 104, class: "cursor" });
  }

  update(look, sentence) {
    const at = this.x(this.axis.values[look]);
    this.cursor.setAttribute("x1", at);
    this.cursor.setAttribute("x2", at);
    this.svg.setAttribute("aria-label", `${this.title}. ${sentence}`);
  }
}

// Numbers of all samples beside those of the selected ones.
class Numbers {
  constructor(parent, title, names) {
    const table = make("table", parent);
    make("caption", table, {}, title);
    const head = make("tr", make("thead", table));
    for (const name of ["", tr("all"), tr("selected")]) make("th", head, { scope: "col" }, name);
    const body = make("tbody", table);
    this.cells = names.map((name) => {
      const row = make("tr", body, { "data-row": name });
      make("th", row, { scope: "row" }, name);
      return [make("td", row), make("td", row)];
    });
  }

  update(all, selected) {
    this.cells.forEach(([left, right], i) => {
      left.textContent = all[i];
      right.textContent = selected ? selected[i] : "–";
    });
  }
}

// Curves over the axis and numbers at the look shown, of all samples and of the selected ones.
class Panels {
  constructor(explorer) {
    const { story, root } = explorer;
    this.story = story;
    this.everything = story.summarise(null);
    this.selected = null;
    const row = make("div", root, { class: "row panels" });
    const pick = (x) => {
      const far = Array.from(story.axis.values, (value) => Math.abs(this.accuracy.x(value) - x));
      explorer.set("look", far.indexOf(Math.min(...far)));
    };
    this.accuracy = new Curves(row, tr("Accuracy"), pick);
    const many = story.P > 3; // lines of pairs that nobody could tell apart
    const gaps = many ? tr("Gap between centroids, mean to the others") : tr("Gap between centroids");
    this.gaps = new Curves(row, gaps, pick);
    this.names = [...story.modalities, tr("fused")];
    const pairs = story.pairs.map(([a, b]) => `${a}, ${b}`);
    const tables = make("div", row, { class: "tables" });
    this.tables = [
      [new Numbers(tables, tr("Accuracy"), this.names), "accuracy", percent],
      [new Numbers(tables, tr("Mean weight"), story.modalities), "weight", decimal],
    ];
    if (story.P) {
      this.tables.push([new Numbers(tables, tr("Distance of pairs"), pairs), "distance", decimal]);
    }
    const column = (p) => Array.from({ length: story.T }, (_, t) => story.centroid_gap[t * story.P + p]);
    const mean = (m) => (_, t) => {
      const own = story.pairs.flatMap((pair, p) =>
        pair.includes(m) ? [story.centroid_gap[t * story.P + p]] : []).filter(Number.isFinite);
      return own.reduce((sum, gap) => sum + gap, 0) / own.length;
    };
    const lines = (many ? story.modalities : pairs).map((name, i) => ({
      name,
      colour: many ? story.colours[i] : story.fused_colour,
      dash: story.dashes[i % story.dashes.length],
      values: many ? Array.from({ length: story.T }, mean(name)) : column(i),
    }));
    const apart = { name: tr("separability"), colour: "currentColor", dash: "1 4" };
    this.gaps.build(story.axis, [...lines, { ...apart, values: story.separability }]);
  }

  // summary: of the selected samples, or null.
  select(summary) {
    const { story } = this;
    this.selected = summary;
    const lines = ({ accuracy }, faint) =>
      this.names.map((name, m) => ({
        name,
        colour: m < story.M ? story.colours[m] : story.fused_colour,
        dash: m < story.M ? story.dashes[m] : "",
        values: Array.from({ length: story.T }, (__, t) => accuracy[t * (story.M + 1) + m]),
        faint,
      }));
    const shown = summary ? lines(summary, false) : [];
    this.accuracy.build(story.axis, [...lines(this.everything, Boolean(summary)), ...shown], 1);
  }

  update(look) {
    const { story, selected, everything } = this;
    const at = (summary, kind, form) => {
      const width = summary[kind].length / story.T;
      return Array.from(summary[kind].subarray(look * width, (look + 1) * width), form);
    };
    for (const [table, kind, form] of this.tables) {
      table.update(at(everything, kind, form), selected && at(selected, kind, form));
    }
    const told = (summary) => {
      const values = at(summary, "accuracy", percent);
      return this.names.map((name, i) => `${name} ${values[i]}`).join(", ");
    };
    const all = tr("Right of all {n}: {told}.", { n: story.N, told: told(everything) });
    const some = selected
      ? tr("The {n} selected: {told}.", { n: selected.count, told: told(selected) })
      : tr("Nothing is selected.");
    this.sentence = sentences(all, some);
    this.accuracy.update(look, this.sentence);
    this.gaps.update(look, story.axis.texts[look]);
  }
}
