// Elements, and the page's words. Whatever people or the assistant wrote becomes text, never markup.

export const words = JSON.parse(document.getElementById("words").textContent);
const SVG = "http://www.w3.org/2000/svg";

export function say(name, values = {}) {
  return words[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

export function make(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  return fill(element, options, children);
}

export function draw(tag, options = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  return fill(element, options, children);
}

function fill(element, options, children) {
  for (const [name, value] of Object.entries(options)) {
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else if (value !== null && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children);
  return element;
}

// Put `children` into an element only when what they show has changed, so that nobody hears it twice or loses the focus.
export function renew(element, shown, children) {
  const told = JSON.stringify(shown);
  if (element.dataset.shown !== told) {
    element.dataset.shown = told;
    element.replaceChildren(...children());
  }
}

export function tell(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
