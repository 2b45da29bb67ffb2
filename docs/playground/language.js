// Every text of the page is a key of `CHINESE`, and stands in English beside it. `?lang=zh` or `?lang=en` in
// the address says which is shown; otherwise the browser's own language does.
const asked = new URLSearchParams(location.search).get("lang") ?? navigator.language;
const language = /^zh\b/i.test(asked) ? "zh" : "en";

// The message in the reader's language, its {names} filled in.
function tr(message, values = {}) {
  const told = language === "zh" && Object.hasOwn(CHINESE, message) ? CHINESE[message] : message;
  return told.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// What an element says, as a message has it: text, with <em> as the only element within.
const messageOf = ({ childNodes }) =>
  [...childNodes]
    .map((node) => (node.localName === "em" ? `<em>${node.textContent}</em>` : node.textContent))
    .join("")
    .trim()
    .replace(/\s+/g, " ");

function write(element, message) {
  const parts = message.split(/<em>(.*?)<\/em>/); // text, emphasis, text ...
  const nodes = parts.map((part, i) => (i % 2 ? Object.assign(document.createElement("em"), { textContent: part }) : part));
  element.replaceChildren(...nodes);
}

// What stands in the page itself, and the way to the same state in the other language.
function translatePage() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = tr("MLA playground");
  for (const element of document.querySelectorAll("[data-tr]")) write(element, tr(messageOf(element)));
  for (const element of document.querySelectorAll("[aria-label]")) element.ariaLabel = tr(element.ariaLabel);
  const link = document.createElement("a");
  link.textContent = language === "zh" ? "English" : "中文";
  link.lang = language === "zh" ? "en" : "zh-CN";
  link.href = "#";
  link.onclick = () => {
    link.href = `?lang=${link.lang.slice(0, 2)}${location.hash}`;
  };
  document.getElementById("language").append(link);
}
translatePage();
