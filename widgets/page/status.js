// One line that tells in words what the bench does, for everybody and for screen readers; and the
// page's theme told back to the kernel. The elements stay, only their text changes: a live region that
// is replaced is not read out. What is seen may change ten times a second; what is heard is calmer.
function render({ model, el }) {
  const line = make("p", el, { class: "mla-status" });
  const heard = make("p", el, { class: "mla-heard", role: "status", "aria-live": "polite" });

  const show = () => {
    line.textContent = model.get("text");
    line.dataset.state = model.get("state");
    heard.textContent = model.get("said");
  };
  const leaveModel = follow(model, ["text", "said", "state"], show);

  // Pictures must not queue up on a slow page: it answers each tick when it has drawn, and the kernel
  // waits for the answer before it draws again.
  const answer = () =>
    requestAnimationFrame(() => {
      model.set("tock", model.get("tick"));
      model.save_changes();
    });
  model.on("change:tick", answer);

  const report = () => {
    model.set("dark", document.body.dataset.jpThemeLight === "false");
    model.save_changes();
  };
  const observer = new MutationObserver(report);
  observer.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  report();

  const leavePage = joinPage(el, model);
  return () => {
    leavePage();
    observer.disconnect();
    model.off("change:tick", answer);
    leaveModel();
  };
}
export default { render };
