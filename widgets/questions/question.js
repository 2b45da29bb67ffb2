// A question with radio buttons. Everything from outside goes in as text. The elements stay, only
// their state changes: so the focus stays where it is, and the live region is read out.
function render({ model, el }) {
  speak(model);
  const form = make("form", el, { class: "mla-question" });
  const group = make("fieldset", form);
  const [prompt, ...choices] = model.get("shown");
  make("legend", group, {}, prompt);
  const radios = choices.map((choice, index) => {
    const label = make("label", group);
    const radio = make("input", label, { type: "radio", name: "choice" }); // a group within its form
    radio.checked = index === model.get("guess");
    radio.addEventListener("change", () => {
      model.set("guess", index);
      model.save_changes();
    });
    make("span", label, {}, choice);
    return radio;
  });
  const button = make("button", form, { type: "submit", class: "jp-mod-styled" }, tr("Reveal"));
  const verdict = make("p", form, { role: "status" });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (model.get("guess") >= 0 && ["open", "outdated", "failed"].includes(model.get("state"))) {
      const { holds, verdicts } = model.get("known");
      if (verdicts) {
        model.set("holds", holds);
        model.set("verdict", verdicts[model.get("guess")]);
        model.set("state", "revealed");
      } else {
        model.set("asked", model.get("asked") + 1);
      }
      model.save_changes();
    }
  });

  const show = () => {
    const state = model.get("state");
    if (verdict.textContent !== model.get("verdict")) {
      // A change of state is read out; how far something is, only once.
      verdict.setAttribute("aria-live", state === form.dataset.state ? "off" : "polite");
      verdict.textContent = model.get("verdict");
    }
    const over = state === "busy" || state === "revealed"; // where one waits, one may think again
    form.dataset.state = state;
    form.setAttribute("aria-busy", String(state === "busy"));
    radios.forEach((radio, index) => {
      radio.checked = index === model.get("guess");
      radio.disabled = over;
      radio.parentElement.dataset.holds = String(index === model.get("holds"));
    });
    button.disabled = model.get("guess") < 0;
    button.textContent = state === "outdated" ? tr("Ask again") : tr("Reveal");
    // Disabled, it would lose the focus.
    button.setAttribute("aria-disabled", String(over || state === "waiting"));
  };
  const leaveModel = follow(model, ["state", "verdict", "guess", "holds"], show);
  const leavePage = joinPage(el, model);
  return () => {
    leavePage();
    leaveModel();
  };
}
export default { render, initialize: keepGuess };
