// Put before each widget's own script (`widgets/page.py`). Makes the cell's output around the widget
// ours: `page.css` holds in it, and JupyterLab leaves the keys to whichever control has the focus.
// Otherwise Enter on a button would edit the cell, and "d d" on a list delete it.
const CONTROLS = "button, select, input, textarea, audio, summary, a[href], [role=slider], [tabindex]";

function joinPage(el) {
  let output = null;
  const keepKeys = (event) => {
    if (event.target.matches?.(CONTROLS)) {
      event.target.dataset.lmSuppressShortcuts = "true"; // JupyterLab asks this very element
    }
  };
  const frame = requestAnimationFrame(() => {
    output = el.closest(".jp-OutputArea-output");
    output?.classList.add("mla-output");
    output?.addEventListener("focusin", keepKeys);
  });
  return () => {
    cancelAnimationFrame(frame);
    output?.removeEventListener("focusin", keepKeys);
  };
}
