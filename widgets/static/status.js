// One line that tells in words what the bench does, for everybody and for screen readers, and the
// page's theme told back to the kernel. The element stays, only its text changes: a live region
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

  const report = () => {
    model.set("dark", document.body.dataset.jpThemeLight === "false");
    model.save_changes();
  };
  const observer = new MutationObserver(report);
  observer.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  report();

  return () => {
    observer.disconnect();
    model.off("change:text", show);
    model.off("change:state", show);
  };
}
export default { render };
