// Fusion on a page without a kernel: what each modality says about some samples, at each of some levels of
// spoiling, is here already; entropies, weights and the fused answer (eq. 6 to 8) are computed as one moves.
const rules = () => ({ entropy: tr("by entropy (the paper's)"), uniform: tr("plain mean") });

function softmax(values) {
  const most = Math.max(...values);
  const raised = values.map((value) => Math.exp(value - most));
  const sum = raised.reduce((a, b) => a + b, 0);
  return raised.map((value) => value / sum);
}

function entropyOf(p) {
  return -p.reduce((sum, one) => sum + (one > 0 ? one * Math.log(one) : 0), 0);
}

// logits: one row of C numbers for each modality, or null where its part is absent.
function fuse(logits, rule, temperature) {
  const scaled = logits.map((row) => row && row.map((value) => value / temperature));
  const entropies = scaled.map((row) => row && entropyOf(softmax(row)));
  const scores = entropies.map((e) => (e === null ? -Infinity : rule === "uniform" ? 0 : -e));
  const any = scores.some((score) => score > -Infinity);
  const weights = any ? softmax(scores) : scores.map(() => 0);
  const C = scaled.find(Boolean)?.length ?? 0;
  const fused = Array.from({ length: C }, (_, c) =>
    scaled.reduce((sum, row, m) => sum + (row ? weights[m] * row[c] : 0), 0));
  return { scaled, entropies, weights, fused };
}

function bar(parent, label, share, number, colour) {
  const row = make("div", parent, { class: "bar" });
  make("span", row, { class: "label" }, label);
  const track = make("span", row, { class: "track", "aria-hidden": "true" });
  const fill = make("span", track);
  fill.style.width = `${100 * Math.min(1, share)}%`;
  fill.style.background = colour;
  make("span", row, { class: "number" }, number);
}

function render({ model, el }) {
  speak(model);
  const meta = model.get("meta");
  const { modalities, classes, samples, colours, glyphs, fused_colour: fusedColour } = meta;
  const root = make("div", el, { class: "mla-grid" });
  const top = make("div", root, { class: "row" });
  const choose = (parent, label, options, trait) => {
    const holder = make("label", parent, {}, `${label} `);
    const list = make("select", holder, { "data-trait": trait });
    options.forEach(([value, told]) => make("option", list, { value }, told));
    list.value = String(model.get(trait));
    list.addEventListener("change", () => {
      const chosen = list.value;
      model.set(trait, trait === "sample" ? Number(chosen) : chosen);
      model.save_changes();
    });
  };
  const called = ({ id, label }) => tr("{id}, a {label}", { id, label: classes[label] });
  choose(top, tr("Sample"), samples.map((sample, n) => [n, called(sample)]), "sample");
  choose(top, tr("Fusion rule"), Object.entries(rules()), "rule");
  const warmth = make("label", top, {}, `${tr("Temperature")} `);
  const heat = make("input", warmth, { type: "range", min: -1, max: 1, step: 0.05, "data-trait": "temperature" });
  heat.value = Math.log10(model.get("temperature"));
  const told = make("span", warmth, { class: "number" });
  heat.addEventListener("input", () => {
    model.set("temperature", 10 ** Number(heat.value));
    model.save_changes();
  });
  const columns = make("div", root, { class: "columns" });
  const parts = modalities.map(({ name, label, unit, levels }, m) => {
    const column = make("section", columns, { "aria-label": name });
    const title = make("h4", column);
    make("span", title, { style: `color:${colours[m]}`, "aria-hidden": "true" }, `${glyphs[m]} `);
    make("span", title, {}, name);
    const media = make("div", column, { class: "media" });
    const spoil = make("label", column, {}, `${label} `);
    const slider = make("input", spoil, { type: "range", min: 0, max: levels.length - 1, step: 1, "data-level": m });
    const amount = make("span", column, { class: "amount" });
    const dropping = make("label", column);
    const dropped = make("input", dropping, { type: "checkbox", "data-dropped": m });
    make("span", dropping, {}, ` ${tr("drop it")}`);
    const said = make("div", column);
    const change = () => {
      const levelsNow = [...model.get("levels")];
      levelsNow[m] = dropped.checked ? -1 : Number(slider.value);
      model.set("levels", levelsNow);
      model.save_changes();
    };
    slider.addEventListener("input", change);
    dropped.addEventListener("change", change);
    return { media, slider, amount, unit, levels, said, name };
  });
  const last = make("section", columns, { "aria-label": tr("fused") });
  make("h4", last, {}, `◆ ${tr("fused")}`);
  const answer = make("div", last);
  const status = make("p", root, { role: "status", "aria-live": "polite" });

  const bars = (parent, p, label, colour) => {
    const order = [...p.keys()].sort((a, b) => p[b] - p[a]).slice(0, 4);
    if (!order.includes(label)) order[3] = label;
    order.sort((a, b) => a - b).forEach((c) =>
      bar(parent, `${c === label ? "→ " : ""}${classes[c]}`, p[c], p[c].toFixed(2), colour));
  };
  const show = () => {
    const n = model.get("sample");
    const levels = model.get("levels");
    const { label, logits, media } = samples[n];
    const here = modalities.map((_, m) => (levels[m] < 0 ? null : logits[m]?.[levels[m]] ?? null));
    const temperature = model.get("temperature");
    const found = fuse(here, model.get("rule"), temperature);
    told.textContent = temperature.toFixed(2);
    heat.setAttribute("aria-valuetext", told.textContent);
    parts.forEach((part, m) => {
      part.slider.value = Math.max(0, levels[m]);
      part.slider.disabled = levels[m] < 0;
      const level = part.levels[Math.max(0, levels[m])];
      part.amount.textContent = levels[m] < 0 ? tr("dropped") : `${level} ${part.unit}`;
      part.slider.setAttribute("aria-valuetext", part.amount.textContent);
      part.media.replaceChildren();
      const shown = levels[m] < 0 ? null : media[m]?.[levels[m]];
      if (shown?.mime.startsWith("image/"))
        make("img", part.media, { alt: tr("{name}, as the network gets it", part), src: `data:${shown.mime};base64,${shown.data}` });
      else if (shown?.mime.startsWith("audio/"))
        make("audio", part.media, { controls: "", "aria-label": part.name, src: `data:${shown.mime};base64,${shown.data}` });
      else if (shown) make("p", part.media, { class: "words" }, new TextDecoder().decode(Uint8Array.from(atob(shown.data), (c) => c.charCodeAt(0))));
      part.said.replaceChildren();
      if (!here[m]) {
        make("p", part.said, {}, tr("absent, weight λ = 0"));
        return;
      }
      const most = Math.log(classes.length);
      bar(part.said, tr("entropy e"), found.entropies[m] / most, found.entropies[m].toFixed(2), colours[m]);
      bar(part.said, tr("weight λ"), found.weights[m], found.weights[m].toFixed(2), colours[m]);
      bars(part.said, softmax(found.scaled[m]), label, colours[m]);
    });
    answer.replaceChildren();
    if (!found.fused.length) {
      status.textContent = tr("No part is present, so there is no answer.");
      root.dataset.fused = "";
      return;
    }
    const p = softmax(found.fused);
    const best = p.indexOf(Math.max(...p));
    bars(answer, p, label, fusedColour);
    const listed = parts.map(({ name }, m) => `${name} ${found.weights[m].toFixed(2)}`).join(", ");
    const known = { answer: classes[best], p: p[best].toFixed(2), label: classes[label], listed };
    status.textContent = best === label
      ? tr("Fused: {answer} with probability {p}, right. Weights: {listed}.", known)
      : tr("Fused: {answer} with probability {p}, wrong, it is {label}. Weights: {listed}.", known);
    root.dataset.fused = JSON.stringify(found.fused);
    root.dataset.weights = JSON.stringify(found.weights);
  };
  const leaveModel = follow(model, ["sample", "levels", "rule", "temperature"], show);
  const leavePage = joinPage(el, model);
  return () => {
    leavePage();
    leaveModel();
  };
}
export default { render };
