// Making elements, and writing numbers.

/** Make an HTML element with attributes and children. */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** Make an SVG element. */
export function drawing(name, attributes = {}, ...children) {
  const space = "http://www.w3.org/2000/svg";
  return filled(document.createElementNS(space, name), attributes, children);
}

// Between a number and its unit no line may break.
const SPACE = "\u00a0";

/** Multiply-adds in millions, with three digits. */
export function millions(macs) {
  return `${(macs / 1e6).toPrecision(3)}${SPACE}M`;
}

/** Milliseconds. */
export function time(milliseconds) {
  return `${milliseconds.toFixed(2)}${SPACE}ms`;
}

/** A share as a percentage. */
export function percent(share, digits = 0) {
  return `${(100 * share).toFixed(digits)}${SPACE}%`;
}

/** A certainty: three digits, more where they would make it 0 or 1. */
export function limit(value) {
  let digits = Math.max(3, 2 - Math.floor(Math.log10(value || 1)));
  while (value < 1 && Number(value.toFixed(digits)) >= 1) digits += 1;
  return value.toFixed(digits);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}
