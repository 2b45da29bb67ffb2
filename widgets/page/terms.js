// Underlines the terms of the glossary in the texts of every widget on the page, and shows a term's
// sentence when one points at it or comes to it by Tab. `page.js` tells of each output that becomes ours.
const QUIET = 700; // milliseconds without a change: what is written ten times a second is left alone
const NO_TEXT =
  "button,a,select,textarea,summary,svg,canvas,style,script,pre,code,td,audio,dfn," +
  ".mla-words,.js-plotly-plot,[aria-live],[role=status],[role=img],[aria-hidden=true]";
const SENTENCES = new Map(GLOSSARY.flatMap(([words, says]) => words.map((word) => [word, says])));
const TERM = (() => {
  const words = [...SENTENCES.keys()].sort((a, b) => b.length - a.length);
  const any = (letter) => (/[a-z]/.test(letter) ? `[${letter}${letter.toUpperCase()}]` : letter);
  const form = (word) => (word === word.toLowerCase() ? [...word].map(any).join("") : word);
  const whole = (word) => `(?<![\\p{L}\\p{N}_-])${form(word)}(?=s?(?![\\p{L}\\p{N}_-]))`;
  // Chinese has no spaces: a word of it ends where the next one begins.
  const forms = words.map((word) => (/\p{Script=Han}/u.test(word) ? word : whole(word)));
  return new RegExp(forms.join("|"), "gu");
})();
const plain = (word) => (SENTENCES.has(word) ? word : word.toLowerCase());
const sentence = (word) => SENTENCES.get(plain(word));

// One tip for the whole page, since boxes of the notebook would cut it off.
function tipOfPage() {
  const known = document.querySelector("#mla-tip");
  if (known) return known;
  const tip = document.createElement("p");
  Object.assign(tip, { id: "mla-tip", className: "mla-tip", hidden: true });
  tip.setAttribute("role", "tooltip");
  document.body.append(tip);
  return tip;
}

function showTip(target, says) {
  const tip = tipOfPage();
  tip.textContent = says;
  tip.hidden = false;
  const { left, top, bottom } = target.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = tip;
  const above = top - offsetHeight - 6;
  tip.style.left = `${Math.max(4, Math.min(left, innerWidth - offsetWidth - 4))}px`;
  tip.style.top = `${above > 0 ? above : bottom + 6}px`;
}

// A screen reader hears the sentence as the description of the term, or of the control that it labels.
function marked(word, place) {
  const term = document.createElement("dfn");
  term.className = "mla-term";
  term.textContent = word;
  term.dataset.says = sentence(word);
  const label = place.closest("label");
  const own = label?.control ?? label?.closest(".widget-slider")?.querySelector("[role=slider]");
  if (own) {
    const said = own.getAttribute("aria-description") ?? ""; // a label may hold several terms
    if (!said.includes(term.dataset.says)) {
      own.setAttribute("aria-description", `${said} ${term.dataset.says}`.trim());
    }
  } else {
    term.tabIndex = 0;
    term.setAttribute("aria-description", term.dataset.says);
  }
  return term;
}

function markTexts(output) {
  const inTexts = [...output.querySelectorAll("dfn.mla-term:not(.mla-words *)")];
  const seen = new Set(inTexts.map((one) => one.dataset.says));
  const walker = document.createTreeWalker(output, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  for (const text of texts) {
    const place = text.parentElement;
    if (!place || place.closest(NO_TEXT)) continue;
    const labels = place.closest("label") !== null;
    const found = [...text.data.matchAll(TERM)].filter(([word]) => {
      const says = sentence(word);
      return labels || (!seen.has(says) && seen.add(says));
    });
    if (!found.length) continue;
    const parts = [];
    let done = 0;
    for (const { 0: word, index } of found) {
      parts.push(text.data.slice(done, index), marked(word, place));
      done = index + word.length;
    }
    text.replaceWith(...parts, text.data.slice(done));
  }
  markPictures(output, seen);
}

// A picture's own words cannot have the focus: they stand below it once more.
function markPictures(output, seen) {
  const drawn = [...output.querySelectorAll(".js-plotly-plot text")].map((one) => one.textContent);
  const words = new Map();
  for (const [word] of drawn.join("\n").matchAll(TERM)) {
    if (!seen.has(sentence(word))) words.set(sentence(word), plain(word));
  }
  const before = output.querySelector(".mla-words");
  const sorted = [...words.values()].sort((a, b) => a.localeCompare(b));
  const told = sorted.join(", ");
  if ((before?.dataset.told ?? "") === told) return;
  before?.remove();
  if (!told) return;
  const line = document.createElement("p");
  line.className = "mla-words";
  line.dataset.told = told;
  line.append(tr("In the pictures: "));
  sorted.forEach((word, i) => line.append(i ? ", " : "", marked(word, line)));
  output.append(line);
}

function explain(output) {
  if (output.mlaExplained) return;
  output.mlaExplained = true;
  let waiting = 0;
  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => output.isConnected && mark(), QUIET);
  };
  const observer = new MutationObserver(later);
  const mark = () => {
    observer.disconnect(); // what is marked is no change
    markTexts(output);
    observer.observe(output, { childList: true, characterData: true, subtree: true });
  };
  mark();
}

// At the document, since a term may go while its tip is shown.
function listen() {
  const hide = () => (tipOfPage().hidden = true);
  const show = ({ target }) => {
    const term = target.closest?.(".mla-output dfn.mla-term");
    if (term) {
      showTip(term, term.dataset.says);
    } else if (target.ariaDescription && target.matches(".mla-output :focus-visible")) {
      showTip(target, target.ariaDescription); // a control whose label holds a term
    } else {
      hide();
    }
  };
  for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, show);
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", ({ key }) => key === "Escape" && hide(), true);
}

function explainTerms() {
  if (document.body.dataset.mlaTerms) return; // every view of the page brings the glossary
  document.body.dataset.mlaTerms = "explained";
  listen();
  document.addEventListener("mla-joined", ({ target }) => explain(target));
  document.querySelectorAll(".mla-output").forEach(explain);
}
