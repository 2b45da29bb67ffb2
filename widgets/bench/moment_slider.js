// A native slider over the recorded moments. Only what a person does is told to the kernel: what
// the kernel sends while training goes on is shown and never echoed.
function render({ model, el }) {
  const leavePage = joinPage(el);
  const label = document.createElement("label");
  const name = document.createElement("span");
  name.textContent = "Moment";
  const slider = document.createElement("input");
  slider.type = "range";
  slider.min = "0";
  slider.step = "1";
  slider.setAttribute("aria-label", "Moment");
  const readout = document.createElement("output");
  label.append(name, slider);
  label.className = "mla-moment-label";
  el.classList.add("mla-moment");
  el.append(label, readout);

  let asked = 0;
  const say = (at) => {
    const steps = model.get("steps");
    const now = at >= steps.length - 1 && model.get("following") ? " (now)" : "";
    const told = `sub-step ${steps[Math.min(at, steps.length - 1)]}${now}`;
    readout.textContent = told;
    slider.setAttribute("aria-valuetext", told);
  };
  const show = () => {
    slider.max = String(model.get("steps").length - 1);
    slider.value = String(model.get("at"));
    slider.disabled = model.get("disabled");
    say(model.get("at"));
  };
  slider.addEventListener("input", () => {
    asked += 1;
    say(Number(slider.value));
    model.set("asked", [Number(slider.value), asked]);
    model.save_changes();
  });
  const traits = ["steps", "at", "following", "disabled"].map((trait) => `change:${trait}`);
  traits.forEach((trait) => model.on(trait, show));
  show();
  return () => {
    traits.forEach((trait) => model.off(trait, show));
    leavePage();
  };
}
export default { render };
