// A line that says how far a training is, and a bar. The elements stay, so that the line is read out
// when it changes.
function render({ model, el }) {
  speak(model);
  const box = make("div", el, { class: "mla-training" });
  const line = make("p", box, { role: "status" });
  const bar = make("progress", box, { "aria-label": tr("Training in the background") });
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
  const leaveModel = follow(model, ["state", "text", "progress"], show);
  const leavePage = joinPage(el, model);
  return () => {
    leavePage();
    leaveModel();
  };
}
export default { render };
