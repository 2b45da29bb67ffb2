// What moves in a step: encoders on the left, the head they share, and the loss that trains them.
const [ROW, BOX] = [18, 14];

function box(parent, x, y, width, text, colour) {
  svg("rect", parent, { x, y, width, height: BOX, rx: 3, stroke: colour });
  svg("text", parent, { x: x + width / 2, y: y + 10.5, "text-anchor": "middle" }, text);
}

// Returns what lights the parts that moved in the last step: the modalities `those`; none of them rests all.
function diagram(parent, names, way) {
  const high = names.length * ROW;
  const root = svg("svg", parent, { viewBox: `0 0 190 ${high}`, class: "diagram", "aria-hidden": "true" });
  const middle = high / 2;
  const part = (key) => svg("g", root, { "data-part": key });
  names.forEach((name, m) => {
    const encoder = part(m);
    const y = m * ROW + 2;
    svg("line", encoder, { x1: 62, x2: 90, y1: y + BOX / 2, y2: middle, "stroke-dasharray": way === 1 ? "3 2" : "" });
    box(encoder, 2, y, 60, name, MODALITY_COLOURS[m]);
  });
  const head = part("head");
  svg("line", head, { x1: 124, x2: 140, y1: middle, y2: middle });
  box(head, 90, middle - BOX / 2, 34, tr("head"), "currentcolor");
  box(head, 140, middle - BOX / 2, 48, way === 1 ? tr("its loss") : tr("one loss"), "currentcolor");
  return (those) => {
    for (const g of root.children) {
      const key = g.dataset.part;
      g.toggleAttribute("data-works", key === "head" ? those.length > 0 : those.includes(Number(key)));
    }
  };
}
