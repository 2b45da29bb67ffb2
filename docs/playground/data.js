// Samples of M modalities over the same classes, drawn from a seed. The order of all draws is fixed, so
// that a link brings the same numbers back.

// Mulberry32, started by a hash (FNV-1a) of the seed and what the numbers are for.
function random(...name) {
  let state = 2166136261;
  for (const letter of name.join("/")) state = Math.imul(state ^ letter.charCodeAt(0), 16777619);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// A standard normal number (Box and Muller).
function normal(draw) {
  return Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
}

function permutation(n, draw) {
  const order = [...Array(n).keys()];
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(draw() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

const TURNS = 0.75; // of a spiral's arm
const polar = (radius, angle) => [radius * Math.cos(angle), radius * Math.sin(angle)];

// Where a class lies in the plane, from -1 to 1, before noise.
const SHAPES = {
  blobs: (c) => polar(0.62, (2 * Math.PI * c) / CLASSES + Math.PI / 2),
  rings: (c, draw) => polar(0.2 + (0.65 * c) / (CLASSES - 1), 2 * Math.PI * draw()),
  spirals: (c, draw) => {
    const along = 0.08 + 0.92 * draw();
    return polar(0.9 * along, (2 * Math.PI * c) / CLASSES + TURNS * 2 * Math.PI * along);
  },
};

// Digits of 4 bits a pixel, class after class in turn: values from 0 to 1.
function unpackDigits(packed) {
  const bytes = atob(packed);
  const values = new Float64Array(2 * bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    values[2 * i] = (bytes.charCodeAt(i) >> 4) / 15;
    values[2 * i + 1] = (bytes.charCodeAt(i) & 15) / 15;
  }
  return values;
}

// One modality of one side: (N, D), with noise of this standard deviation on every number.
function drawInputs({ shape, noise }, side, seed, m, digits) {
  const draw = random(seed, "inputs", m, side);
  const n = SIZES[side];
  if (shape === "digits") {
    const start = side === "train" ? 0 : SIZES.train * PIXELS;
    return digits.slice(start, start + n * PIXELS).map((v) => v + noise * normal(draw));
  }
  const x = new Float64Array(n * 2);
  for (let k = 0; k < n; k++) {
    const at = SHAPES[shape](k % CLASSES, draw);
    x[2 * k] = at[0] + noise * normal(draw);
    x[2 * k + 1] = at[1] + noise * normal(draw);
  }
  return x;
}

function drawSplit(settings, side, digits) {
  const { modalities, seed, missing } = settings;
  const n = SIZES[side];
  return {
    inputs: modalities.map((one, m) => drawInputs(one, side, seed, m, digits)),
    labels: Array.from({ length: n }, (_, k) => k % CLASSES),
    present: modalities.map((_, m) => {
      const draw = random(seed, "missing", m, side);
      return Array.from({ length: n }, () => draw() >= missing);
    }),
  };
}

// An epoch's batches: the same for both ways to train.
function batchesOf(seed, epoch, size) {
  const order = permutation(SIZES.train, random(seed, "batches", epoch));
  return Array.from({ length: Math.ceil(order.length / size) }, (_, b) => order.slice(b * size, (b + 1) * size));
}
