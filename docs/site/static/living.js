// Widgets of executed notebooks, alive without a kernel, each over the state that its notebook kept
// (`kept_model.js`). Those that only pass on what a kernel says are not shown; their cells say so in words.
(() => {
  function withBuffers({ state, buffers = [] }) {
    for (const { path, data } of buffers) {
      const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
      const holder = path.slice(0, -1).reduce((inside, key) => (inside[key] ??= {}), state);
      holder[path.at(-1)] = new DataView(bytes.buffer);
    }
    return state;
  }

  const modules = new Map(); // one for all widgets of a kind
  const styles = new Set();

  // From a folder, a browser loads no module by its name, but one that the page holds itself.
  function moduleOf(source) {
    if (!modules.has(source)) {
      const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
      modules.set(source, import(address));
    }
    return modules.get(source);
  }

  function addStyle(source) {
    if (!source || styles.has(source)) return;
    styles.add(source);
    document.head.append(Object.assign(document.createElement("style"), { textContent: source }));
  }

  async function show(place, kept) {
    const state = withBuffers(kept);
    addStyle(state._css);
    const output = document.createElement("div");
    output.className = "mla-living jp-OutputArea-output"; // as the widgets know their cell in JupyterLab
    const el = document.createElement("div");
    output.append(el);
    place.replaceWith(output);
    const { default: widget } = await moduleOf(state._esm);
    const parts = typeof widget === "function" ? await widget() : widget;
    const model = new KeptModel(state);
    await parts.initialize?.({ model });
    await parts.render?.({ model, el });
    output.dataset.ready = "true";
  }

  async function begin() {
    const stored = document.querySelector('script[type="application/vnd.jupyter.widget-state+json"]');
    const models = stored ? JSON.parse(stored.textContent).state : {};
    const places = document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]');
    for (const place of places) {
      const kept = models[JSON.parse(place.textContent).model_id];
      if (kept?.state._esm) await show(place, kept).catch((error) => console.error(error)); // others live on
    }
    document.body.dataset.living = "ready";
  }

  begin();
})();
