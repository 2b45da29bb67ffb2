// One line that tells in words what the bench does, for everybody and for screen readers; and the
// page's theme told back to the kernel. The element stays, only its text changes: a live region that
// is replaced is not read out.
function render({ model, el }) {
  const line = document.createElement("p");
  line.setAttribute("role", "status");
  line.setAttribute("aria-live", "polite");
  line.className = "mla-status";
  el.append(line);

  const show = () => {
    line.textContent = model.get("text");
    line.dataset.state = model.get("state");
  };
  model.on("change:text", show);
  model.on("change:state", show);
  show();

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

  const leavePage = joinPage(el);
  return () => {
    leavePage();
    observer.disconnect();
    model.off("change:tick", answer);
    model.off("change:text", show);
    model.off("change:state", show);
  };
}
export default { render };
