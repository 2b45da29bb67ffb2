// A native slider over a whole run: filled as far as it is trained, the thumb at the moment shown. It
// stops at recorded moments only. Only what a person does is told to the kernel: what the kernel sends
// while training goes on is shown and never echoed.
function render({ model, el }) {
  speak(model);
  const leavePage = joinPage(el, model);
  el.classList.add("mla-moment");
  const label = make("label", el);
  const name = make("span", label, {}, tr("Moment")).textContent;
  const slider = make("input", label, { type: "range", min: 0, step: 1, "aria-label": name });
  const readout = make("output", el);

  let asked = 0;
  const place = (step) => { // of the nearest recorded moment
    const far = model.get("steps").map((one) => Math.abs(one - step));
    return far.indexOf(Math.min(...far));
  };
  const say = (step) => {
    const steps = model.get("steps");
    const now = step >= steps.at(-1) && model.get("following");
    const values = { step, total: model.get("total") };
    slider.setAttribute("aria-valuetext",
      now ? tr("sub-step {step} (now)", values) : tr("sub-step {step}", values));
    readout.textContent = now
      ? tr("sub-step {step} of {total} (now)", values) : tr("sub-step {step} of {total}", values);
  };
  const show = () => {
    const total = Math.max(1, model.get("total"));
    slider.max = String(total);
    slider.value = String(model.get("at"));
    slider.disabled = model.get("disabled");
    slider.style.setProperty("--done", `${(100 * model.get("steps").at(-1)) / total}%`);
    say(model.get("at"));
  };
  const ask = (index) => {
    const steps = model.get("steps");
    const step = steps[Math.min(Math.max(0, index), steps.length - 1)];
    asked += 1;
    slider.value = String(step);
    say(step);
    model.set("asked", [step, asked]);
    model.save_changes();
  };
  slider.addEventListener("input", () => ask(place(Number(slider.value))));
  slider.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };
    const ends = { Home: 0, End: model.get("steps").length - 1 };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in moves) ask(place(Number(slider.value)) + moves[event.key]);
    else if (event.key in ends) ask(ends[event.key]);
    else return;
    event.preventDefault();
  });
  const leaveModel = follow(model, ["steps", "total", "at", "following", "disabled"], show);
  return () => {
    leaveModel();
    leavePage();
  };
}
export default { render };
