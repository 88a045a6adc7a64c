'use strict';

/** Creates an element: element('p', {class: 'x', onclick: f}, 'text', child, ...). */
function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
function shape(tag, attributes = {}, ...children) {
  return filled(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node[name] = value;
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value !== null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

const query = (selector) => document.querySelector(selector);

const number = (value, digits = 2) => (value === null ? '–' : value.toFixed(digits));

const kbps = (condition) => `${(condition.actual_bps / 1000).toFixed(1)} kbps`;

const percent = (share) => String(Number((100 * share).toFixed(3)));

const lossy = ({loss_rate: share}) => (share > 0 ? `, ${percent(share)} % lost` : '');

const title = (condition) =>
  condition.codec === 'original'
    ? 'original'
    : `${condition.codec} ${kbps(condition)}${lossy(condition)}`;

/** Fills a <select> with [value, text] pairs and calls `changed` now and at each change. */
function choose(select, options, changed) {
  select.replaceChildren(...options.map(([value, text]) => element('option', {value}, text)));
  select.onchange = () => changed(select.value);
  changed(select.value);
}

/** Offers text as a file. */
function download(name, type, text) {
  const link = element('a', {href: URL.createObjectURL(new Blob([text], {type})), download: name});
  link.click();
  URL.revokeObjectURL(link.href);
}

/** Mulberry32: the same numbers in [0, 1) from the same seed, in every browser. */
function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffled(items, random) {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}
