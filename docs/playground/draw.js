// Pictures of what a network answers. A class has a colour and a shape (Tol's muted scheme), a modality a
// colour and a dash (Okabe and Ito): the lab's own, told apart with every form of colour blindness.
const CLASS_COLOURS = ["#88ccee", "#ddcc77", "#aa4499"];
const CLASS_MARKS = ["●", "■", "▲"];
const CLASS_DIGITS = ["3", "5", "8"];
const MODALITY_COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];
const MODALITY_DASHES = ["", "6 3", "2 3", "7 3 2 3"];
const FUSED_COLOUR = "#808080";
const SIDE = 200; // of a picture in CSS pixels; it is drawn with twice as many

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const dark = () => matchMedia("(prefers-color-scheme: dark)").matches;
const toPixel = (v) => ((v / REACH + 1) / 2) * SIDE;

function pathOf(c, x, y, r) {
  const path = new Path2D();
  if (c === 0) path.arc(x, y, r, 0, 2 * Math.PI);
  else if (c === 1) path.rect(x - r * 0.9, y - r * 0.9, 1.8 * r, 1.8 * r);
  else {
    path.moveTo(x, y - 1.2 * r);
    path.lineTo(x + 1.15 * r, y + 0.85 * r);
    path.lineTo(x - 1.15 * r, y + 0.85 * r);
    path.closePath();
  }
  return path;
}

// The colours of answers, the stronger the surer: for each class 256 of them, as bytes r, g, b.
function tints() {
  const ground = dark() ? 17 : 255;
  const toned = (hex, sure) => rgb(hex).map((v) => Math.round(ground + (v - ground) * (0.12 + 0.68 * (sure / 255))));
  return CLASS_COLOURS.map((hex) => Array.from({ length: 256 }, (_, sure) => toned(hex, sure)));
}
let tint = tints();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (tint = tints()));

const small = document.createElement("canvas");
small.width = small.height = GRID;

function pen(canvas) {
  const context = canvas.getContext("2d");
  context.setTransform(canvas.width / SIDE, 0, 0, canvas.height / SIDE, 0, 0);
  context.clearRect(0, 0, SIDE, SIDE);
  return context;
}

// The samples that have this modality, drawn once for a session: `side` is the same object throughout.
const marked = new WeakMap();
function marks(side) {
  if (!marked.has(side)) {
    const { x, labels, present } = side;
    const canvas = Object.assign(document.createElement("canvas"), { width: 2 * SIDE, height: 2 * SIDE });
    const context = pen(canvas);
    context.lineWidth = 0.7;
    context.strokeStyle = "#222222";
    labels.forEach((label, k) => {
      if (!present[k]) return;
      const path = pathOf(label, toPixel(x[2 * k]), toPixel(-x[2 * k + 1]), 2.6);
      context.fillStyle = CLASS_COLOURS[label];
      context.fill(path);
      context.stroke(path);
    });
    marked.set(side, canvas);
  }
  return marked.get(side);
}

// A surface, and upon it the validation samples.
function drawPlane(canvas, surface, side, chosen) {
  const context = pen(canvas);
  const image = new ImageData(GRID, GRID);
  image.data.fill(255);
  for (let k = 0; k < GRID * GRID; k++) image.data.set(tint[surface[2 * k]][surface[2 * k + 1]], 4 * k);
  small.getContext("2d").putImageData(image, 0, 0);
  context.drawImage(small, 0, 0, SIDE, SIDE);
  context.drawImage(marks(side), 0, 0, SIDE, SIDE);
  if (side.present[chosen]) ring(context, toPixel(side.x[2 * chosen]), toPixel(-side.x[2 * chosen + 1]), 7);
}

function ring(context, x, y, r) {
  const inside = (v) => Math.min(SIDE - r - 2, Math.max(r + 2, v));
  for (const [width, colour] of [[5, "#ffffff"], [2.5, "#111111"]]) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.stroke(pathOf(0, inside(x), inside(y), r));
  }
}

// Digits have no plane: some of them, each on the colour of its answer, the chosen one first.
const ACROSS = 6;
const mosaic = (chosen) => [...Array(ACROSS * ACROSS).keys()].map((i) => (chosen + i) % SIZES.val);
const ink = document.createElement("canvas");
ink.width = ink.height = 8;

function drawDigits(canvas, answers, { x, labels, present }, chosen) {
  const context = pen(canvas);
  const cell = SIDE / ACROSS;
  context.imageSmoothingEnabled = false;
  mosaic(chosen).forEach((k, i) => {
    const [left, top] = [(i % ACROSS) * cell, Math.floor(i / ACROSS) * cell];
    if (!present[k]) return;
    context.fillStyle = `rgb(${tint[answers[2 * k]][answers[2 * k + 1]]})`;
    context.fillRect(left + 0.5, top + 0.5, cell - 1, cell - 1);
    if (x) {
      const image = new ImageData(8, 8);
      const shade = dark() ? 255 : 0;
      for (let p = 0; p < PIXELS; p++) {
        image.data.set([shade, shade, shade, 255 * Math.min(1, Math.max(0, x[k * PIXELS + p]))], 4 * p);
      }
      ink.getContext("2d").putImageData(image, 0, 0);
      context.drawImage(ink, left + 3, top + 3, cell - 6, cell - 6);
    }
    if (answers[2 * k] !== labels[k]) {
      context.lineWidth = 2;
      context.strokeStyle = "#e0213a"; // wrong stands out
      context.strokeRect(left + 1.5, top + 1.5, cell - 3, cell - 3);
    }
  });
  if (present[chosen]) {
    context.lineWidth = 2;
    context.strokeStyle = dark() ? "#ffffff" : "#111111";
    context.strokeRect(4, 4, cell - 8, cell - 8);
  }
}

// Which validation sample is nearest to a place of the picture (in SIDE units); null if none is near.
function sampleAt(px, py, { x, present, width }, chosen) {
  if (width !== 2) {
    const k = mosaic(chosen)[Math.floor((py * ACROSS) / SIDE) * ACROSS + Math.floor((px * ACROSS) / SIDE)];
    return k !== undefined && present[k] ? k : null;
  }
  let [found, nearest] = [null, 12];
  present.forEach((here, k) => {
    const far = Math.hypot(toPixel(x[2 * k]) - px, toPixel(-x[2 * k + 1]) - py);
    if (here && far < nearest) [found, nearest] = [k, far];
  });
  return found;
}
