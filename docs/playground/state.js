// What the page computes and shows is a few named values, and all of them stand in its address after the
// "#": a link brings the same state back. An address comes from outside, so each value is checked.
const NAMES = { blobs: tr("Blobs"), rings: tr("Rings"), spirals: tr("Spirals"), digits: tr("Digits") };
const MOST_NOISE = 1;

const choice = (...options) => ({
  options,
  read: (text) => (options.map(String).includes(text) ? options.find((one) => String(one) === text) : undefined),
  want: tr("one of {options}", { options: options.join(", ") }),
});
const number = (least, most, whole = false) => ({
  read: (text) => {
    if (!/^\d+(\.\d+)?$/.test(text) || text.length > 12) return undefined;
    const value = Number(text);
    return value >= least && value <= most && (!whole || Number.isInteger(value)) ? value : undefined;
  },
  want: whole ? tr("a whole number from {least} to {most}", { least, most }) : tr("a number from {least} to {most}", { least, most }),
});
const modalities = {
  read: (text) => {
    const parts = text.split(",").map((part) => part.split(":"));
    const read = parts.map(([shape, noise, more]) => ({
      shape: more === undefined && Object.hasOwn(NAMES, shape) ? shape : undefined,
      noise: number(0, MOST_NOISE).read(noise ?? ""),
    }));
    const right = read.every(({ shape, noise }) => shape !== undefined && noise !== undefined);
    return right && read.length >= 2 && read.length <= 4 ? read : undefined;
  },
  want: tr("two to four of {kinds}, each with its noise, such as blobs:0.1,spirals:0.03", { kinds: Object.keys(NAMES).join(", ") }),
};

const FIELDS = {
  m: { ...modalities, name: "modalities", start: [{ shape: "blobs", noise: 0.1 }, { shape: "spirals", noise: 0.03 }] },
  missing: { ...number(0, 0.7), name: "missing", start: 0 },
  joint: { ...choice("sum", "concat"), name: "joint", start: "sum" },
  gradient: { ...choice("off", "paper", "paper_previous", "dataset_mean"), name: "gradient", start: "paper" },
  alpha: { ...choice(0.001, 0.01, 0.1, 1, 10), name: "alpha", start: 0.1 },
  fusion: { ...choice("entropy", "uniform"), name: "fusion", start: "entropy" },
  rate: { ...choice(0.003, 0.01, 0.03, 0.1), name: "rate", start: 0.03 },
  seed: { ...number(0, 9999, true), name: "seed", start: 1 },
  step: { ...number(0, LONGEST, true), name: "step", start: 0 },
  sample: { ...number(0, SIZES.val - 1, true), name: "sample", start: 0 },
  plane: { ...number(0, 3, true), name: "plane", start: 0 },
};

// From an address to a state, and a sentence for each thing that is not as it should be.
function readState(hash) {
  const state = Object.fromEntries(Object.values(FIELDS).map(({ name, start }) => [name, structuredClone(start)]));
  const faults = [];
  const short = (text) => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
  for (const [key, text] of new URLSearchParams(hash.replace(/^#/, ""))) {
    if (!Object.hasOwn(FIELDS, key)) {
      faults.push(tr("The link names “{key}”, which this page does not know. It is left out.", { key: short(key) }));
      continue;
    }
    const { read, want, name } = FIELDS[key];
    const value = read(text);
    if (value === undefined) {
      faults.push(tr("The link says {name} = “{text}”, but it must be {want}. The usual value is used.", { name, text: short(text), want }));
    } else {
      state[name] = value;
    }
  }
  return { state: settled(state), faults };
}

// The fused picture is drawn over the plane of a modality that is there and has one.
function settled(state) {
  const flat = state.modalities.map(({ shape }) => shape !== "digits");
  return flat[state.plane] ? state : { ...state, plane: Math.max(0, flat.indexOf(true)) };
}

// The other way round; what is as usual is left out.
function writeState(state) {
  const told = ({ shape, noise }) => `${shape}:${noise}`;
  const plain = (value) => (Array.isArray(value) ? value.map(told).join(",") : String(value));
  return Object.entries(FIELDS)
    .filter(([, { name, start }]) => plain(state[name]) !== plain(start))
    .map(([key, { name }]) => `${key}=${plain(state[name])}`)
    .join("&");
}

// What to look at first; every sentence of `look` was seen to hold with these settings.
const EXAMPLES = [
  {
    title: tr("A lazy modality"),
    link: "",
    look: tr("Blobs are easy, spirals take time. Press Play and compare the spirals on the left and on the right."),
  },
  {
    title: tr("Equals"),
    link: "m=blobs:0.25,blobs:0.25",
    look: tr("Two modalities of the same kind: neither outruns the other, and joint training makes neither lazy."),
  },
  {
    title: tr("One is noise"),
    link: "m=blobs:0.15,blobs:0.9",
    look: tr("The second modality says little. Move over its points: where is it unsure, and its weight small?"),
  },
  {
    title: tr("A head that freezes"),
    link: "m=blobs:0.1,rings:0.03,spirals:0.03&alpha=0.001",
    look: tr("A small α protects what the head knows, and uses up its plasticity. Compare with the gradient “off”."),
  },
  {
    title: tr("Pictures"),
    link: "m=digits:0.1,spirals:0.03",
    look: tr("Handwritten 3, 5 and 8, and a second view of them. Which of the two gets lazy?"),
  },
  {
    title: tr("Missing parts"),
    link: "m=blobs:0.1,spirals:0.03&missing=0.4",
    look: tr("Where blobs are missing, only the spirals can answer: now joint training has to learn them, too."),
  },
];
