export const query = (selector) => document.querySelector(selector);

/** Creates an element: element('p', {class: 'x', onclick: f}, 'text', child, ...). */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** A button with the key that does the same. */
export function keyButton(text, key, action, id) {
  const hint = element('kbd', {'aria-hidden': 'true'}, key);
  return element('button', {onclick: action, id, 'aria-keyshortcuts': key}, `${text} `, hint);
}

/** Offers bytes as a file. */
export function download(name, type, bytes) {
  const link = element('a', {href: URL.createObjectURL(new Blob([bytes], {type})), download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
