// What stands in the scripts is English; the kernel hands each view what its language has instead.
let MESSAGES = {};

// The first thing that a view does.
function speak(model) {
  MESSAGES = model.get("messages") ?? {};
}

// A message in the reader's language, with these values in its {placeholders}.
function tr(message, values = {}) {
  return (MESSAGES[message] ?? message).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// One after the other; those that are empty are left out.
function sentences(...said) {
  return said.filter(Boolean).reduce((one, then) => tr("{one} {then}", { one, then }));
}
