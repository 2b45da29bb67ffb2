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

// What came while nobody listened is lost: the kernel is asked for the figure as it is now, and plotly
// listens from the very message on that brings it.
function receive(model, plotly) {
  return new Promise((resolve) => {
    const onGiven = () => {
      model.off("change:_given", onGiven);
      plotly.initialize({ model });
      resolve();
    };
    model.on("change:_given", onGiven);
    model.set("_wanted", `${Date.now()} ${Math.random()}`);
    model.save_changes();
  });
}

// plotly looks for another width when the window changes. Here its place does, when a person hides
// the file browser, or when JupyterLab puts the figure into the page after it was drawn. Only this
// figure is told: were the window said to have changed, every figure of the page would be drawn anew
// for each that came to it.
function followWidth(el) {
  const fit = () => {
    const off = el._fullLayout?.width - el.clientWidth;
    if (Math.abs(off) >= 1) el._responsiveChartHandler?.();
  };
  const observer = new ResizeObserver(() => requestAnimationFrame(fit));
  observer.observe(el);
  return () => observer.disconnect();
}

// Each view has a plotly of its own, so that what it listens to ends with it: plotly's own widget goes
// on drawing into a view that is gone, fails, and the views that are left hear nothing. All of them
// change the same data on the page, which does no harm as long as traces are only changed, not added.
async function render({ model, el }) {
  speak(model);
  const leavePage = joinPage(el, model);
  const note = document.createElement("p");
  note.className = "mla-loading";
  note.textContent = tr("Loading the picture …");
  el.append(note);
  const module = await loadPlotly(model).catch((error) => {
    note.textContent = tr("The picture could not be loaded ({fault}): reload the page.", {
      fault: error.message,
    });
    throw error;
  });
  const plotly = module.default();
  await hearKernel(model);
  await receive(model, plotly);
  note.remove();
  const leavePlotly = plotly.render({ el });
  const leaveWidth = followWidth(el);
  return () => {
    leaveWidth();
    leavePlotly();
    leavePage();
  };
}
export default { render };
