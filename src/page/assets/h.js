// Descriptions of elements, as plain values: views are pure functions from state to these. Never touches the document,
// and has no way to say markup: a string is text, whoever wrote it.

/**
 * Describes an element. Properties are attributes; `key` keeps it the same among its siblings; `on…` is a function;
 * `style` is an object of CSS properties; true is an attribute without value, and null, undefined and false are none.
 * Children are elements, strings and numbers, in any depth of lists; null, undefined and booleans are left out.
 */
export function h(tag, properties, ...children) {
  const { key = null, ...attributes } = properties ?? {};
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on') ? typeof value !== 'function' && value != null : name === 'innerHTML' || name === 'srcdoc') {
      throw new TypeError(`${name} is not an attribute of ${tag}`);
    }
    if ((name === 'href' || name === 'src') && value != null && !isSafe(value)) attributes[name] = null;
  }
  return { tag, key, attributes, children: flat(children) };
}

/** The text of a description, as a reader hears it. */
export function text(node) {
  return typeof node === 'string' ? node : node.children.map(text).join('');
}

/** Whether following it stays on this site, or opens a page elsewhere: never a script, and never another site's name for `//`. */
export function isSafe(url) {
  return /^(\/(?![/\\])|#|\?)/.test(url) || /^https?:\/\/[^/\\]/i.test(url);
}

function flat(children) {
  const kept = [];
  for (const child of children) {
    if (Array.isArray(child)) kept.push(...flat(child));
    else if (child == null || typeof child === 'boolean') continue;
    else kept.push(typeof child === 'object' ? child : String(child));
  }
  return kept;
}
