// Both networks side by side on the same batches, from one seed, and what is looked at while they learn.
// What a session computes follows from its settings and the number of sub-steps alone.

// Uniform numbers: within sqrt(6 / inputs) before a ReLU (He), 1 / sqrt(inputs) in the head.
function fill(weight, bound, draw) {
  for (let i = 0; i < weight.length; i++) weight[i] = (2 * draw() - 1) * bound;
}

function newEncoder(inputs, draw) {
  const encoder = new Encoder(inputs, HIDDEN, FEATURES);
  encoder.layers.forEach((layer) => fill(layer.weight, Math.sqrt(6 / layer.inputs), draw));
  return encoder;
}

function newHead(parts, seed) {
  const head = new Layer(parts * FEATURES, CLASSES);
  fill(head.weight, FEATURES ** -0.5, random(seed, "head"));
  return head;
}

class Session {
  constructor(settings, digits) {
    this.settings = settings;
    const { modalities, seed, joint, gradient, alpha } = settings;
    this.train = drawSplit(settings, "train", digits);
    this.val = drawSplit(settings, "val", digits);
    const options = { rate: settings.rate, momentum: 0.9, decay: 1e-4 };
    const encoders = () =>
      modalities.map(({ shape }, m) => newEncoder(shape === "digits" ? PIXELS : 2, random(seed, "encoder", m)));
    const hgm = new HeadGradient(FEATURES, alpha, gradient);
    this.alternation = new Alternation(encoders(), newHead(1, seed), hgm, options);
    this.joint = new Joint(encoders(), newHead(joint === "sum" ? 1 : modalities.length, seed), joint, options);
    this.step = 0;
    this.epoch = 0;
    this.jointLoss = NaN; // of the last joint step
    this.last = null; // the modality and the losses of the last sub-step
    this.curves = [];
    this.seen = [[], []]; // for each way to train: the lengths of gradients since the last look
    this.turns = this.walk();
    this.look();
  }

  // Every sub-step in turn: a round takes one batch through all modalities, one after the other. Joint
  // training takes its one step of the round with the first of them.
  *walk() {
    const { seed, modalities } = this.settings;
    for (let epoch = 0; ; epoch++) {
      this.epoch = epoch;
      this.alternation.startEpoch(this.train);
      for (const batch of batchesOf(seed, epoch, BATCH)) {
        let joint = batch.filter((k) => this.train.present.some((here) => here[k]));
        for (let m = 0; m < modalities.length; m++) {
          const rows = batch.filter((k) => this.train.present[m][k]);
          if (!rows.length) continue;
          yield { m, rows, joint };
          joint = null;
        }
      }
    }
  }

  advance() {
    if (this.step >= LONGEST) return false;
    const { m, rows, joint } = this.turns.next().value;
    const { alternation, train, step } = this;
    const loss = alternation.step(m, rows, train, step);
    this.last = { m, loss, joint: joint ? this.joint.step(joint, train) : null };
    this.jointLoss = this.last.joint ?? this.jointLoss;
    this.seen[1].push([m, alternation.signals[m]]);
    if (joint) this.seen[0].push(...this.joint.signals.map((signal, j) => [j, signal]));
    this.step += 1;
    if (this.step % LOOK_EVERY === 0) this.look();
    return true;
  }

  // Both ways' features of all validation samples, and what their heads make of them.
  features() {
    const { inputs } = this.val;
    return [this.joint, this.alternation].map(({ encoders }) =>
      encoders.map((encoder, m) => encoder.forward(inputs[m], SIZES.val)[1]),
    );
  }

  predict([joint, turns], fusion) {
    const { present } = this.val;
    return [this.joint.read(joint, present), this.alternation.read(turns, present, fusion)];
  }

  // How right they are now, alone and fused.
  measure(features) {
    const { labels, present } = this.val;
    const someone = labels.map((_, k) => present.some((here) => here[k]));
    const [joint, turns] = this.predict(features, "entropy");
    const [, alike] = this.predict(features, "uniform");
    const alone = ({ logits }) => logits.map((one, m) => accuracy(one, labels, present[m]));
    const fused = (one) => accuracy(one.fused, labels, someone);
    return {
      step: this.step,
      loss: this.jointLoss,
      joint: [...alone(joint), fused(joint)],
      turns: alone(turns),
      fused: { entropy: fused(turns), uniform: fused(alike) },
      plasticity: this.alternation.hgm.plasticity,
    };
  }

  // A point of the curves, with the mean gradients on the way to it.
  look() {
    const mean = (seen, m) => {
      const those = seen.filter(([j, signal]) => j === m && !Number.isNaN(signal));
      return those.reduce((sum, [, signal]) => sum + signal, 0) / those.length;
    };
    const signals = this.seen.map((seen) => this.val.inputs.map((_, m) => mean(seen, m)));
    this.curves.push({ ...this.measure(this.features()), signals });
    this.seen = [[], []];
  }

  // The answers of one way to train over the plane of modality m: of that modality alone, or fused with
  // the other parts of one validation sample.
  surface(method, m, fusion, sample = null) {
    const n = GRID * GRID;
    const z = method.encoders[m].forward(PLANE, n)[1];
    if (sample === null) return shades(method.alone(m, z, n));
    const { inputs, present } = this.val;
    const features = method.encoders.map((encoder, j) => {
      if (j === m) return z;
      const one = encoder.forward(rowsOf(inputs[j], [sample], encoder.layers[0].inputs), 1)[1];
      const alike = new Float64Array(n * FEATURES);
      for (let k = 0; k < n; k++) alike.set(one, k * FEATURES);
      return alike;
    });
    const here = features.map((_, j) => new Array(n).fill(j === m || present[j][sample]));
    return shades(method.read(features, here, fusion).fused);
  }
}

// The places of a surface (GRID^2, 2), row after row from the top left.
const PLANE = Float64Array.from({ length: 2 * GRID * GRID }, (_, i) => {
  const k = Math.floor(i / 2);
  return i % 2 ? (1 - (2 * (Math.floor(k / GRID) + 0.5)) / GRID) * REACH : ((2 * ((k % GRID) + 0.5)) / GRID - 1) * REACH;
});

// The share of right answers among the samples that count; NaN without any. Of equal logits the first
// one is the answer, as in `torch.argmax`.
function accuracy(logits, labels, counts) {
  let [right, all] = [0, 0];
  labels.forEach((label, k) => {
    if (!counts[k]) return;
    all += 1;
    right += best(logits, k) === label;
  });
  return right / all;
}

function best(logits, k) {
  let at = 0;
  for (let c = 1; c < CLASSES; c++) if (logits[k * CLASSES + c] > logits[k * CLASSES + at]) at = c;
  return at;
}

// For each row the answer, and how sure it is: two bytes, the second from 0 (chance) to 255 (certain).
function shades(logits) {
  const p = softmax(logits, CLASSES);
  const shade = new Uint8Array((2 * p.length) / CLASSES);
  for (let k = 0; k < shade.length / 2; k++) {
    const answer = best(logits, k);
    shade[2 * k] = answer;
    shade[2 * k + 1] = Math.round((255 * (p[k * CLASSES + answer] * CLASSES - 1)) / (CLASSES - 1));
  }
  return shade;
}
