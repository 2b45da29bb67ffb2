// What several widgets' scripts build their elements with. Everything from outside goes in as text.
function make(tag, parent, properties = {}, text = "") {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.textContent = text;
  parent.append(element);
  return element;
}
