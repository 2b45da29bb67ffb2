// Put before each widget's own script (`widgets/page/page.py`). Makes the cell's output around the widget
// ours: `page.css` holds in it, and everything in it works by keyboard.
const CONTROLS = "button,select,input,textarea,audio,summary,a[href],[role=slider],[tabindex]";

function joinPage(el, model) {
  hearKernel(model);
  let leave = () => {};
  const frame = requestAnimationFrame(() => {
    const output = el.closest(".jp-OutputArea-output");
    if (!output) {
      return; // not in JupyterLab
    }
    // Several widgets may stand in one output: the last to leave undoes it.
    output.mlaLeave ??= joinOutput(output);
    output.mlaGuests = (output.mlaGuests ?? 0) + 1;
    leave = () => {
      output.mlaGuests -= 1;
      if (output.mlaGuests === 0) {
        output.mlaLeave();
        delete output.mlaLeave;
      }
    };
  });
  return () => {
    cancelAnimationFrame(frame);
    leave();
  };
}

// ipywidgets' sliders have no name, and tell their place, such as an exponent, for their value.
function nameSlider(slider) {
  const row = slider.closest(".widget-slider");
  const told = {
    label: row.querySelector(".widget-label"),
    valuetext: row.querySelector(".widget-readout"),
  };
  for (const [name, { textContent }] of Object.entries(told)) {
    if (slider.getAttribute(`aria-${name}`) !== textContent) {
      slider.setAttribute(`aria-${name}`, textContent);
    }
  }
}

// Ctrl+S saves wherever the focus is. Keys that edit text stay with the control, and so does Ctrl+Enter,
// which would run the cell again.
function isOfThePage({ ctrlKey, metaKey, key }) {
  return (ctrlKey || metaKey) && /^[^acvxyz]$/i.test(key);
}

function joinOutput(output) {
  let chosen = null; // the control that the reader went to
  let substitute = null; // where the focus waits while that one is disabled

  // JupyterLab asks the very element that has the focus whether it may take the keys. Otherwise Enter
  // on a button would edit the cell, and "d d" on a list delete it.
  const onKey = (event) => {
    if (output.contains(event.target) && event.target.matches(CONTROLS)) {
      event.target.toggleAttribute("data-lm-suppress-shortcuts", !isOfThePage(event));
    }
  };
  const onFocus = ({ target }) => {
    if (target.matches?.(".widget-slider [role=slider]")) {
      nameSlider(target);
    }
    const part = target.closest?.(".mla-part:not([role])");
    part?.setAttribute("aria-label", part.querySelector("b > :last-child").textContent);
    part?.setAttribute("role", "group"); // several modalities have controls of the same names
    if (target !== substitute) {
      chosen = target;
      substitute = null;
    }
  };
  const onClick = ({ target }) => {
    const toggle = target.closest?.(".jupyter-button.widget-toggle-button");
    // ipywidgets tells its state by colour alone.
    requestAnimationFrame(() =>
      toggle?.setAttribute("aria-pressed", String(toggle.classList.contains("mod-active"))),
    );
  };
  const onBlur = ({ target, relatedTarget }) => {
    if (relatedTarget === null && !target.disabled) {
      chosen = substitute = null; // the reader left
    }
  };

  // A button that is disabled when it was pressed would lose the focus to nowhere: it waits at the
  // nearest button that can be pressed, and comes back when the first one can.
  const onDisabled = () => {
    const now = document.activeElement;
    const ours = now === document.body || now === chosen || now === substitute;
    if (!chosen?.isConnected || !ours) {
      return;
    }
    if (!chosen.disabled) {
      substitute = null;
    } else if (!substitute || substitute.disabled) {
      const around = [...chosen.parentElement.querySelectorAll("button")];
      const place = around.indexOf(chosen);
      const near = [...around.slice(0, place).reverse(), ...around.slice(place + 1)];
      substitute = near.find((button) => !button.disabled) ?? null;
    }
    const next = substitute ?? chosen;
    if (next !== now && !next.disabled) {
      next.focus({ preventScroll: true });
    }
  };
  const observer = new MutationObserver((changes) => {
    const targets = changes.map(({ target }) => target);
    targets.filter((one) => one.matches(".widget-slider [role=slider]")).forEach(nameSlider);
    onDisabled();
  });
  observer.observe(output, { subtree: true, attributeFilter: ["disabled", "aria-valuetext"] });
  output.classList.add("mla-output");
  output.dispatchEvent(new CustomEvent("mla-joined", { bubbles: true })); // `terms.js` listens
  window.addEventListener("keydown", onKey, true); // before JupyterLab, which listens at the document
  output.addEventListener("click", onClick);
  output.addEventListener("focusin", onFocus);
  output.addEventListener("focusout", onBlur);

  return () => {
    observer.disconnect();
    output.classList.remove("mla-output");
    window.removeEventListener("keydown", onKey, true);
    output.removeEventListener("click", onClick);
    output.removeEventListener("focusin", onFocus);
    output.removeEventListener("focusout", onBlur);
  };
}
