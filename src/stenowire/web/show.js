// Small words for the page's elements.

export const $ = (id) => document.getElementById(id);

export function told(element, text) {
  element.textContent = text;
  element.hidden = !text;
}

export function make(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
