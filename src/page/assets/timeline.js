// What happened, the newest first: commits, syncs, drifts, rollouts. Pure.

import { h } from './h.js';
import { icon } from './icons.js';
import { link, shortRevision, when } from './parts.js';
import { format } from './route.js';
import { clock } from './time.js';

/** What each kind is called, and its shape. */
export const KINDS = {
  Commit: ['Commit', 'commit'],
  Sync: ['Sync', 'turning'],
  Hold: ['Held plan', 'hold'],
  Drift: ['Drift', 'drift'],
  DriftEnded: ['Drift ended', 'check'],
  Rollout: ['Rollout', 'rollout'],
  Health: ['Health', 'pulse'],
  Pause: ['Pause', 'pause'],
  Fight: ['Fight', 'fight'],
};

const TONES = { good: 'good', underWay: 'busy', bad: 'bad', plain: 'still' };

/** The view. */
export function timeline({ route, entries, more, now }, act) {
  const shown = (entries ?? []).filter((entry) => (!route.kind || entry.kind === route.kind) && (!route.object || concerns(entry, route.object)));
  const days = grouped(shown);
  const about = route.object.split('/');
  return h(
    'div',
    { key: 'timeline', style: { display: 'contents' } },
    h(
      'header',
      { class: 'title', key: 'title' },
      h('h1', { tabindex: '-1' }, 'Timeline'),
      route.object && h('p', null, 'of ', about[0], ' ', link(about[0] === 'GitSync' ? 'gitsync' : 'service', about.slice(1).join('/')), ' · ', h('a', { href: format({ view: 'timeline', kind: route.kind }) }, 'of everything')),
    ),
    h(
      'div',
      { class: 'tools card', key: 'tools' },
      h(
        'select',
        { 'aria-label': 'Kind', class: route.kind ? 'set' : null, value: route.kind, onchange: (event) => act.go(format({ ...route, kind: event.target.value })) },
        h('option', { value: '' }, 'Everything'),
        Object.entries(KINDS).map(([kind, [word]]) => h('option', { key: kind, value: kind }, word)),
      ),
      h('p', { class: 'found' }, entries ? `${shown.length.toLocaleString('en')} shown` : 'Loading …', more > 0 && `, ${more.toLocaleString('en')} older`),
    ),
    entries && shown.length === 0 && h('p', { class: 'card empty', key: 'empty' }, 'Nothing that is remembered fits.'),
    h('ol', { class: 'days', key: 'days' }, [...days].map(([name, list]) => h('li', { key: name }, h('h2', null, name), h('ol', { class: 'moments' }, list.map((entry) => moment(entry, now)))))),
  );
}

function moment(entry, now) {
  const [word, shape] = KINDS[entry.kind] ?? [entry.kind, 'question'];
  // What the sentence says already is not said again.
  const known = entry.revision && !entry.text.includes(shortRevision(entry.revision)) ? entry.revision : null;
  return h(
    'li',
    { key: entry.id },
    h('span', { class: 'muted' }, when(entry.time, now)),
    h('span', { class: `state ${TONES[entry.tone] ?? 'still'}` }, icon(shape), word),
    h(
      'div',
      null,
      link(entry.object.kind === 'GitSync' ? 'gitsync' : 'service', entry.object.name),
      ' ',
      entry.text,
      (known || entry.author || entry.who) &&
        h('p', null, [known && shortRevision(known), entry.author && `by ${entry.author}`, entry.who && `by ${entry.who}`, clock(Date.parse(entry.time))].filter(Boolean).join(' · ')),
    ),
  );
}

function concerns(entry, object) {
  return `${entry.object.kind}/${entry.object.name}` === object || (entry.gitsync && `GitSync/${entry.gitsync}` === object);
}

function day(time) {
  const then = new Date(time);
  return Number.isNaN(then.getTime()) ? 'At some time' : then.toLocaleDateString('en-GB', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
}

function grouped(entries) {
  const days = new Map();
  for (const entry of entries) {
    const name = day(entry.time);
    if (!days.has(name)) days.set(name, []);
    days.get(name).push(entry);
  }
  return days;
}
