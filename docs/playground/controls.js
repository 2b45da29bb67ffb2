// The controls: each shows a value of the state, and tells `change` of a new one.
const byId = (id) => document.getElementById(id);

function make(tag, parent, attributes = {}, text = "") {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  parent?.append(element);
  return element;
}

// "Blobs", or "Blobs 1" and "Blobs 2" where there are two of a kind.
function namesOf(modalities) {
  return modalities.map(({ shape }, m) => {
    const alike = modalities.filter((one) => one.shape === shape);
    return alike.length > 1 ? `${NAMES[shape]} ${alike.indexOf(modalities[m]) + 1}` : NAMES[shape];
  });
}

function swatch(parent, { colour, dash }) {
  const picture = svg("svg", parent, { viewBox: "0 0 30 6", class: "swatch", "aria-hidden": "true" });
  svg("line", picture, { x1: 0, x2: 30, y1: 3, y2: 3, stroke: colour, "stroke-width": 4, "stroke-dasharray": dash });
}

const lineOf = (m) => ({ colour: MODALITY_COLOURS[m], dash: MODALITY_DASHES[m], width: 2.2 });
const FUSED_LINE = { colour: FUSED_COLOUR, dash: "", width: 3.2 };

// A modality's kind and noise.
function partControls(parent, m, modalities, change) {
  const { shape, noise } = modalities[m];
  const set = (values) => change({ modalities: modalities.with(m, { ...modalities[m], ...values }) });
  const box = make("fieldset", parent);
  const legend = make("legend", box);
  swatch(legend, lineOf(m));
  legend.append(tr("Modality {number}", { number: m + 1 }));
  const first = make("div", box, { class: "line" });
  const kind = make("select", make("label", first, {}, tr("Kind ")), { "data-key": `kind${m}` });
  for (const [value, name] of Object.entries(NAMES)) make("option", kind, { value }, name);
  kind.value = shape;
  kind.onchange = () => set({ shape: kind.value });
  const label = make("label", box, { class: "line" }, tr("Noise "));
  const dial = make("input", label, { type: "range", min: 0, max: MOST_NOISE, step: 0.01, "data-key": `noise${m}` });
  dial.value = noise;
  const told = make("output", label, {}, noise.toFixed(2));
  dial.oninput = () => (told.textContent = Number(dial.value).toFixed(2));
  dial.onchange = () => set({ noise: Number(dial.value) });
  if (modalities.length > 2) {
    const remove = make("button", first, { type: "button", class: "end" }, tr("Remove"));
    remove.setAttribute("aria-label", tr("Remove modality {number}", { number: m + 1 }));
    remove.onclick = () => {
      change({ modalities: modalities.toSpliced(m, 1) });
      byId("add").focus(); // the button that was pressed is gone
    };
  }
}

// Show the state in all controls. The focus stays with the control that it was on.
function showControls(state, change) {
  const focused = document.activeElement?.dataset?.key;
  byId("parts").replaceChildren();
  state.modalities.forEach((_, m) => partControls(byId("parts"), m, state.modalities, change));
  if (focused) document.querySelector(`[data-key="${focused}"]`)?.focus();
  byId("add").disabled = state.modalities.length === 4;
  for (const id of ["joint", "gradient", "alpha", "fusion", "rate", "seed", "missing", "sample"]) byId(id).value = state[id];
  byId("missing").nextElementSibling.textContent = `${Math.round(100 * state.missing)} %`;
  byId("alpha").disabled = state.gradient === "off"; // without P there is no alpha
  const legend = byId("legend");
  legend.replaceChildren();
  const names = namesOf(state.modalities);
  [...names.map((name, m) => [name, lineOf(m)]), [tr("Fused"), FUSED_LINE]].forEach(([name, line]) => {
    const item = make("span", legend);
    swatch(item, line);
    item.append(name);
  });
}

function bindControls(getState, change) {
  for (const { name, options } of [FIELDS.alpha, FIELDS.rate]) {
    for (const value of options) make("option", byId(name), { value }, value);
  }
  for (const id of ["joint", "gradient", "fusion"]) byId(id).onchange = () => change({ [id]: byId(id).value });
  for (const id of ["alpha", "rate", "missing"]) byId(id).onchange = () => change({ [id]: Number(byId(id).value) });
  byId("missing").oninput = () => {
    byId("missing").nextElementSibling.textContent = `${Math.round(100 * byId("missing").value)} %`;
  };
  byId("seed").onchange = () => {
    const seed = FIELDS.seed.read(byId("seed").value);
    if (seed === undefined) byId("seed").value = getState().seed;
    else change({ seed });
  };
  byId("add").onclick = () => {
    const { modalities } = getState();
    change({ modalities: [...modalities, { shape: "rings", noise: 0.05 }] });
    document.querySelector(`[data-key="kind${modalities.length}"]`).focus();
  };
}
