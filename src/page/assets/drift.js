// Drift, field by field: what Git declares and what the cluster has beside each other, whose hand it was, and which commit
// and line declared it. Pure.

import { h } from './h.js';
import { rows } from './diff.js';
import { chip, link, when } from './parts.js';

/** What each change is called, its tone and its shape. */
const CHANGES = {
  Modified: ['changed', 'odd'],
  Added: ['added', 'odd'],
  Removed: ['removed', 'bad'],
  Disowned: ['no longer Gitmoor’s', 'odd'],
  Deleted: ['whole object deleted', 'bad'],
  Recreated: ['deleted and made anew', 'bad'],
  Terminating: ['being deleted', 'bad'],
};

/** What is done about it. */
const POLICIES = {
  Correct: 'Correct: it is put back to what Git declares',
  Report: 'Report: it is told and left as it is',
  Ignore: 'Ignore: it is left as it is',
};

/** How it ended. */
const ENDS = {
  Corrected: 'Gitmoor put it back',
  Reverted: 'somebody put it back',
  Declared: 'a commit settled it',
  Ignored: 'it is ignored from then on',
  Gone: 'the object is gone or no longer declared',
};

/** One drifted field. `owner` is the service whose page it is on, if it is. */
export function difference(field, now, owner) {
  const [word, tone] = CHANGES[field.change] ?? [field.change, 'odd'];
  const object = `${field.kind} ${field.object}`;
  const path = field.keyedPath ?? field.path;
  return h(
    'li',
    { class: 'drift', key: identity(field) },
    h(
      'h3',
      null,
      chip(tone, 'drift', word),
      path !== '' && h('code', null, path),
      h('span', { class: 'muted' }, 'of ', field.kind === 'MicroService' && field.object !== owner ? [`${field.kind} `, link('service', field.object)] : object),
    ),
    sides(field),
    h(
      'dl',
      { class: 'hands' },
      h('div', null, h('dt', null, field.ended ? 'Whose hand it was' : 'Changed in the cluster by'), h('dd', null, who(field), at(field, now))),
      h('div', null, h('dt', null, 'Declared by'), h('dd', null, declared(field.declaredAt, now))),
      field.ended
        ? h('div', null, h('dt', null, 'How it ended'), h('dd', null, ENDS[field.ended] ?? field.ended, ' ', when(field.until, now), field.lasted && ` after ${field.lasted}`))
        : h('div', null, h('dt', null, 'What is done about it'), h('dd', null, POLICIES[field.policy] ?? 'not said')),
    ),
  );
}

/** What tells a drift from others, also when its values change. */
export function identity(field) {
  return [field.kind, field.object, field.keyedPath ?? field.path, field.until ?? ''].join(' ');
}

function sides(field) {
  if (field.path === '' && field.declared === undefined && field.live === undefined) return null;
  // For what lost its owner both are the same, and one is enough.
  const lines = rows(field.declared, field.change === 'Disowned' ? field.declared : field.live);
  const side = (which, name, sign, shade) =>
    h(
      'div',
      null,
      h('h4', null, name),
      h(
        'pre',
        { tabindex: '0', 'aria-label': name },
        lines.length === 0 && h('span', null, ' '),
        lines.map((line) => {
          const words = line[which];
          if (words === null) return h('span', { class: 'none' }, lines.every((one) => one[which] === null) && line === lines[0] ? 'nothing' : ' ');
          return h('span', line.same ? null : { class: shade, 'data-sign': sign }, words === '' ? ' ' : words);
        }),
      ),
    );
  const [left, right] = field.level === 'workload' ? ['Declared, as rendered from Git', 'In the cluster'] : ['Declared in Git', 'In the cluster'];
  return h('div', { class: 'sides' }, side('left', left, '−', 'goes'), side('right', field.ended ? 'Was in the cluster' : right, '+', 'comes'));
}

function who(field) {
  const manager = field.manager ? [h('code', null, field.manager), field.operation && ` (${field.operation})`] : 'unknown: Kubernetes recorded nobody';
  return field.user ? [h('span', { class: 'strong' }, field.user), ' with ', manager] : manager;
}

function at(field, now) {
  if (field.time) return [', ', when(field.time, now)];
  return [', seen ', when(field.began ?? field.observed, now)];
}

function declared(place, now) {
  if (!place) return h('span', { class: 'muted' }, 'not known');
  const commit = place.commit && [
    h('br'),
    place.orEarlier ? 'commit or an earlier one ' : 'commit ',
    h('code', { title: place.commit }, place.commit.slice(0, 7)),
    place.author && ` by ${place.author}`,
    place.committed && [', ', when(place.committed, now)],
    place.subject && [h('br'), h('span', { class: 'muted' }, place.subject)],
  ];
  return [h('code', null, `${place.file}:${place.line}`), commit];
}
