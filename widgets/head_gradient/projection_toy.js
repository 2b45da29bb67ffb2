// Two dimensions are enough to see what P does. Everything is computed here, so that a drag needs no
// kernel. The elements stay and only their attributes change: the focus stays on the tip that moves.
const SPACE = "http://www.w3.org/2000/svg";
const UNIT = 90; // pixels
const LIMIT = 2; // of a coordinate
const SIDE = 2 * UNIT * (LIMIT + 0.2);

const dot = (a, b) => a[0] * b[0] + a[1] * b[1];
const size = (a) => Math.hypot(a[0], a[1]);

// Eq. 5 after one update of the identity with the mean feature h, eq. 3 for a gradient of one row.
// A small denominator turns 1 - (h.h)/(alpha + h.h) into rounding error; alpha/(alpha + h.h) does not.
function project(h, g, alpha) {
  const hh = dot(h, h);
  const along = hh > 0 ? dot(g, h) / hh : 0;
  const least = alpha / (alpha + hh); // the eigenvalue along h; across, it is 1
  const p = [0, 1].map((i) => g[i] - (1 - least) * along * h[i]);
  return { p, least };
}

// Between a step and h: 90 degrees leave the head's answer for h alone. A step has no sign here.
function angle(a, h) {
  const sizes = size(a) * size(h);
  return sizes > 0 ? (Math.acos(Math.min(1, Math.abs(dot(a, h)) / sizes)) * 180) / Math.PI : NaN;
}

const pair = (v) => `(${v[0].toFixed(2)}, ${v[1].toFixed(2)})`;
const degrees = (a) => (Number.isNaN(a) ? tr("undefined") : `${a.toFixed(1)}°`);
const point = (v) => [v[0] * UNIT, -v[1] * UNIT];

function render({ model, el }) {
  speak(model);
  const make = (tag, parent, attributes = {}, text = "") => {
    const html = parent.namespaceURI !== SPACE && tag !== "svg";
    const element = html ? document.createElement(tag) : document.createElementNS(SPACE, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text) element.textContent = text;
    parent.append(element);
    return element;
  };
  const toy = make("div", el, { class: "mla-toy" });
  const svg = make("svg", toy, {
    viewBox: `${-SIDE / 2} ${-SIDE / 2} ${SIDE} ${SIDE}`,
    role: "group",
    "aria-label": tr("Vectors in the plane: mean feature h, gradient g, projected gradient gP"),
  });
  for (let i = -LIMIT; i <= LIMIT; i++) {
    const [at, end] = [i * UNIT, SIDE / 2];
    const kind = i === 0 ? "axis" : "grid";
    make("line", svg, { class: kind, x1: at, x2: at, y1: -end, y2: end });
    make("line", svg, { class: kind, y1: at, y2: at, x1: -end, x2: end });
  }
  make("circle", svg, { class: "circle", r: UNIT });
  const ellipse = make("ellipse", svg, { class: "ellipse", rx: UNIT });
  const lost = make("line", svg, { class: "lost" });
  const arrows = Object.fromEntries(
    [["g", "g"], ["h", "h"], ["p", "gP"]].map(([key, name]) => {
      const group = make("g", svg, { class: key });
      const parts = ["line", "path", "text"].map((tag, i) =>
        make(tag, group, { class: ["shaft", "head", "name"][i] }));
      parts[2].textContent = name;
      return [key, parts];
    }),
  );
  const told = {
    h: tr("Tip of the mean feature h of the modality before"),
    g: tr("Tip of the gradient g"),
  };
  const tips = Object.fromEntries(
    Object.entries(told).map(([key, name]) => {
      const group = make("g", svg, { class: key });
      const tip = make("circle", group, {
        class: "tip", r: 15, tabindex: 0, role: "slider", "aria-label": name,
        "aria-roledescription": tr("point in the plane, moved by the arrow keys"),
        "aria-valuemin": -LIMIT, "aria-valuemax": LIMIT,
      });
      return [key, tip];
    }),
  );

  const side = make("div", toy, { class: "side" });
  const label = make("label", side, { class: "alpha" });
  make("span", label, {}, "α");
  const slider = make("input", label, {
    type: "range", min: -3, max: 1, step: 0.1, "aria-label": tr("α, on a logarithmic scale"),
  });
  const shown = make("span", label, { class: "value", "aria-hidden": "true" }); // the slider tells it
  const body = make("tbody", make("table", side));
  const cells = Object.fromEntries(
    [
      ["h", tr("mean feature h"), "h"],
      ["g", tr("gradient g"), "g"],
      ["p", tr("projected gradient gP"), "p"],
      ["least", tr("eigenvalue of P along h (across h: 1)"), ""],
      ["before", tr("angle of g to h"), ""],
      ["after", tr("angle of gP to h"), ""],
      ["seen", tr("step that h sees, |gP·h| / |g·h|"), ""],
      ["kept", tr("length kept, |gP| / |g|"), ""],
    ].map(([key, name, colour]) => {
      const row = make("tr", body);
      const head = make("th", row, { scope: "row" });
      make("span", head, { class: `mark ${colour}` });
      make("span", head, {}, name);
      return [key, make("td", row, { "data-number": key })];
    }),
  );
  const sentence = make("p", side, { role: "status", "aria-live": "polite" });
  make("p", side, { class: "hint" }, sentences(
    tr("Drag the tips of h and g, or focus one (Tab) and press the arrow keys; Shift makes small " +
      "steps."),
    tr("Dashed circle: all gradients of length 1. Filled ellipse: what P makes of them."),
  ));

  const arrow = ([shaft, head, name], v) => {
    const [x, y] = point(v);
    const long = Math.hypot(x, y) || 1;
    const [ux, uy] = [x / long, y / long];
    const [bx, by] = [x - 14 * ux, y - 14 * uy];
    for (const [key, value] of Object.entries({ x1: 0, y1: 0, x2: bx, y2: by })) {
      shaft.setAttribute(key, value);
    }
    const wings = long < 16 ? "" : `M${x} ${y}L${bx - 7 * uy} ${by + 7 * ux}L${bx + 7 * uy} ${by - 7 * ux}Z`;
    head.setAttribute("d", wings);
    shaft.setAttribute("visibility", long < 16 ? "hidden" : "visible");
    // Beside the tip, outwards; that of gP on its other side, since it may lie on g's.
    const side = name.textContent === "gP" ? 20 : 0;
    name.setAttribute("x", x + 28 * ux - side * uy - 8);
    name.setAttribute("y", y + 28 * uy + side * ux + 5);
  };

  const show = () => {
    const [h, g, alpha] = ["h", "g", "alpha"].map((name) => model.get(name));
    const { p, least } = project(h, g, alpha);
    arrow(arrows.h, h);
    arrow(arrows.g, g);
    arrow(arrows.p, p);
    Object.entries({ h, g }).forEach(([key, v]) => {
      const [x, y] = point(v);
      tips[key].setAttribute("cx", x);
      tips[key].setAttribute("cy", y);
      tips[key].setAttribute("aria-valuenow", v[0].toFixed(2));
      const told = tr("{x} right, {y} up", { x: v[0].toFixed(2), y: v[1].toFixed(2) });
      tips[key].setAttribute("aria-valuetext", told);
    });
    const [gx, gy] = point(g);
    const [px, py] = point(p);
    Object.entries({ x1: gx, y1: gy, x2: px, y2: py }).forEach(([k, v]) => lost.setAttribute(k, v));
    ellipse.setAttribute("ry", UNIT * least);
    // The long axis lies across h; SVG turns clockwise, since its y points down.
    const turn = (-Math.atan2(h[1], h[0]) * 180) / Math.PI + 90;
    ellipse.setAttribute("transform", `rotate(${turn})`);
    const [before, after] = [angle(g, h), angle(p, h)];
    const kept = size(g) > 0 ? size(p) / size(g) : NaN;
    const share = Math.abs(dot(g, h)) > 0 ? `${(100 * least).toFixed(1)} %` : tr("undefined");
    const numbers = {
      h: pair(h), g: pair(g), p: pair(p), least: least.toFixed(3), before: degrees(before),
      after: degrees(after), seen: share, kept: Number.isNaN(kept) ? tr("undefined") : `${(100 * kept).toFixed(1)} %`,
    };
    for (const [key, value] of Object.entries(numbers)) cells[key].textContent = value;
    slider.value = Math.log10(alpha);
    shown.textContent = Number(alpha.toPrecision(2));
    slider.setAttribute("aria-valuetext", shown.textContent);
    if (!moving) say();
  };
  // Told once a movement has ended: a screen reader could not follow every pixel.
  let moving = false;
  const say = () => {
    const value = (key) => cells[key].textContent;
    const none = { h: size(model.get("h")) === 0, g: size(model.get("g")) === 0 };
    const known = { before: value("before"), after: value("after"), kept: value("kept") };
    sentence.textContent =
      none.h ? tr("h is 0 and has no direction: there is no angle to it, and P lets every gradient " +
        "pass.") :
      none.g ? tr("g is 0 and has no direction: there is nothing to project.") :
      tr("The gradient lies at {before} to the mean feature, the projected one at {after}; it keeps " +
        "{kept} of its length.", known);
  };

  const move = (key, v) => {
    model.set(key, v.map((x) => Math.round(100 * Math.max(-LIMIT, Math.min(LIMIT, x))) / 100));
  };
  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  Object.entries(tips).forEach(([key, tip]) => {
    tip.addEventListener("keydown", (event) => {
      const way = ways[event.key];
      if (!way) return;
      event.preventDefault();
      event.stopPropagation();
      const step = event.shiftKey ? 0.01 : 0.1;
      move(key, model.get(key).map((x, i) => x + step * way[i]));
      model.save_changes();
    });
    tip.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      tip.focus();
      tip.setPointerCapture(event.pointerId);
      moving = true;
    });
    tip.addEventListener("pointermove", (event) => {
      if (!tip.hasPointerCapture(event.pointerId)) return;
      const here = new DOMPoint(event.clientX, event.clientY).matrixTransform(
        svg.getScreenCTM().inverse());
      move(key, [here.x / UNIT, -here.y / UNIT]);
    });
    tip.addEventListener("lostpointercapture", () => {
      moving = false;
      say();
      model.save_changes();
    });
  });
  slider.addEventListener("input", () => {
    model.set("alpha", 10 ** Number(slider.value));
    model.save_changes();
  });
  const names = ["change:h", "change:g", "change:alpha"];
  names.forEach((name) => model.on(name, show));
  show();
  const leavePage = joinPage(el, model);
  return () => {
    leavePage();
    names.forEach((name) => model.off(name, show));
  };
}
export default { render };
