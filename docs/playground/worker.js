// The worker: trains when it is asked to, and answers with all that the page draws.
const digits = unpackDigits(DIGITS);
let session = null;
let told = 0; // points of the curves that the page already has
let cost = 0; // milliseconds that the last answer took

function train(steps, milliseconds) {
  const start = performance.now();
  for (let i = 0; i < steps && session.advance(); i++) {
    if (performance.now() - start > milliseconds) break;
  }
}

// Everything about one way to train: the answers on validation samples, surfaces, and one sample.
function shown(method, prediction, { sample, plane, fusion }) {
  const shapes = session.settings.modalities.map(({ shape }) => shape);
  const row = (logits) => [...softmax(logits.slice(sample * CLASSES, (sample + 1) * CLASSES), CLASSES)];
  return {
    answers: [...prediction.logits, prediction.fused].map(shades),
    surfaces: [
      ...shapes.map((shape, m) => (shape === "digits" ? null : session.surface(method, m, fusion))),
      shapes[plane] === "digits" ? null : session.surface(method, plane, fusion, sample),
    ],
    sample: {
      chances: [...prediction.logits, prediction.fused].map(row),
      weights: prediction.weights && prediction.weights.map((weight) => weight[sample]),
    },
  };
}

onmessage = ({ data: { kind, id, settings, steps, milliseconds, look } }) => {
  if (kind === "start") {
    session = new Session(settings, digits);
    told = 0;
    const { inputs, labels, present } = session.val;
    postMessage({ kind: "data", id, inputs, labels, present });
  }
  train(steps, Math.max(milliseconds, cost)); // on a slow machine half the time is for training
  const start = performance.now();
  const features = session.features();
  const [joint, alternation] = session.predict(features, look.fusion);
  postMessage({
    kind: "frame",
    id,
    step: session.step,
    epoch: session.epoch,
    last: session.last,
    now: session.measure(features),
    methods: [shown(session.joint, joint, look), shown(session.alternation, alternation, look)],
    curves: session.curves.slice(told),
  });
  told = session.curves.length;
  cost = performance.now() - start;
};
