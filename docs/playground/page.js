// The page: asks the worker for sub-steps, one request after the other, and draws what comes back.
const SPEEDS = { 2: tr("2 a second"), 20: tr("20 a second"), Infinity: tr("full speed") };
const WAYS = [
  [tr("Joint training"), tr("one loss for all")],
  [tr("Alternation"), tr("each in turn (MLA)")],
];
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const worker = new Worker(URL.createObjectURL(new Blob([byId("learner").textContent], { type: "text/javascript" })));

let state = null;
let session = 0; // the number of the session that is shown: answers for an older one are dropped
let data = null; // the validation samples
let frame = null; // the worker's last answer
let curves = [];
let [playing, waiting, stale] = [false, false, false];
let queued = 0; // single steps that were asked for while the worker was busy
let target = 0; // the sub-step that a link asks for
let [before, owed] = [0, 0]; // when the last request left; sub-steps that are due at this speed
let saved = 0; // when the address was written
let pictures = []; // for both ways, the canvas and the caption of each modality and of the fused answer
let lights = []; // for both ways, what shows in its diagram who moved
const charts = WAYS.map(([name]) => new Chart(byId("charts"), name, { 0: "0 %", [1 / CLASSES]: tr("chance"), 1: "100 %" }));
const plasticity = new Chart(byId("charts"), tr("Plasticity of the shared head (alternation)"), { 0: "0", 0.5: "0.5", 1: "1" });

const thousands = (count) => count.toLocaleString("en");
const percent = (share) => (Number.isFinite(share) ? `${Math.round(100 * share)}\u00a0%` : "–");
const mark = (c) => CLASS_MARKS[c] + (state.modalities.some(({ shape }) => shape === "digits") ? ` ${CLASS_DIGITS[c]}` : "");
const speed = () => Number(byId("speed").value);

function ask(message) {
  waiting = true;
  stale = false;
  queued = 0;
  const { sample, plane, fusion } = state;
  worker.postMessage({ milliseconds: 0, steps: 0, ...message, id: session, look: { sample, plane, fusion } });
}

// Training from the start; up to sub-step `steps` without pictures in between.
function start(steps = 0) {
  session += 1;
  target = steps;
  [frame, data, curves, owed] = [null, null, [], 0];
  build();
  ask({ kind: "start", settings: structuredClone(state) });
}

function change(values) {
  const anew = Object.keys(values).some((name) => name !== "fusion");
  state = settled({ ...state, ...values });
  showControls(state, change);
  if (anew) {
    state.step = 0;
    byId("look").textContent = ""; // it spoke of other settings
    start();
  } else {
    lookAgain();
  }
  save();
}

function load(hash) {
  const { state: read, faults } = readState(hash);
  state = read;
  pause();
  byId("fault").textContent = faults.join(" ");
  byId("fault").hidden = !faults.length;
  const plain = writeState({ ...state, step: 0, sample: 0, plane: settled({ ...state, plane: 0 }).plane });
  const example = EXAMPLES.find(({ link }) => writeState(readState(link).state) === plain);
  byId("look").textContent = example?.look ?? "";
  showControls(state, change);
  start(state.step);
}

function save() {
  saved = performance.now();
  history.replaceState(null, "", `#${writeState(state)}`);
}

function pause() {
  playing = false;
  byId("play").textContent = tr("Play");
  byId("story").setAttribute("aria-live", "polite"); // while it plays, it would never be silent
}

function play() {
  playing = true;
  before = performance.now();
  byId("play").textContent = tr("Pause");
  byId("story").setAttribute("aria-live", "off");
  requestAnimationFrame(tick);
}

function tick(now) {
  if (!playing || waiting) return;
  if (document.hidden) {
    requestAnimationFrame(tick); // comes when somebody looks again
    return;
  }
  const passed = Math.min(500, now - before);
  const soon = owed + (passed * speed()) / 1000;
  if (soon < 1 || (calm.matches && passed < 500)) {
    requestAnimationFrame(tick);
    return;
  }
  before = now;
  const steps = speed() === Infinity ? LONGEST : Math.floor(soon);
  owed = speed() === Infinity ? 0 : soon - steps;
  ask({ kind: "go", steps, milliseconds: calm.matches ? 300 : 14 });
}

worker.onmessage = ({ data: answer }) => {
  if (answer.id !== session) return;
  if (answer.kind === "data") {
    const { inputs, labels, present } = answer;
    data = {
      ...answer,
      sides: inputs.map((x, m) => ({ x, labels, present: present[m], width: x.length / SIZES.val })),
      // Samples with any part at all: those that have a fused answer.
      someone: labels.map((_, k) => present.some((here) => here[k])),
    };
    return;
  }
  waiting = false;
  frame = answer;
  curves.push(...answer.curves);
  state.step = frame.step;
  const catching = frame.step < target;
  if (catching) ask({ kind: "go", steps: target - frame.step, milliseconds: 150 });
  for (const id of ["play", "step", "reset"]) byId(id).disabled = catching || (id !== "reset" && frame.step >= LONGEST);
  if (playing && frame.step >= LONGEST) {
    pause();
    byId("reset").focus(); // all that is left to press
  }
  if (playing && !catching) tick(performance.now()); // the worker goes on while this answer is drawn
  else if ((stale || queued) && !catching) ask({ kind: "go", steps: queued, milliseconds: Infinity });
  show(catching);
  if (!catching && (!playing || performance.now() - saved > 1000)) save();
};

worker.onerror = ({ message }) => {
  byId("fault").textContent = tr("Training stopped with an error ({message}). Load the page again.", {
    message: message ?? tr("its worker did not start"),
  });
  byId("fault").hidden = false;
  pause();
};

// Another sample, or the plane of another modality under the fused picture.
function lookAt(values) {
  const next = settled({ ...state, ...values });
  if (next.sample === state.sample && next.plane === state.plane) return;
  state = next;
  byId("sample").value = state.sample;
  lookAgain();
}

function lookAgain() {
  if (waiting || playing) stale = true; // the next answer shows it
  else ask({ kind: "go" });
}

// ------------------------------------------------------------------------------ what is drawn

// A picture for each modality and way, and one for the fused answer.
function build() {
  const views = byId("views");
  const names = namesOf(state.modalities);
  if (views.dataset.names === names.join()) return;
  views.dataset.names = names.join();
  views.replaceChildren();
  pictures = WAYS.map(() => []);
  lights = WAYS.map(([name, told], way) => {
    const head = make("div", views, { class: "way" });
    make("h2", head, {}, name);
    make("p", head, { class: "soft" }, told);
    return diagram(head, names, way);
  });
  [...names, tr("Fused")].forEach((name, m) => {
    const title = make("h3", views);
    swatch(title, m < names.length ? lineOf(m) : FUSED_LINE);
    title.append(`${name} `);
    make("span", title, { class: "soft" });
    WAYS.forEach((_, way) => {
      const figure = make("figure", views);
      const canvas = make("canvas", figure, { width: 2 * SIDE, height: 2 * SIDE, role: "img" });
      canvas.onpointermove = canvas.onpointerdown = (event) => point(event, m);
      pictures[way].push({ figure, canvas, caption: make("figcaption", figure) });
    });
  });
}

const planeOf = (m) => (m < state.modalities.length ? m : state.plane);

function point({ offsetX, offsetY, target: { clientWidth, clientHeight } }, m) {
  if (!frame || !data) return;
  const found = sampleAt((offsetX / clientWidth) * SIDE, (offsetY / clientHeight) * SIDE, data.sides[planeOf(m)], state.sample);
  if (found !== null) lookAt({ sample: found, plane: planeOf(m) });
}

function show(catching) {
  const { step, last, epoch, methods, now } = frame;
  const names = namesOf(state.modalities);
  const { signals } = curves.at(-1);
  const slow = !playing || speed() <= 20; // slow enough to follow the turns
  document.body.dataset.step = step;
  document.body.dataset.ready = String(!catching);
  const at = { step: thousands(step), epoch: epoch + 1 };
  const where = step === LONGEST ? tr("Sub-step {step}, the last one, epoch {epoch}", at) : tr("Sub-step {step}, epoch {epoch}", at);
  byId("count").textContent = catching
    ? tr("Bringing back sub-step {step} of {target} …", { step: thousands(step), target: thousands(target) })
    : `${where}${last && slow ? turnOf(names) : ""}`;
  const moved = [last?.joint != null ? names.map((_, m) => m) : [], last ? [last.m] : []];
  methods.forEach(({ answers, surfaces }, way) => {
    const lit = slow ? moved[way] : [];
    lights[way](lit);
    pictures[way].forEach(({ figure, canvas, caption }, m) => {
      const fused = m === names.length;
      const plain = surfaces[m] === null;
      if (plain) drawDigits(canvas, answers[m], fused ? { ...data.sides[state.plane], present: data.someone } : data.sides[m], state.sample);
      else drawPlane(canvas, surfaces[m], data.sides[planeOf(m)], state.sample);
      figure.toggleAttribute("data-works", lit.includes(m));
      const share = percent(accuracyOf(now)[way][m]);
      const signal = signals[way][m];
      caption.replaceChildren();
      make("b", caption, {}, share);
      make("span", caption, {}, ` ${fused ? tr("fused") : tr("alone")}`);
      if (!fused) make("div", caption, { class: "soft" }, Number.isFinite(signal) ? tr("gradient {length}", { length: signal.toPrecision(2) }) : tr("no gradient yet"));
      const what = fused ? tr("Fused") : tr("{name} alone", { name: names[m] });
      const kind = plain ? tr("Digits on the colours of their answers") : tr("The plane in the colours of its answers");
      canvas.setAttribute("aria-label", tr("{way}, {what}: {share} right. {kind}.", { way: WAYS[way][0], what, share, kind }));
    });
  });
  const over = byId("views").querySelector("h3:last-of-type .soft");
  over.textContent = state.modalities[state.plane].shape === "digits"
    ? tr("for some samples")
    : tr("over {name}, the rest from sample {sample}", { name: names[state.plane], sample: state.sample });
  byId("digits").hidden = !state.modalities.some(({ shape }) => shape === "digits");
  drawCurves(names);
  byId("story").textContent = story(names, now);
  showSample(names);
}

// Who moved in the last sub-step.
function turnOf(names) {
  const { m, loss, joint } = frame.last;
  const values = { name: names[m], loss: loss.toPrecision(2), joint: joint?.toPrecision(2) };
  if (joint === null) return tr(". Turn of {name} (loss {loss}); joint training waits for the next round.", values);
  return tr(". Turn of {name} (loss {loss}); joint training made its step of the round (loss {joint}).", values);
}

// Each modality's accuracy and the fused one, under joint training and by turns with the chosen fusion.
function accuracyOf({ joint, turns, fused }) {
  return [joint, [...turns, fused[state.fusion]]];
}

function drawCurves(names) {
  const lines = [...names.map((_, m) => lineOf(m)), FUSED_LINE];
  const fusedFirst = (values) => [values.at(-1), ...values.slice(0, -1)]; // the wide line lies below
  const { now } = frame;
  const points = curves.at(-1).step === now.step ? curves : [...curves, now];
  charts.forEach((chart, way) => {
    const told = [...names, tr("Fused")].map((name, m) => `${name} ${percent(accuracyOf(now)[way][m])}`).join(tr(", "));
    chart.draw(fusedFirst(lines), points.map((point) => [point.step, fusedFirst(accuracyOf(point)[way])]), tr("At sub-step {step}: {told}", { step: now.step, told }));
  });
  const free = now.plasticity < 0.01 ? now.plasticity.toPrecision(1) : now.plasticity.toFixed(2);
  plasticity.draw(
    [{ colour: "#2f7f8c", dash: "", width: 2.2 }],
    points.map(({ step, plasticity: value }) => [step, [value]]),
    tr("At sub-step {step}: {told}", { step: now.step, told: free }),
  );
  plasticity.root.previousSibling.textContent = `${tr("Plasticity of the shared head (alternation)")}${tr(": ")}${free}`;
}

// What is seen, in a sentence or two.
function story(names, point) {
  const { step, loss } = point;
  const [joint, turns] = accuracyOf(point);
  if (step === 0) {
    return tr("Nothing is trained yet: both start with the same encoders. Press Play, or Step for one sub-step.");
  }
  const apart = names.map((_, m) => turns[m] - joint[m]);
  const m = apart.reduce((best, gap, j) => (gap > apart[best] ? j : best), 0);
  const at = { step: thousands(step) };
  if (apart[m] >= 0.1) {
    const values = { ...at, name: names[m], joint: percent(joint[m]), turns: percent(turns[m]) };
    const told = tr("At sub-step {step}: {name} alone: {joint} right under joint training, {turns} by turns.", values);
    if (!(loss < 0.1)) return `${told}${tr(" Joint training is behind here.")}`;
    const lazy = { fused: percent(joint.at(-1)), loss: loss.toPrecision(1) };
    return `${told}${tr(" Joint training has left this modality lazy so far: its fused answers are right in {fused}, its loss is down to {loss}, and little is left to learn from.", lazy)}`;
  }
  const behind = apart.findIndex((gap) => gap <= -0.1);
  if (behind >= 0) {
    const values = { ...at, name: names[behind], joint: percent(joint[behind]), turns: percent(turns[behind]) };
    return tr("At sub-step {step}: {name} alone: {turns} by turns, {joint} under joint training, which is ahead here.", values);
  }
  return tr("At sub-step {step}: no modality alone is 10 points or more better in one way than in the other.", at);
}

function showSample(names) {
  const { sample } = state;
  byId("which").textContent = `${sample}: ${mark(data.labels[sample])}`;
  const table = document.createElement("table");
  const head = make("tr", make("thead", table));
  for (const name of ["", ...WAYS.map(([way]) => way), tr("Weight")]) make("th", head, { scope: "col" }, name);
  const body = make("tbody", table);
  [...names, tr("Fused")].forEach((name, m) => {
    const row = make("tr", body);
    make("th", row, { scope: "row" }, name);
    const fused = m === names.length;
    const here = fused ? data.someone[sample] : data.present[m][sample];
    frame.methods.forEach(({ sample: { chances } }) => {
      const p = chances[m];
      const answer = p.indexOf(Math.max(...p));
      const wrong = answer !== data.labels[sample];
      make("td", row, wrong && here ? { class: "wrong" } : {}, here ? `${mark(answer)} ${percent(p[answer])}${wrong ? tr(" wrong") : ""}` : tr("missing"));
    });
    const cell = make("td", row, { class: "weight" });
    if (fused) return;
    const weight = frame.methods[1].sample.weights[m];
    make("span", cell, { class: "bar", style: `width: ${(48 * weight).toFixed(1)}px; background: ${MODALITY_COLOURS[m]}` });
    cell.append(weight.toFixed(2));
  });
  byId("one").replaceChildren(table);
}

// ------------------------------------------------------------------------------ what is pressed

for (const { title, link } of EXAMPLES) {
  make("button", byId("examples"), { type: "button" }, title).onclick = () => {
    load(link);
    save();
  };
}
for (const [value, name] of Object.entries(SPEEDS)) make("option", byId("speed"), { value }, name);
byId("speed").value = "Infinity";
bindControls(() => state, change);
byId("play").onclick = () => {
  if (playing) {
    pause();
    if (!waiting) save();
  } else play();
};
byId("step").onclick = () => {
  pause();
  if (waiting) queued += 1;
  else ask({ kind: "go", steps: 1, milliseconds: Infinity });
};
byId("reset").onclick = () => {
  pause();
  state.step = 0;
  start();
  save();
};
byId("sample").oninput = () => lookAt({ sample: Number(byId("sample").value) });
byId("copy").onclick = async () => {
  save();
  try {
    await navigator.clipboard.writeText(location.href);
    byId("copy").textContent = tr("Copied");
  } catch {
    byId("copy").textContent = tr("Copy it from the address bar");
  }
  setTimeout(() => (byId("copy").textContent = tr("Copy a link to this state")), 2000);
};
addEventListener("hashchange", () => load(location.hash));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => frame && data && show(false));
load(location.hash);
