// The table of runs (`widgets/runs/table.py`): filtered, sorted and ticked in the browser. Everything
// from outside goes in as text.

function render({ model, el }) {
  speak(model);
  const root = make("div", el, { class: "mla-runs" });
  const label = make("label", root, {}, tr("Filter "));
  const placeholder = tr("words, such as: mla gaussian");
  const filter = make("input", label, { type: "search", placeholder });
  const status = make("span", root, { role: "status", class: "count" });
  const named = { role: "region", tabindex: 0, "aria-label": tr("runs") };
  const region = make("div", root, { class: "scroll", ...named });
  const table = make("table", region);
  let rows = [];

  const set = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };

  const build = () => {
    table.textContent = "";
    const columns = model.get("columns");
    const head = make("tr", make("thead", table));
    make("th", head, { scope: "col" }, tr("Show"));
    columns.forEach((title, index) => {
      const cell = make("th", head, { scope: "col" });
      const button = make("button", cell, { type: "button" });
      make("span", button, {}, title);
      make("span", button, { class: "arrow", "aria-hidden": "true" });
      button.addEventListener("click", () => {
        const [column, direction] = model.get("order");
        set("order", [index, column === index ? -direction : 1]);
      });
    });
    const body = make("tbody", table);
    rows = model.get("rows").map(({ name, texts, keys, finished }) => {
      const line = make("tr", body, { "data-run": name });
      const tick = make("td", line);
      const box = make("input", tick, { type: "checkbox", "aria-label": tr("show {name}", { name }) });
      const letter = make("span", tick, { class: "letter" });
      box.addEventListener("change", () => {
        const others = model.get("ticked").filter((one) => one !== name);
        set("ticked", box.checked ? [...others, name] : others);
      });
      texts.forEach((text, index) => {
        const place = index ? "td" : "th";
        const kind = typeof keys[index] === "number" ? "number" : "word";
        make(place, line, index ? { class: kind } : { class: kind, scope: "row" }, text);
      });
      return { name, keys, finished, line, box, letter, words: texts.join(" ").toLowerCase() };
    });
    sort();
    mark();
  };

  const sort = () => {
    const [column, direction] = model.get("order");
    const missing = ({ keys }) => keys[column] === null;
    const compare = (a, b) => {
      if (missing(a) || missing(b)) return missing(a) - missing(b); // at the end, either way
      const [x, y] = [a.keys[column], b.keys[column]];
      const numbers = typeof x === "number" && typeof y === "number";
      return direction * (numbers ? x - y : String(x).localeCompare(String(y)));
    };
    const had = document.activeElement;
    const sorted = [...rows].sort(compare);
    table.tBodies[0].append(...sorted.map(({ line }) => line));
    if (rows.some(({ box }) => box === had)) had.focus();
    [...table.tHead.rows[0].cells].slice(1).forEach((cell, index) => {
      const here = index === column;
      cell.setAttribute("aria-sort", !here ? "none" : direction > 0 ? "ascending" : "descending");
      cell.querySelector(".arrow").textContent = !here ? "" : direction > 0 ? " ▲" : " ▼";
    });
    sift();
  };

  const sift = () => {
    const wanted = model.get("filter").toLowerCase().split(/\s+/).filter(Boolean);
    if (filter.value !== model.get("filter")) filter.value = model.get("filter");
    for (const { line, words } of rows) line.hidden = !wanted.every((word) => words.includes(word));
    tell();
  };

  const mark = () => {
    const ticked = model.get("ticked");
    const full = ticked.length >= model.get("most");
    // Letters are for those that are compared; a run that is not finished is followed by itself.
    const compared = ticked.filter((one) => rows.some(({ name, finished }) => name === one && finished));
    for (const { name, line, box, letter } of rows) {
      const place = compared.indexOf(name);
      box.checked = ticked.includes(name);
      box.disabled = full && !box.checked;
      letter.textContent = place < 0 ? "" : model.get("letters")[place];
      letter.style.borderBottomColor = model.get("colours")[place] ?? "transparent";
      line.classList.toggle("ticked", box.checked);
    }
    tell();
  };

  const tell = () => {
    const shown = rows.filter(({ line }) => !line.hidden).length;
    const ticked = model.get("ticked").length;
    const values = { shown, all: rows.length, ticked };
    const counted =
      ticked >= model.get("most")
        ? tr("{shown} of {all} runs, {ticked} ticked, which is the most at once.", values)
        : tr("{shown} of {all} runs, {ticked} ticked.", values);
    const hint = rows.length && !shown ? tr("No run has all these words.") : "";
    status.textContent = sentences(counted, hint);
    root.dataset.shown = shown;
  };

  filter.addEventListener("input", () => set("filter", filter.value));
  const follow = { rows: build, columns: build, order: sort, filter: sift, ticked: mark };
  for (const [name, action] of Object.entries(follow)) model.on(`change:${name}`, action);
  build();
  const leavePage = joinPage(el, model);
  return () => {
    leavePage();
    for (const [name, action] of Object.entries(follow)) model.off(`change:${name}`, action);
  };
}
export default { render };
