// The network and how it learns: what `mla_core` computes, in plain arrays of float64, which
// `tests/browser/test_playground_numerics.py` compares. A matrix (N, D) is one array, row after row.

// A linear layer y = x W^T + b with its gradient and its momentum; W is (outputs, inputs).
class Layer {
  constructor(inputs, outputs) {
    Object.assign(this, { inputs, outputs });
    this.weight = new Float64Array(outputs * inputs);
    this.bias = new Float64Array(outputs);
    this.dWeight = new Float64Array(outputs * inputs);
    this.dBias = new Float64Array(outputs);
    this.vWeight = new Float64Array(outputs * inputs);
    this.vBias = new Float64Array(outputs);
  }

  forward(x, n) {
    const { inputs, outputs, weight, bias } = this;
    const y = new Float64Array(n * outputs);
    for (let k = 0; k < n; k++) {
      const at = k * inputs;
      let o = 0;
      // Four outputs at once: sums that do not wait for each other take a third of the time.
      for (; o + 4 <= outputs; o += 4) {
        let a = bias[o];
        let b = bias[o + 1];
        let c = bias[o + 2];
        let d = bias[o + 3];
        for (let i = 0, w = o * inputs; i < inputs; i++, w++) {
          const v = x[at + i];
          a += weight[w] * v;
          b += weight[w + inputs] * v;
          c += weight[w + 2 * inputs] * v;
          d += weight[w + 3 * inputs] * v;
        }
        const to = k * outputs + o;
        y[to] = a;
        y[to + 1] = b;
        y[to + 2] = c;
        y[to + 3] = d;
      }
      for (; o < outputs; o++) {
        let sum = bias[o];
        for (let i = 0, w = o * inputs; i < inputs; i++) sum += weight[w + i] * x[at + i];
        y[k * outputs + o] = sum;
      }
    }
    return y;
  }

  // From dL/dy (N, outputs): keeps dL/dW and dL/db, returns dL/dx (N, inputs) unless nobody wants it.
  backward(x, dy, n, wanted = true) {
    const { inputs, outputs, weight, dWeight, dBias } = this;
    const dx = wanted ? new Float64Array(n * inputs) : null;
    dWeight.fill(0);
    dBias.fill(0);
    for (let k = 0; k < n; k++) {
      for (let o = 0; o < outputs; o++) {
        const d = dy[k * outputs + o];
        if (d === 0) continue; // behind a ReLU that is off
        dBias[o] += d;
        for (let i = 0, w = o * inputs, at = k * inputs; i < inputs; i++) dWeight[w + i] += d * x[at + i];
        if (!wanted) continue;
        for (let i = 0, w = o * inputs, at = k * inputs; i < inputs; i++) dx[at + i] += d * weight[w + i];
      }
    }
    return dx;
  }

  // SGD with momentum and weight decay; the bias decays, too.
  update({ rate, momentum, decay }) {
    for (const [w, d, v] of [
      [this.weight, this.dWeight, this.vWeight],
      [this.bias, this.dBias, this.vBias],
    ]) {
      for (let i = 0; i < w.length; i++) {
        v[i] = momentum * v[i] + d[i] + decay * w[i];
        w[i] -= rate * v[i];
      }
    }
  }
}

function relu(x) {
  for (let i = 0; i < x.length; i++) if (!(x[i] > 0)) x[i] = 0;
  return x;
}

// x (N, D) -> z (N, s): two layers, a ReLU behind each.
class Encoder {
  constructor(inputs, hidden, size) {
    this.layers = [new Layer(inputs, hidden), new Layer(hidden, size)];
  }

  // Every layer's output, the features z (N, s) last.
  forward(x, n) {
    const h = relu(this.layers[0].forward(x, n));
    return [h, relu(this.layers[1].forward(h, n))];
  }

  backward(x, [h, z], dz, n) {
    for (let i = 0; i < dz.length; i++) if (z[i] === 0) dz[i] = 0;
    const dh = this.layers[1].backward(h, dz, n);
    for (let i = 0; i < dh.length; i++) if (h[i] === 0) dh[i] = 0;
    this.layers[0].backward(x, dh, n, false);
  }

  update(options) {
    this.layers.forEach((layer) => layer.update(options));
  }

  // The length of the gradient that reached this encoder.
  get signal() {
    let sum = 0;
    for (const { dWeight } of this.layers) for (const d of dWeight) sum += d * d;
    return Math.sqrt(sum);
  }
}

// Row after row, in place of the logits (N, C).
function softmax(logits, classes) {
  const p = new Float64Array(logits.length);
  for (let at = 0; at < p.length; at += classes) {
    let top = -Infinity;
    let sum = 0;
    for (let c = 0; c < classes; c++) top = Math.max(top, logits[at + c]);
    for (let c = 0; c < classes; c++) sum += p[at + c] = Math.exp(logits[at + c] - top);
    for (let c = 0; c < classes; c++) p[at + c] /= sum;
  }
  return p;
}

// The mean cross-entropy of a batch (MLA, eq. 2), and its gradient by the logits (N, C).
function crossEntropy(logits, labels, classes) {
  const gradient = softmax(logits, classes);
  let loss = 0;
  labels.forEach((label, k) => {
    let [top, sum] = [-Infinity, 0]; // log p from the logits: p itself may round to 0
    for (let c = 0; c < classes; c++) top = Math.max(top, logits[k * classes + c]);
    for (let c = 0; c < classes; c++) sum += Math.exp(logits[k * classes + c] - top);
    loss += top + Math.log(sum) - logits[k * classes + label];
    gradient[k * classes + label] -= 1;
  });
  for (let i = 0; i < gradient.length; i++) gradient[i] /= labels.length;
  return { loss: loss / labels.length, gradient };
}

// What becomes of the shared head's gradient (MLA, eq. 3-5).
class HeadGradient {
  constructor(size, alpha, variant) {
    Object.assign(this, { size, alpha, variant, waiting: null });
    this.P = new Float64Array(size * size);
    for (let i = 0; i < size; i++) this.P[i * size + i] = 1;
  }

  get active() {
    return this.variant !== "off";
  }

  // trace(P)/s: how freely the head still moves, 1 at first.
  get plasticity() {
    let trace = 0;
    for (let i = 0; i < this.size; i++) trace += this.P[i * this.size + i];
    return trace / this.size;
  }

  // Takes in the mean feature (s,) of sub-step number `step` (eq. 4).
  takeIn(mean, step) {
    if (this.variant === "paper_previous") {
      [mean, this.waiting] = [this.waiting, mean];
      if (mean) this.fold(mean);
    } else if (this.active && step > 0) {
      this.fold(mean); // eq. 3: the very first step is a plain one
    }
  }

  // Recursive least squares (eq. 5): q = P h / (alpha + h^T P h), P <- P - q h^T P.
  fold(h) {
    const { size, P, alpha } = this;
    const k = new Float64Array(size); // P h, which is (h^T P)^T, since P is symmetric
    let denominator = alpha;
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) k[i] += P[i * size + j] * h[j];
      denominator += h[i] * k[i];
    }
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) P[i * size + j] -= (k[i] * k[j]) / denominator;
    }
  }

  // G <- G P, in place, for G (C, s) (eq. 3).
  project(gradient) {
    if (!this.active) return;
    const { size, P } = this;
    const row = new Float64Array(size);
    for (let at = 0; at < gradient.length; at += size) {
      row.fill(0);
      for (let i = 0; i < size; i++) {
        for (let j = 0; j < size; j++) row[j] += gradient[at + i] * P[i * size + j];
      }
      gradient.set(row, at);
    }
  }
}

function meanRow(rows, n, size) {
  const mean = new Float64Array(size);
  for (let k = 0; k < n; k++) for (let i = 0; i < size; i++) mean[i] += rows[k * size + i] / n;
  return mean;
}

// The entropy of softmax(logits) in nats, for each row (eq. 7); 0 log 0 is 0.
function entropy(logits, classes) {
  const p = softmax(logits, classes);
  return Float64Array.from({ length: p.length / classes }, (_, k) => {
    let sum = 0;
    for (let c = 0; c < classes; c++) {
      const q = p[k * classes + c];
      if (q > 0) sum -= q * Math.log(q);
    }
    return sum;
  });
}

// How much each modality counts for each sample: M arrays (N,) that add up to 1 where anything is
// present. "entropy": the softmax over modalities of -e (eq. 8); "uniform": all alike.
function fusionWeights(rule, logits, present, classes) {
  const n = logits[0].length / classes;
  const doubt = logits.map((one) => (rule === "entropy" ? entropy(one, classes) : new Float64Array(n)));
  const weights = logits.map(() => new Float64Array(n));
  for (let k = 0; k < n; k++) {
    let sum = 0; // entropies are at most log C, so nothing overflows
    for (let m = 0; m < logits.length; m++) if (present[m][k]) sum += weights[m][k] = Math.exp(-doubt[m][k]);
    for (let m = 0; m < logits.length; m++) if (sum > 0) weights[m][k] /= sum;
  }
  return weights;
}

// The rows of x (N, D) that are named.
function rowsOf(x, rows, width) {
  const picked = new Float64Array(rows.length * width);
  rows.forEach((row, k) => picked.set(x.subarray(row * width, (row + 1) * width), k * width));
  return picked;
}

// MLA: one modality per sub-step, one shared head (Algorithm 1).
class Alternation {
  constructor(encoders, head, hgm, options) {
    Object.assign(this, { encoders, head, hgm, options, means: null });
    this.signals = encoders.map(() => NaN);
  }

  // Before an epoch, for "dataset_mean": every modality's mean over the training set (eq. 4).
  startEpoch({ inputs, present }) {
    if (this.hgm.variant !== "dataset_mean") return;
    this.means = this.encoders.map((encoder, m) => {
      const rows = [...present[m].keys()].filter((k) => present[m][k]);
      const x = rowsOf(inputs[m], rows, encoder.layers[0].inputs);
      return meanRow(encoder.forward(x, rows.length)[1], rows.length, this.head.inputs);
    });
  }

  // A sub-step of modality m on the samples `rows`, which all have it; returns the loss.
  step(m, rows, { inputs, labels }, step) {
    const { head, hgm, options } = this;
    const encoder = this.encoders[m];
    const n = rows.length;
    const x = rowsOf(inputs[m], rows, encoder.layers[0].inputs);
    const outputs = encoder.forward(x, n);
    const logits = head.forward(outputs[1], n);
    const { loss, gradient } = crossEntropy(logits, rows.map((k) => labels[k]), head.outputs);
    encoder.backward(x, outputs, head.backward(outputs[1], gradient, n), n);
    this.signals[m] = encoder.signal;
    hgm.takeIn(this.means ? this.means[m] : meanRow(outputs[1], n, head.inputs), step);
    hgm.project(head.dWeight); // the bias has no part in it
    encoder.update(options);
    head.update(options);
    return loss;
  }

  // The logits of modality m alone.
  alone(m, z, n) {
    return this.head.forward(z, n);
  }

  // Each modality's logits, their weights, and the fused logits (eq. 6) for features of N samples.
  read(features, present, rule) {
    const { outputs } = this.head;
    const n = present[0].length;
    const logits = features.map((z, m) => this.alone(m, z, n));
    const weights = fusionWeights(rule, logits, present, outputs);
    const fused = new Float64Array(n * outputs);
    for (let m = 0; m < logits.length; m++) {
      for (let k = 0; k < n; k++) {
        for (let i = k * outputs; i < (k + 1) * outputs; i++) fused[i] += weights[m][k] * logits[m][i];
      }
    }
    return { logits, weights, fused };
  }
}

// Joint training: one loss of the fused logits, one step of everything. "sum": a shared head reads the
// sum of the features; "concat": one head (C, M s) reads them side by side. Absent parts are zeros.
class Joint {
  constructor(encoders, head, kind, options) {
    Object.assign(this, { encoders, head, kind, options });
    this.signals = encoders.map(() => NaN);
  }

  // What the head reads: (N, s) or (N, M s); absent parts are zeros.
  reading(features, present, n) {
    const size = features[0].length / n;
    const width = this.head.inputs;
    const read = new Float64Array(n * width);
    for (let m = 0; m < features.length; m++) {
      const shift = this.kind === "sum" ? 0 : m * size;
      for (let k = 0; k < n; k++) {
        if (!present[m][k]) continue;
        for (let i = 0; i < size; i++) read[k * width + shift + i] += features[m][k * size + i];
      }
    }
    return read;
  }

  // A step on the samples `rows`, each with some part; returns the loss.
  step(rows, { inputs, labels, present }) {
    const { head, encoders, options } = this;
    const n = rows.length;
    const width = head.inputs;
    const size = this.kind === "sum" ? width : width / encoders.length;
    const given = present.map((those) => rows.map((k) => those[k]));
    const parts = encoders.map((encoder, m) => {
      const here = [...rows.keys()].filter((k) => given[m][k]);
      const x = rowsOf(inputs[m], here.map((k) => rows[k]), encoder.layers[0].inputs);
      const outputs = encoder.forward(x, here.length);
      const features = new Float64Array(n * size);
      here.forEach((k, i) => features.set(outputs[1].subarray(i * size, (i + 1) * size), k * size));
      return { here, x, outputs, features };
    });
    const read = this.reading(parts.map(({ features }) => features), given, n);
    const { loss, gradient } = crossEntropy(head.forward(read, n), rows.map((k) => labels[k]), head.outputs);
    const dRead = head.backward(read, gradient, n);
    encoders.forEach((encoder, m) => {
      const { here, x, outputs } = parts[m];
      if (!here.length) return; // momentum and weight decay leave it alone, too
      const shift = this.kind === "sum" ? 0 : m * size;
      const dz = new Float64Array(here.length * size);
      here.forEach((k, i) => dz.set(dRead.subarray(k * width + shift, k * width + shift + size), i * size));
      encoder.backward(x, outputs, dz, here.length);
      this.signals[m] = encoder.signal;
      encoder.update(options);
    });
    head.update(options);
    return loss;
  }

  // The logits of the head that reads modality m alone. Under "concat" that is its slice, with its share
  // of the bias, so that all modalities' own logits add up to the fused.
  alone(m, z, n) {
    const { head, kind, encoders } = this;
    if (kind === "sum") return head.forward(z, n);
    const size = head.inputs / encoders.length;
    const slice = new Layer(size, head.outputs);
    for (let o = 0; o < head.outputs; o++) {
      const start = o * head.inputs + m * size;
      slice.weight.set(head.weight.subarray(start, start + size), o * size);
      slice.bias[o] = head.bias[o] / encoders.length;
    }
    return slice.forward(z, n);
  }

  // Each modality's own logits, and the fused ones.
  read(features, present) {
    const n = present[0].length;
    const logits = features.map((z, m) => this.alone(m, z, n));
    return { logits, weights: null, fused: this.head.forward(this.reading(features, present, n), n) };
  }
}
