// plotly's own widget is one module of 5 MB. anywidget waits two seconds for a widget's module and
// from then on drops whatever the kernel sends, which left the figure empty on a busy machine. This
// module is small, and loads plotly once a page.
const modules = (globalThis.mlaPlotly ??= new Map());

function loadPlotly(model) {
  const version = model.get("_plotly_version");
  if (!modules.has(version)) {
    const code = new Blob([model.get("_plotly_module")], { type: "text/javascript" });
    const address = URL.createObjectURL(code);
    modules.set(version, import(address).finally(() => URL.revokeObjectURL(address)));
  }
  return modules.get(version);
}

// What came while plotly was loading reached nobody: the kernel is asked for the figure as it is now,
// and plotly listens from the very message on that brings it.
function receive(model, plotly) {
  return new Promise((resolve) => {
    const token = `${Date.now()} ${Math.random()}`;
    const onGiven = () => {
      if (model.get("_given") === token) {
        model.off("change:_given", onGiven);
        plotly.initialize({ model });
        resolve();
      }
    };
    model.on("change:_given", onGiven);
    model.set("_wanted", token);
    model.save_changes();
  });
}

// plotly asks its place how wide it is, once; ipywidgets may put it into the page a moment later.
async function placed(el) {
  for (let tries = 0; tries < 40 && el.clientWidth === 0; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export default () => {
  let started; // one for all views of the figure
  const start = async (model) => {
    const plotly = (await loadPlotly(model)).default();
    await receive(model, plotly);
    return plotly;
  };
  return {
    async render({ model, el }) {
      const leavePage = joinPage(el);
      const note = document.createElement("p");
      note.className = "mla-loading";
      note.textContent = "Loading the picture …";
      el.append(note);
      started ??= start(model);
      const plotly = await started.catch((error) => {
        note.textContent = `The picture could not be loaded (${error.message}): reload the page.`;
        throw error;
      });
      await placed(el);
      note.remove();
      const leavePlotly = plotly.render({ model, el });
      return () => {
        leavePlotly();
        leavePage();
      };
    },
  };
};
