// The table of services: it draws only the rows on the screen, so that ten thousand are as quick as ten. One row has the
// focus (roving tabindex); keys move it. Pure.

import { h } from './h.js';
import { icon } from './icons.js';
import { health, revision, when } from './parts.js';
import { to } from './route.js';
import { visible } from './rows.js';

const COLUMNS = [
  ['health', 'Health'],
  ['name', 'Service'],
  ['why', 'Reason'],
  ['drifted', 'Drift'],
  ['replicas', 'Replicas'],
  ['image', 'Image'],
  ['revision', 'Revision'],
  ['when', 'Changed'],
];

/** The table of these rows. `scroll` has `top`, `height` of the window and height of a `row` in pixels. */
export function grid(rows, { scroll, active, marked, now }, act) {
  const at = Math.max(0, rows.findIndex((row) => row.key === active));
  const shown = visible({ ...scroll, total: rows.length, active: at });
  return h(
    'div',
    { class: 'grid', role: 'grid', 'aria-label': 'Services', 'aria-rowcount': rows.length + 1, 'aria-colcount': COLUMNS.length, key: 'grid' },
    h(
      'div',
      { role: 'rowgroup' },
      h('div', { class: 'row head', role: 'row', 'aria-rowindex': 1 }, COLUMNS.map(([name, title]) => h('span', { class: name, role: 'columnheader' }, title))),
    ),
    h(
      'div',
      { class: 'window', id: 'window', role: 'rowgroup', tabindex: '-1', style: { height: `${rows.length * scroll.row}px` }, onscroll: act.scrolled, onkeydown: act.pressed, onfocusin: act.focused },
      h(
        'div',
        { class: 'tall', role: 'presentation', style: { height: `${rows.length * scroll.row}px` } },
        shown.map((index) => line(rows[index], index, { tabbable: index === at, marked: marked.has(`MicroService/${rows[index].key}`), row: scroll.row, now }, act)),
      ),
    ),
  );
}

function line(row, index, { tabbable, marked, row: height, now }, act) {
  const cell = (name, title, ...words) => h('span', { class: name, role: 'gridcell', title }, ...words);
  return h(
    'div',
    {
      class: marked ? 'row changed' : 'row',
      key: row.key,
      role: 'row',
      'data-key': row.key,
      'aria-rowindex': index + 2,
      tabindex: tabbable ? '0' : '-1',
      style: { transform: `translateY(${index * height}px)` },
      onclick: (event) => act.opened(event, row.key),
    },
    cell('health', null, health(row.health)),
    cell('name', row.name, h('a', { href: to('service', row.name), tabindex: '-1' }, row.short), ' ', h('span', { class: 'muted' }, row.namespace)),
    cell('why', `${row.reason}: ${row.message}`, why(row)),
    cell('drifted', drifts(row), drifted(row)),
    cell('replicas', 'ready / desired', row.replicas ?? h('span', { class: 'muted' }, '–')),
    cell('image mono', row.runningImage && row.runningImage !== row.image ? `${row.image} (runs ${row.runningImage})` : row.image, image(row.image)),
    cell('revision', row.source?.revision, revision(row.source?.revision)),
    cell('when muted', null, row.since ? when(row.since, now) : '–'),
  );
}

/** What is wrong, and if nothing is, the reason alone. */
function why(row) {
  if (row.fights?.length > 0) return [h('span', { class: 'bad' }, icon('fight'), ' Fight: '), row.fights[0]];
  if (row.paused) return [icon('pause'), ' ', row.paused];
  if (row.health !== 'Ready') return [h('span', { class: 'strong' }, row.reason), row.message && ` ${row.message}`];
  if (row.concerns?.length > 0) return [h('span', { class: 'odd' }, icon('warning')), ' ', row.concerns[0]];
  return row.reason;
}

function drifted(row) {
  if (row.driftedFields === 0) return h('span', { class: 'muted' }, 'none');
  return h('span', { class: 'state odd' }, icon('drift'), row.driftedFields === 1 ? '1 field' : `${row.driftedFields} fields`);
}

function drifts({ drift: { source, workload } }) {
  return source + workload === 0 ? null : `${source} between Git and the MicroService, ${workload} between it and its children`;
}

/** An image without its registry's host: the end of the name tells images apart. */
function image(whole) {
  return whole.replace(/^[^/]*[.:][^/]*\//, '').replace(/@sha256:([0-9a-f]{7})[0-9a-f]*$/, '@$1');
}
