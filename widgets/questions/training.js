// A line that says how far a training is, and a bar. The elements stay, so that the line is read out
// when it changes.
function render({ model, el }) {
  const box = document.createElement("div");
  box.className = "mla-training";
  const line = document.createElement("p");
  line.setAttribute("role", "status");
  const bar = document.createElement("progress");
  bar.setAttribute("aria-label", "Training in the background");
  box.append(line, bar);
  el.append(box);
  const show = () => {
    const state = model.get("state");
    box.dataset.state = state;
    line.setAttribute("aria-live", state === "training" ? "off" : "polite"); // begin and end only
    bar.hidden = !["waiting", "training"].includes(state);
    bar.value = model.get("progress");
    if (line.textContent !== model.get("text")) {
      line.textContent = model.get("text");
    }
  };
  const told = ["change:state", "change:text", "change:progress"];
  told.forEach((name) => model.on(name, show));
  show();
  const leavePage = joinPage(el);
  return () => {
    leavePage();
    told.forEach((name) => model.off(name, show));
  };
}
export default { render };
