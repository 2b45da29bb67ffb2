// anywidget lets nothing through to a widget whose script took longer than two seconds to load, for
// ever: on a page that was busy just then a view would show its first state and never another. What
// draws has been loaded, so from here on it hears the kernel, and asks for what it missed.
const hearing = new WeakMap(); // of each model, since a view may wait for it, too

function hearKernel(model) {
  if (!hearing.has(model)) hearing.set(model, listenTo(model));
  return hearing.get(model);
}

async function listenTo(model) {
  const real = await modelBehind(model);
  if (!real?.comm || !real._handle_comm_msg) return; // a page without a kernel
  const nothing = { content: { data: { method: "update", state: {} } }, buffers: [] };
  const deaf = await real._handle_comm_msg(nothing).then(() => false, () => true);
  if (!deaf) return;
  const ofIpywidgets = Object.getPrototypeOf(Object.getPrototypeOf(real))._handle_comm_msg;
  real.comm.on_msg((message) => ofIpywidgets.call(real, message));
  real.comm.send({ method: "request_state" }, {});
}

// anywidget hands out a stand-in; whoever listens to a change is told of the model itself.
function modelBehind(model) {
  return new Promise((resolve) => {
    const onChange = (real) => {
      model.off("change:mla_view", onChange);
      resolve(real);
    };
    model.on("change:mla_view", onChange);
    model.set("mla_view", Math.random()); // no trait: the kernel takes no notice of it
  });
}
