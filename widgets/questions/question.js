// A question with radio buttons. Everything from outside goes in as text. The elements stay, only
// their state changes: so the focus stays where it is, and the live region is read out.
function render({ model, el }) {
  const make = (tag, parent, text = "") => {
    const element = document.createElement(tag);
    element.textContent = text;
    parent.append(element);
    return element;
  };
  const form = make("form", el);
  form.className = "mla-question";
  const group = make("fieldset", form);
  make("legend", group, model.get("prompt"));
  const radios = model.get("choices").map((choice, index) => {
    const label = make("label", group);
    const radio = make("input", label);
    radio.type = "radio";
    radio.name = "choice"; // a group within its form
    radio.checked = index === model.get("guess");
    radio.addEventListener("change", () => {
      model.set("guess", index);
      model.save_changes();
    });
    make("span", label, choice);
    return radio;
  });
  const button = make("button", form, "Reveal");
  button.type = "submit";
  button.className = "jp-mod-styled";
  const verdict = make("p", form);
  verdict.setAttribute("role", "status");

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (model.get("guess") >= 0 && ["open", "outdated", "failed"].includes(model.get("state"))) {
      model.set("asked", model.get("asked") + 1);
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
    button.textContent = state === "outdated" ? "Ask again" : "Reveal";
    // Disabled, it would lose the focus.
    button.setAttribute("aria-disabled", String(over || state === "waiting"));
  };
  const told = ["change:state", "change:verdict", "change:guess", "change:holds"];
  told.forEach((name) => model.on(name, show));
  show();
  const leavePage = joinPage(el);
  return () => {
    leavePage();
    told.forEach((name) => model.off(name, show));
  };
}
export default { render };
