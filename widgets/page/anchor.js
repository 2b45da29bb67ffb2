// Ties a live view to its notebook: it comes back into its cell after a reload of the page, and says
// so when the kernel behind it is gone, or does not answer for a while. It has no picture of its own, so
// it also works when there is no view: anywidget calls `initialize` as soon as the page knows the model.
const WIDGET = "application/vnd.jupyter.widget-view+json";
const PATIENCE = 3000; // milliseconds without an answer
// What these do needs no kernel.
const ALONE = ".mla-map *, .mla-toy *";

function whyGone() {
  const again = tr("run the cells above and then this one again (Run menu, or Shift+Enter)");
  const restarted = tr("The kernel was restarted, and with it went what stood here: {again}.", { again });
  return {
    restarting: restarted, // by a person, or by JupyterLab since it had died
    autorestarting: restarted,
    dead: tr("The kernel is dead: restart it (Kernel menu), then {again}.", { again }),
    none: tr("The kernel was shut down: start one (Kernel menu), then {again}.", { again }),
    other: tr("The notebook has another kernel now: {again}.", { again }),
  };
}

async function outputsOf(manager, root) {
  const model = await manager.get_model(root);
  const views = await Promise.all(Object.values(model.views ?? {}));
  return views.map(({ el }) => el.closest(".jp-OutputArea-output")).filter(Boolean);
}

function say(output, kernel, sentence) {
  output.dataset.kernel = kernel;
  let note = output.querySelector(".mla-kernel");
  if (!note) {
    note = document.createElement("p");
    note.className = "mla-kernel";
    note.setAttribute("role", "status");
    const line = output.querySelector(".mla-status");
    line ? line.before(note) : output.prepend(note);
  }
  requestAnimationFrame(() => (note.textContent = sentence)); // once it is there, it is read out
  for (const control of output.querySelectorAll("button,select,input,textarea,[role=slider]")) {
    control.inert = kernel === "gone" && !control.matches(ALONE);
  }
}

function watchKernel(model) {
  const manager = model.widget_manager;
  const session = manager.context.sessionContext;
  const mine = session.session?.kernel?.id;
  let state = "";
  let waiting = 0;
  const tell = async (kernel, sentence = "") => {
    clearTimeout(waiting);
    waiting = 0;
    if (state === "gone" || state === kernel) return; // what is gone does not come back
    state = kernel;
    const outputs = await outputsOf(manager, model.get("view"));
    outputs.forEach((output) => say(output, kernel, sentence));
  };
  const busy = tr("The kernel is busy with a cell; what you press here may wait until it is done.");
  const lost = tr("The connection to the kernel is lost. JupyterLab is trying to get it back.");
  const gone = whyGone();
  const onStatus = (_, status) => status in gone && tell("gone", gone[status]);
  const onConnection = (_, status) => tell(...(status === "connected" ? [""] : ["lost", lost]));
  const onKernel = (_, { newValue }) => {
    if (newValue?.id !== mine) tell("gone", newValue ? gone.other : gone.none);
  };
  // Whether its event loop answers, only the kernel knows: whoever presses something asks it, too. As
  // long as no answer was ever heard, silence says nothing of it.
  let heard = false;
  const ask = () => {
    model.set("asked", model.get("asked") + 1);
    model.save_changes();
  };
  const onPress = ({ target }) => {
    if (waiting || state || !heard || !target.closest?.(".mla-output")) return;
    waiting = setTimeout(() => tell("busy", busy), PATIENCE);
    ask();
  };
  const onAnswer = () => {
    heard = true;
    if (model.get("answered") === model.get("asked")) tell("");
  };
  session.statusChanged.connect(onStatus);
  session.connectionStatusChanged.connect(onConnection);
  session.kernelChanged.connect(onKernel);
  model.on("change:answered", onAnswer);
  ask();
  for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, onPress, true);
  return () => {
    clearTimeout(waiting);
    session.statusChanged.disconnect(onStatus);
    session.connectionStatusChanged.disconnect(onConnection);
    session.kernelChanged.disconnect(onKernel);
    for (const kind of ["pointerdown", "keydown"]) document.removeEventListener(kind, onPress, true);
  };
}

// After a reload, the page has what was saved last: no output, or one whose widgets are of the past.
// The kernel still has the view, and JupyterLab gets every model from it.
async function comeBack(manager, root, cell) {
  if (!manager.restoredStatus) {
    await new Promise((resolve) => {
      const onRestored = () => resolve(manager.restored.disconnect(onRestored));
      manager.restored.connect(onRestored);
    });
  }
  const view = { model_id: root, version_major: 2, version_minor: 0 };
  const output = { output_type: "display_data", data: { [WIDGET]: view }, metadata: {} };
  const cells = [...manager.context.model.cells];
  const shown = (one) => one.outputs?.toJSON().map(({ data }) => data?.[WIDGET]?.model_id) ?? [];
  const holder = cells.find((one) => shown(one).includes(root));
  if (holder) {
    // On a slow page, JupyterLab drew it before it had the model, and leaves it at an error.
    await new Promise((resolve) => setTimeout(resolve, PATIENCE));
    if (!manager.has_model(root)) return; // closed meanwhile
    const { views } = await manager.get_model(root);
    const place = shown(holder).indexOf(root);
    if (place >= 0 && !Object.keys(views ?? {}).length) holder.outputs.set(place, output);
    return;
  }
  const place = cells.find(({ id }) => id === cell);
  if (!place) return;
  const past = shown(place).some((id) => id && !manager.has_model(id));
  if (past || !place.trusted) place.outputs.clear();
  place.trusted = true; // as JupyterLab does when the cell is run; nothing of the file is left in it
  place.outputs.add(output);
}

function initialize({ model }) {
  speak(model);
  explainTerms();
  const manager = model.widget_manager;
  const [root, cell] = [model.get("view"), model.get("cell")];
  if (!manager?.context?.sessionContext) return; // not in a notebook of JupyterLab
  if (model.get("seen")) {
    comeBack(manager, root, cell);
  } else {
    model.set("seen", true); // told with the first question
  }
  hearKernel(model);
  return watchKernel(model);
}

// It has no view that would tell of a fault, and anywidget tells of it as of a slow page.
function initializeAloud(given) {
  try {
    return initialize(given);
  } catch (error) {
    console.error(error);
    throw error;
  }
}
export default { initialize: initializeAloud };
