// Which rows a table shows, and in which order: search, filters, sorting, and the part of it that is on the screen. Pure.

/** Every health; what needs a person comes first. */
export const HEALTHS = ['NotReady', 'Unknown', 'Terminating', 'Progressing', 'Suspended', 'Ready'];
export const SORTS = ['attention', 'name', 'changed'];

/** A row as it is shown and searched: what is searched is put together once, so that a search is one pass over strings. */
export function row(service) {
  const cut = service.name.indexOf('/');
  const searched = [service.name, service.image, service.source?.sync, service.reason, service.source?.revision, service.source?.file];
  return {
    ...service,
    key: service.name,
    namespace: service.name.slice(0, cut),
    short: service.name.slice(cut + 1),
    gitsync: service.source?.sync ?? '',
    searched: searched.map((part) => part ?? '').join('\n').toLowerCase(),
  };
}

/** The rows that filters leave, sorted. Each word of the search must occur. */
export function select(rows, filters) {
  const words = (filters.q ?? '').toLowerCase().split(/\s+/).filter((word) => word !== '');
  const { namespace, health, drift, gitsync } = filters;
  const kept = rows.filter(
    (row) =>
      (!namespace || row.namespace === namespace) &&
      (!gitsync || row.gitsync === gitsync) &&
      (!health || row.health === health) &&
      (!drift || (drift === 'true') === row.driftedFields > 0) &&
      words.every((word) => row.searched.includes(word)),
  );
  return kept.sort(ORDERS[filters.sort] ?? ORDERS.attention);
}

/** The different values of a field, sorted. */
export function values(rows, field) {
  return [...new Set(rows.map((row) => row[field]).filter((value) => value))].sort();
}

/** The rows to draw: those on the screen and some around them, and the one with the focus wherever it is. */
export function visible({ top, height, row, total, active, margin = 8 }) {
  const first = Math.max(0, Math.min(total, Math.floor(top / row) - margin));
  const last = Math.min(total, Math.ceil((top + height) / row) + margin);
  const indices = Array.from({ length: Math.max(0, last - first) }, (_, index) => first + index);
  if (active >= 0 && active < total && (active < first || active >= last)) indices.push(active);
  return indices;
}

/** Where a key moves from one row; null where it does not. */
export function move(key, at, total, page) {
  const last = total - 1;
  const steps = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page };
  if (total === 0) return null;
  if (key === 'Home') return 0;
  if (key === 'End') return last;
  return Object.hasOwn(steps, key) ? Math.max(0, Math.min(last, at + steps[key])) : null;
}

const RANKS = Object.fromEntries(HEALTHS.map((health, at) => [health, at]));
const byName = (a, b) => compare(a.key, b.key);
const ORDERS = {
  name: byName,
  attention: (a, b) => RANKS[a.health] - RANKS[b.health] || (b.driftedFields > 0) - (a.driftedFields > 0) || byName(a, b),
  changed: (a, b) => compare(b.since ?? '', a.since ?? '') || byName(a, b),
};

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}
