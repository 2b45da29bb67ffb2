// The page of one run: its map, alive without a kernel, and the Copy button.
const kept = (id) => JSON.parse(document.getElementById(id)?.textContent ?? "null");
const messages = kept("messages") ?? {};

function showMap(story) {
  const model = new KeptModel({ ...story, messages });
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
    status.textContent = tr("Copied.");
  } catch {
    // Not every browser lets a page of a file write to the clipboard; anybody may press the keys.
    getSelection().selectAllChildren(source);
    status.textContent = tr("It is selected: press Ctrl+C (⌘C) to copy it.");
  }
}

speak(new KeptModel({ messages }));
const story = kept("story");
if (story) showMap(story);
document.getElementById("copy").addEventListener("click", () =>
  copy(document.getElementById("config"), document.getElementById("copied")));
document.body.dataset.ready = "true";
