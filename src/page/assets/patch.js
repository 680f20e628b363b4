// Makes the document look as described, by changing only what differs: focus, selection and scroll positions stay.
// The only module that makes elements. Text goes into text nodes and attributes; nothing is ever parsed as markup.

const SVG = new Set(['svg', 'path', 'circle', 'rect', 'line', 'g']);
const DESCRIBED = Symbol('what an element was last described as');

/** Makes the children of `root` look as described. */
export function patch(root, ...described) {
  const focused = document.activeElement;
  children(root, described.flat(Infinity).filter((child) => child != null && child !== false));
  // An element that moved loses its focus.
  if (focused && focused !== document.activeElement && focused.isConnected && root.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
}

function children(parent, wanted) {
  const keyed = new Map();
  const loose = [];
  for (const node of parent.childNodes) {
    const key = node[DESCRIBED]?.key;
    if (key != null) keyed.set(key, node);
    else loose.push(node);
  }
  let next = 0;
  const kept = wanted.map((one) => {
    let node;
    if (typeof one !== 'string' && one.key != null) {
      node = keyed.get(one.key);
      if (node && node[DESCRIBED].tag === one.tag) keyed.delete(one.key);
      else node = null;
    } else if (next < loose.length && fits(loose[next], one)) {
      node = loose[next];
      next += 1;
    } else {
      // What follows does not line up any more: the rest of the loose ones is made anew where it does not fit either.
      const found = loose.findIndex((candidate, index) => index >= next && fits(candidate, one));
      if (found >= 0) [node] = loose.splice(found, 1);
    }
    return node ?? create(one);
  });
  const staying = new Set(kept);
  for (const node of [...parent.childNodes]) if (!staying.has(node)) node.remove();
  kept.forEach((node, index) => {
    if (parent.childNodes[index] !== node) parent.insertBefore(node, parent.childNodes[index] ?? null);
    update(node, wanted[index]);
  });
}

function fits(node, wanted) {
  return typeof wanted === 'string'
    ? node.nodeType === Node.TEXT_NODE
    : node.nodeType === Node.ELEMENT_NODE && node[DESCRIBED]?.tag === wanted.tag && node[DESCRIBED].key == null;
}

function create(wanted) {
  if (typeof wanted === 'string') return document.createTextNode(wanted);
  return SVG.has(wanted.tag)
    ? document.createElementNS('http://www.w3.org/2000/svg', wanted.tag)
    : document.createElement(wanted.tag);
}

function update(node, wanted) {
  if (typeof wanted === 'string') {
    if (node.data !== wanted) node.data = wanted;
    return;
  }
  const before = node[DESCRIBED];
  // The same description is the same element: whoever keeps one saves the walk.
  if (before === wanted) return;
  for (const name of Object.keys(before?.attributes ?? {})) {
    if (!(name in wanted.attributes)) set(node, name, null, before.attributes[name]);
  }
  for (const [name, value] of Object.entries(wanted.attributes)) set(node, name, value, before?.attributes[name]);
  node[DESCRIBED] = wanted;
  children(node, wanted.children);
  // A choice is made among options that exist.
  if (wanted.tag === 'select') {
    const chosen = [...node.options].findIndex((option) => option.value === (wanted.attributes.value ?? ''));
    if (node.selectedIndex !== chosen) node.selectedIndex = chosen;
  }
}

function set(node, name, value, before) {
  if (name === 'value') {
    if (node.localName === 'select') return;
    if (node.value !== String(value ?? '')) node.value = value ?? '';
    return;
  }
  if (name === 'style') {
    for (const property of Object.keys(before ?? {})) if (!(property in (value ?? {}))) node.style.removeProperty(property);
    for (const [property, to] of Object.entries(value ?? {})) if (before?.[property] !== to) node.style.setProperty(property, to);
    return;
  }
  if (value === before) return;
  if (name.startsWith('on')) node[name] = value ?? null;
  else if (value == null || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? '' : String(value));
}
