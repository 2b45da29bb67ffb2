// The map itself on a canvas: where points are drawn, and which one is meant by a pointer.

const MARKER = 11; // CSS pixels
const REACH = 12; // how far from a point a pointer still means it
const TRAIL = 12; // looks
const PATHS = 180; // trails at once

// Outlines of MODALITY_MARKERS (widgets/page/style.py), in a square from -1 to 1.
const OUTLINES = {
  circle: (p) => p.arc(0, 0, 0.8, 0, 2 * Math.PI),
  square: (p) => p.rect(-0.72, -0.72, 1.44, 1.44),
  "triangle-up": (p) => corners(p, [[0, -0.95], [0.92, 0.7], [-0.92, 0.7]]),
  cross: (p) => corners(p, plus(0)),
  star: (p) =>
    corners(p, Array.from({ length: 10 }, (_, i) => spoke(i % 2 ? 0.42 : 1, (i * Math.PI) / 5))),
  x: (p) => corners(p, plus(Math.PI / 4)),
};

function spoke(radius, angle) {
  return [radius * Math.sin(angle), -radius * Math.cos(angle)];
}

function plus(turn) {
  const [a, b] = [0.3, 0.95];
  const half = [[-a, -b], [a, -b], [a, -a], [b, -a], [b, a], [a, a]];
  const all = [...half, ...half.map(([x, y]) => [-x, -y])];
  const [c, s] = [Math.cos(turn), Math.sin(turn)];
  return all.map(([x, y]) => [c * x - s * y, s * x + c * y]);
}

function corners(path, points) {
  points.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
  path.closePath();
}

function isInside(polygon, x, y) {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i, i += 1) {
    const [ax, ay] = polygon[i];
    const [bx, by] = polygon[j];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}

class MapCanvas {
  constructor(canvas, markers) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.markers = markers;
    this.palette = [];
    this.frame = { centre: [0, 0], radius: 1 };
  }

  // Fits the drawing to the size on the page and to the screen's density.
  resize() {
    // While the page changes its theme it has no size for a moment, and nobody tells when it is over.
    const side = this.canvas.clientWidth || this.side || 1;
    const density = window.devicePixelRatio || 1;
    if (side === this.side && density === this.density) return;
    [this.side, this.density] = [side, density];
    this.canvas.width = this.canvas.height = Math.round(side * density);
    this.atlas = null;
  }

  setFrame(frame, margin) {
    this.frame = frame;
    this.scale = (this.side / 2 - margin) / frame.radius;
    // For tests and scripts: page x = side/2 + (x - cx) * scale, page y = side/2 - (y - cy) * scale.
    this.canvas.dataset.frame = JSON.stringify([this.side / 2, ...frame.centre, this.scale]);
  }

  toPage(x, y) {
    const [cx, cy] = this.frame.centre;
    return [this.side / 2 + (x - cx) * this.scale, this.side / 2 - (y - cy) * this.scale];
  }

  setPalette(palette, ink, paper) {
    this.palette = palette; // [{fill, edge}]
    [this.ink, this.paper] = [ink, paper];
    this.atlas = null;
  }

  // Every marker in every colour once, since copying pictures is much faster than drawing paths.
  paintAtlas() {
    const cell = (this.cell = Math.ceil((MARKER + 3) * this.density));
    this.atlas = document.createElement("canvas");
    this.atlas.width = Math.max(1, cell * this.palette.length);
    this.atlas.height = Math.max(1, cell * this.markers.length);
    const context = this.atlas.getContext("2d");
    this.markers.forEach((marker, m) =>
      this.palette.forEach(({ fill, edge }, c) => {
        context.setTransform(1, 0, 0, 1, (c + 0.5) * cell, (m + 0.5) * cell);
        const path = this.outline(marker, (MARKER / 2) * this.density);
        context.fillStyle = fill;
        context.fill(path);
        context.strokeStyle = edge ? this.ink : this.paper;
        context.lineWidth = (edge ? 1.8 : 1) * this.density;
        context.stroke(path);
      }),
    );
  }

  outline(marker, radius) {
    const unit = new Path2D();
    OUTLINES[marker](unit);
    const path = new Path2D();
    path.addPath(unit, new DOMMatrix().scale(radius));
    return path;
  }

  // scene: places (2K,), visible (K,), tint (K,), story, lit (N,) or null, map, look, trails,
  // marked: samples to ring and connect, [{n, strong}], lasso: page coordinates.
  draw(scene) {
    const { context, density } = this;
    if (!this.atlas) this.paintAtlas();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.setTransform(density, 0, 0, density, 0, 0);
    if (scene.map.corners.length) this.drawCorners(scene.map.corners);
    if (scene.trails) this.drawTrails(scene);
    if (scene.lit) {
      context.globalAlpha = 0.16;
      this.drawPoints(scene, 0);
    }
    context.globalAlpha = 0.9;
    this.drawPoints(scene, 1);
    context.globalAlpha = 1;
    for (const { n, strong } of scene.marked) this.drawMarked(scene, n, strong);
    if (scene.lasso.length > 1) this.drawLasso(scene.lasso);
  }

  drawPoints({ places, visible, tint, lit, story }, group) {
    const { context, cell, atlas, scale, side } = this;
    const [cx, cy] = this.frame.centre;
    const size = cell / this.density;
    const offset = side / 2 - size / 2;
    const { owner, sample, K } = story;
    for (let k = 0; k < K; k += 1) {
      if (!visible[k] || (lit && lit[sample[k]] !== group)) continue;
      const x = offset + (places[2 * k] - cx) * scale;
      const y = offset - (places[2 * k + 1] - cy) * scale;
      context.drawImage(atlas, tint[k] * cell, owner[k] * cell, cell, cell, x, y, size, size);
    }
  }

  drawMarked({ places, visible, story }, n, strong) {
    const { context } = this;
    const spots = [];
    for (let m = 0; m < story.M; m += 1) {
      const k = story.pointOf[m * story.N + n];
      if (k >= 0 && visible[k]) spots.push([this.toPage(places[2 * k], places[2 * k + 1]), m]);
    }
    context.strokeStyle = this.ink;
    context.lineWidth = 1;
    context.setLineDash([3, 3]);
    for (let i = 0; i < spots.length; i += 1) {
      for (let j = i + 1; j < spots.length; j += 1) {
        context.beginPath();
        context.moveTo(...spots[i][0]);
        context.lineTo(...spots[j][0]);
        context.stroke();
      }
    }
    context.setLineDash([]);
    context.lineWidth = strong ? 3 : 2;
    for (const [[x, y]] of spots) {
      context.beginPath();
      context.arc(x, y, MARKER * 0.85, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  // Where points came from: of the samples that matter now, and of a few only, or all would be grey.
  drawTrails({ story, map, look, visible, lit, marked, tint }) {
    const { context } = this;
    const here = story.pictureOf(map, look);
    const matters = (k) => visible[k] && (!lit || lit[story.sample[k]]);
    const candidates = Array.from(visible.keys()).filter(matters);
    const stride = Math.ceil(candidates.length / PATHS);
    const ringed = new Set(marked.map(({ n }) => n));
    context.lineWidth = 1;
    for (const [i, k] of candidates.entries()) {
      if (i % stride && !ringed.has(story.sample[k])) continue;
      context.strokeStyle = this.palette[tint[k]].fill;
      for (let t = Math.max(1, here - TRAIL); t <= here; t += 1) {
        context.globalAlpha = 0.7 * (1 - (here - t) / (TRAIL + 1));
        const [a, b] = [2 * ((t - 1) * story.K + k), 2 * (t * story.K + k)];
        context.beginPath();
        context.moveTo(...this.toPage(map.coords[a], map.coords[a + 1]));
        context.lineTo(...this.toPage(map.coords[b], map.coords[b + 1]));
        context.stroke();
      }
    }
    context.globalAlpha = 1;
  }

  drawCorners(names) {
    const { context } = this;
    context.strokeStyle = context.fillStyle = this.ink;
    context.lineWidth = 1;
    context.font = "11px sans-serif";
    context.textBaseline = "middle";
    const angle = (i) => (2 * Math.PI * i) / names.length + Math.PI / 2;
    context.globalAlpha = 0.35;
    context.beginPath();
    names.forEach((_, i) => {
      const spot = this.toPage(Math.cos(angle(i)), Math.sin(angle(i)));
      if (i) context.lineTo(...spot);
      else context.moveTo(...spot);
    });
    context.closePath();
    context.stroke();
    context.globalAlpha = 1;
    names.forEach((name, i) => {
      const [x, y] = this.toPage(1.05 * Math.cos(angle(i)), 1.05 * Math.sin(angle(i)));
      const side = Math.cos(angle(i));
      context.textAlign = side > 0.2 ? "left" : side < -0.2 ? "right" : "center";
      const room = context.textAlign === "center" ? 160 : 60;
      context.fillText(name.length > 14 ? `${name.slice(0, 13)}…` : name, x, y, room);
    });
  }

  drawLasso(lasso) {
    const { context } = this;
    const path = new Path2D();
    corners(path, lasso);
    context.globalAlpha = 0.12;
    context.fillStyle = this.ink;
    context.fill(path);
    context.globalAlpha = 1;
    context.strokeStyle = this.ink;
    context.lineWidth = 1.5;
    context.stroke(path);
  }

  // The visible point nearest to a place on the page, or -1 when none is near.
  nearest({ places, visible }, x, y) {
    let found = -1;
    let best = REACH ** 2;
    for (let k = 0; k < visible.length; k += 1) {
      if (!visible[k]) continue;
      const [px, py] = this.toPage(places[2 * k], places[2 * k + 1]);
      const far = (px - x) ** 2 + (py - y) ** 2;
      if (far < best) [best, found] = [far, k];
    }
    return found;
  }

  // The samples that have a visible point inside a polygon.
  inside({ places, visible, story }, polygon) {
    const found = new Set();
    for (let k = 0; k < visible.length; k += 1) {
      if (visible[k] && isInside(polygon, ...this.toPage(places[2 * k], places[2 * k + 1]))) {
        found.add(story.sample[k]);
      }
    }
    return found;
  }
}
