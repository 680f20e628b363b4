// What is shown is in the address: this reads and writes it. Pure.

/** Filters of the overview that the address holds, in the order in which it has them. */
export const FILTERS = ['q', 'namespace', 'gitsync', 'health', 'drift', 'sort'];

/** The view that an address asks for. */
export function parse(path, query = '') {
  const parts = path.split('/').filter((part) => part !== '').map(decode);
  const asked = new URLSearchParams(query);
  const [first, namespace, name, ...rest] = parts;
  if (parts.includes(null) || rest.length > 0) return { view: 'missing', path };
  if (parts.length === 0) return { view: 'overview', filters: filters(asked) };
  if (first === 'timeline' && parts.length === 1) {
    return { view: 'timeline', kind: asked.get('kind') ?? '', object: asked.get('object') ?? '' };
  }
  if (parts.length === 3 && first === 'gitsyncs') return { view: 'gitsync', namespace, name };
  if (parts.length === 3 && first === 'services') return { view: 'service', namespace, name };
  return { view: 'missing', path };
}

/** The address of a view. */
export function format(route) {
  const query = new URLSearchParams();
  const add = (name, value) => value && query.set(name, value);
  let path = '/';
  if (route.view === 'overview') for (const name of FILTERS) add(name, route.filters?.[name]);
  else if (route.view === 'timeline') {
    path = '/timeline';
    add('kind', route.kind);
    add('object', route.object);
  } else if (route.view === 'gitsync' || route.view === 'service') {
    path = `/${route.view}s/${encodeURIComponent(route.namespace)}/${encodeURIComponent(route.name)}`;
  } else path = route.path;
  const asked = query.toString();
  return asked === '' ? path : `${path}?${asked}`;
}

/** The address of `namespace/name`. */
export function to(view, key) {
  const cut = key.indexOf('/');
  return format({ view, namespace: key.slice(0, cut), name: key.slice(cut + 1) });
}

/** The overview, narrowed. */
export function narrowed(filters) {
  return format({ view: 'overview', filters });
}

function filters(asked) {
  return Object.fromEntries(FILTERS.map((name) => [name, asked.get(name) ?? '']).filter(([, value]) => value !== ''));
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}
