// The page of one run: what anywidget's model would do, without a kernel, and the Copy button.

class PlainModel {
  constructor(values) {
    this.values = values;
    this.listeners = new Map();
  }

  get(name) {
    return this.values[name];
  }

  set(name, value) {
    if (this.values[name] === value) return;
    this.values[name] = value;
    for (const listener of [...(this.listeners.get(`change:${name}`) ?? [])]) listener();
  }

  on(event, listener) {
    if (!this.listeners.has(event)) this.listeners.set(event, new Set());
    this.listeners.get(event).add(listener);
  }

  off(event, listener) {
    this.listeners.get(event)?.delete(listener);
  }

  save_changes() {}
}

function showMap(story) {
  const model = new PlainModel(story);
  render({ model, el: document.getElementById("map") });
  const charts = [...document.querySelectorAll(".chart > svg")];
  const { LEFT, RIGHT } = { LEFT: 46, RIGHT: 412 }; // as in svg_chart.py
  follow(model, ["look"], () => {
    const step = story.meta.axis.values[model.get("look")];
    for (const chart of charts) {
      const [low, high] = [Number(chart.dataset.low), Number(chart.dataset.high)];
      const x = LEFT + ((RIGHT - LEFT) * (step - low)) / (high - low);
      const cursor = chart.querySelector(".cursor");
      for (const end of ["x1", "x2"]) cursor.setAttribute(end, x < LEFT || x > RIGHT ? -9 : x);
    }
  });
}

async function copy(source, status) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    status.textContent = "Copied.";
  } catch {
    // Not every browser lets a page of a file write to the clipboard; anybody may press the keys.
    getSelection().selectAllChildren(source);
    status.textContent = "It is selected: press Ctrl+C (⌘C) to copy it.";
  }
}

const stored = document.getElementById("story");
if (stored) showMap(JSON.parse(stored.textContent));
document.getElementById("copy").addEventListener("click", () =>
  copy(document.getElementById("config"), document.getElementById("copied")));
document.body.dataset.ready = "true";
