// One line that tells in words what the bench does, for everybody and for screen readers; the page's
// theme told back to the kernel; and the keyboard kept for the bench. The element stays, only its text changes: a live region
// that is replaced is not read out.
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

  // JupyterLab takes arrow keys for itself, unless the very element that has the focus asks it not
  // to; lists and sliders need them.
  const keepKeys = (event) => {
    if (event.target.matches?.("select, input, audio, [role=slider]")) {
      event.target.dataset.lmSuppressShortcuts = "true";
    }
  };
  let bench = null;
  requestAnimationFrame(() => {
    bench = line.closest(".jp-OutputArea-output");
    bench?.addEventListener("focusin", keepKeys);
  });

  return () => {
    bench?.removeEventListener("focusin", keepKeys);
    observer.disconnect();
    model.off("change:tick", answer);
    model.off("change:text", show);
    model.off("change:state", show);
  };
}
export default { render };
