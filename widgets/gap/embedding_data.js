// A replay in the browser: plain arrays and what is counted in them. Knows no page.

// Buffers arrive as DataView from a kernel, and as base64 text in a page without one.
function readBytes(value) {
  if (typeof value === "string") return Uint8Array.from(atob(value), (c) => c.charCodeAt(0));
  const [buffer, start, length] = ArrayBuffer.isView(value)
    ? [value.buffer, value.byteOffset, value.byteLength]
    : [value, 0, value.byteLength];
  return new Uint8Array(buffer, start, length).slice(); // a copy, which is aligned
}

function fromHalf(bits) {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const READERS = {
  uint8: (bytes) => bytes,
  int16: (bytes) => new Int16Array(bytes.buffer),
  int32: (bytes) => new Int32Array(bytes.buffer),
  float32: (bytes) => new Float32Array(bytes.buffer),
  float16: (bytes) => Float32Array.from(new Uint16Array(bytes.buffer), fromHalf),
};

function readMap(map) {
  const coords = READERS[map.dtype](readBytes(map.coords));
  let radius = 1e-9;
  const centre = [0, 1].map((axis) => {
    let low = Infinity;
    let high = -Infinity;
    for (let i = axis; i < coords.length; i += 2) {
      low = Math.min(low, coords[i]);
      high = Math.max(high, coords[i]);
    }
    radius = Math.max(radius, (high - low) / 2);
    return coords.length ? (low + high) / 2 : 0;
  });
  // One frame for all looks: what moves on the screen has moved on the map.
  const given = map.corners.length ? 1 : map.radius;
  const frame = given ? { centre: [0, 0], radius: given } : { centre, radius };
  return { ...map, coords, frame };
}

class Story {
  constructor(meta, arrays, maps) {
    Object.assign(this, meta);
    this.M = meta.modalities.length;
    this.N = meta.ids.length;
    this.T = meta.axis.values.length;
    this.P = meta.pairs.length;
    this.setArrays(arrays);
    this.indexOf = new Map(meta.ids.map((id, n) => [id, n]));
    const owner = [];
    const sample = [];
    this.pointOf = new Int32Array(this.M * this.N).fill(-1);
    for (let m = 0; m < this.M; m += 1) {
      for (let n = 0; n < this.N; n += 1) {
        if (!this.present[m * this.N + n]) continue;
        this.pointOf[m * this.N + n] = owner.length;
        owner.push(m);
        sample.push(n);
      }
    }
    this.owner = Uint8Array.from(owner); // (K,) modality of every point
    this.sample = Int32Array.from(sample); // (K,)
    this.K = owner.length;
    this.setMaps(maps);
  }

  setArrays(arrays) {
    for (const [name, dtype] of Object.entries(this.dtypes)) {
      this[name] = READERS[dtype](readBytes(arrays[name]));
    }
  }

  setMaps(maps) {
    this.maps = Object.fromEntries(Object.entries(maps).map(([name, map]) => [name, readMap(map)]));
  }

  says(look, m, n) {
    return this.predicted[(look * this.M + m) * this.N + n];
  }

  // Which of a map's pictures belongs to a look: the last one made until then.
  pictureOf(map, look) {
    let found = 0;
    map.looks.forEach((made, index) => {
      if (made <= look) found = index;
    });
    return found;
  }

  // Writes where every point lies at a position between looks, such as 3.4, into `out` (2K,).
  place(map, position, out) {
    const from = this.pictureOf(map, Math.floor(position));
    const next = Math.min(from + 1, map.looks.length - 1);
    const span = map.looks[next] - map.looks[from];
    const share = span ? Math.min(1, Math.max(0, (position - map.looks[from]) / span)) : 0;
    const a = from * 2 * this.K;
    const b = next * 2 * this.K;
    const { coords } = map;
    const whole = Number.isInteger(position) ? 0 : share; // at a look itself, nothing is made up
    for (let i = 0; i < out.length; i += 1) {
      out[i] = coords[a + i] + whole * (coords[b + i] - coords[a + i]);
    }
  }

  // Accuracy of each modality and fused (T x (M+1)), mean weights (T x M) and mean distances of
  // pairs (T x P) over some samples, or over all; NaN where there is nothing to count.
  summarise(samples) {
    const { M, N, T, P } = this;
    const some = samples ?? Array.from({ length: N }, (_, n) => n);
    const accuracy = new Float64Array(T * (M + 1)).fill(NaN);
    const weight = new Float64Array(T * M).fill(NaN);
    const distance = new Float64Array(T * P).fill(NaN);
    const mean = (value) => {
      let total = 0;
      let count = 0;
      for (const n of some) {
        const one = value(n);
        if (Number.isNaN(one)) continue;
        total += one;
        count += 1;
      }
      return count ? total / count : NaN;
    };
    for (let t = 0; t < T; t += 1) {
      for (let m = 0; m < M; m += 1) {
        const row = m * N;
        const at = t * M * N + row;
        accuracy[t * (M + 1) + m] = mean((n) =>
          this.present[row + n] ? Number(this.predicted[at + n] === this.labels[n]) : NaN,
        );
        weight[t * M + m] = mean((n) => (this.present[row + n] ? this.weights[at + n] : NaN));
      }
      accuracy[t * (M + 1) + M] = mean((n) => Number(this.fused[t * N + n] === this.labels[n]));
      for (let p = 0; p < P; p += 1) {
        distance[t * P + p] = mean((n) => this.distances[(t * P + p) * N + n]);
      }
    }
    return { count: some.length, accuracy, weight, distance };
  }
}
