// What several widgets' scripts build their elements with, and follow their models by. Everything from outside goes in as text.
function make(tag, parent, properties = {}, text = "") {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.textContent = text;
  parent.append(element);
  return element;
}

// Does something now, and whenever one of these traits changes; returns what ends that.
function follow(model, traits, action) {
  const events = traits.map((trait) => `change:${trait}`);
  events.forEach((event) => model.on(event, action));
  action();
  return () => events.forEach((event) => model.off(event, action));
}
