// Curves as SVG, so that their letters are text.
const SVG = "http://www.w3.org/2000/svg";
const [WIDE, HIGH] = [360, 120];
const PLOT = { left: 42, right: WIDE - 8, top: 8, bottom: HIGH - 18 };
const NICE = [100, 200, 500, 1000, 2000, 5000, LONGEST];

function svg(tag, parent, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

// One chart: `lines` are {colour, dash, width}; it is drawn anew by `draw(points, told)`, where a point is
// [step, a value from 0 to 1 for each line], and `told` says in words what is seen.
class Chart {
  constructor(parent, title, ticks) {
    const figure = document.createElement("figure");
    figure.append(Object.assign(document.createElement("figcaption"), { textContent: title }));
    parent.append(figure);
    this.root = svg("svg", figure, { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img" });
    this.title = title;
    for (const [share, name] of Object.entries(ticks)) {
      const y = this.y(Number(share));
      svg("line", this.root, { class: "grid", x1: PLOT.left, x2: PLOT.right, y1: y, y2: y });
      svg("text", this.root, { x: PLOT.left - 5, y: y + 3.5, "text-anchor": "end" }, name);
    }
    svg("text", this.root, { x: PLOT.left, y: HIGH - 4 }, tr("sub-step 0"));
    this.end = svg("text", this.root, { x: PLOT.right, y: HIGH - 4, "text-anchor": "end" }, "");
    this.curves = svg("g", this.root, { fill: "none" });
  }

  y(share) {
    return PLOT.bottom + (PLOT.top - PLOT.bottom) * share;
  }

  draw(lines, points, told) {
    const last = points.at(-1)?.[0] ?? 0;
    const far = NICE.find((step) => step >= last);
    const every = Math.ceil(points.length / 180); // no more points than the picture can show
    const kept = points.filter((_, i) => i % every === 0 || i === points.length - 1);
    this.end.textContent = far.toLocaleString("en");
    this.curves.replaceChildren();
    lines.forEach(({ colour, dash, width }, i) => {
      const at = kept
        .filter(([, values]) => Number.isFinite(values[i]))
        .map(([step, values]) => {
          const x = PLOT.left + ((PLOT.right - PLOT.left) * step) / far;
          return `${x.toFixed(1)},${this.y(values[i]).toFixed(1)}`;
        });
      const look = { stroke: colour, "stroke-width": width, "stroke-dasharray": dash, "stroke-linejoin": "round" };
      svg("polyline", this.curves, { points: at.join(" "), ...look });
    });
    this.root.setAttribute("aria-label", `${this.title}. ${told}`);
  }
}
