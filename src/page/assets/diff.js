// Two values beside each other, line by line. Pure.

/** Lines that are compared; longer texts are shown as one that goes and one that comes. */
const LONGEST = 400;

/** A value as lines, much as YAML writes it. A string stays as it is. */
export function lines(value, indent = '') {
  if (value === undefined) return [];
  if (typeof value === 'string') return value.split('\n').map((line) => indent + line);
  if (value === null || typeof value !== 'object') return [indent + String(value)];
  if (Array.isArray(value)) {
    if (value.length === 0) return [`${indent}[]`];
    return value.flatMap((item) => {
      const [first, ...rest] = lines(item, `${indent}  `);
      return [`${indent}- ${(first ?? '').slice(indent.length + 2)}`, ...rest];
    });
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return [`${indent}{}`];
  return entries.flatMap(([name, item]) => {
    const plain = item === null || typeof item !== 'object';
    if (plain && !String(item).includes('\n')) return [`${indent}${name}: ${item === '' ? "''" : item}`];
    if (plain) return [`${indent}${name}: |`, ...lines(item, `${indent}  `)];
    return Object.keys(item).length === 0 ? [`${indent}${name}: ${lines(item)}`] : [`${indent}${name}:`, ...lines(item, `${indent}  `)];
  });
}

/**
 * Rows of a side-by-side diff: `{ left, right, same }`, where a side without a line is null. Lines that changed in the
 * same place stand beside each other.
 */
export function rows(left, right) {
  const [a, b] = [lines(left), lines(right)];
  if (a.length > LONGEST || b.length > LONGEST) return pair(a, b);
  const common = longest(a, b);
  const out = [];
  let [i, j] = [0, 0];
  const gap = (toA, toB) => {
    out.push(...pair(a.slice(i, toA), b.slice(j, toB)));
    [i, j] = [toA, toB];
  };
  for (const [atA, atB] of common) {
    gap(atA, atB);
    out.push({ left: a[atA], right: b[atB], same: true });
    [i, j] = [atA + 1, atB + 1];
  }
  gap(a.length, b.length);
  return out;
}

function pair(a, b) {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, at) => ({ left: a[at] ?? null, right: b[at] ?? null, same: false }));
}

/** Places of the longest common subsequence. */
function longest(a, b) {
  const width = b.length + 1;
  const best = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      best[i * width + j] =
        a[i] === b[j] ? best[(i + 1) * width + j + 1] + 1 : Math.max(best[(i + 1) * width + j], best[i * width + j + 1]);
    }
  }
  const found = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) found.push([i++, j++]);
    else if (best[(i + 1) * width + j] >= best[i * width + j + 1]) i += 1;
    else j += 1;
  }
  return found;
}
