// The overview: everything at a glance, the GitSyncs, and the table of services with its search and filters. Pure.

import { grid } from './grid.js';
import { h } from './h.js';
import { icon } from './icons.js';
import { chip, health, HEALTH, many, revision, when } from './parts.js';
import { narrowed, to } from './route.js';
import { HEALTHS } from './rows.js';

/** GitSyncs that are listed before somebody asks for all. */
const FEW = 5;

/** Names of a tally's fields. */
const TALLIED = { Ready: 'ready', Progressing: 'progressing', NotReady: 'notReady', Suspended: 'suspended', Terminating: 'terminating', Unknown: 'unknown' };

/** The view. `found` is the selection of rows. */
export function overview(state, found, act) {
  return h(
    'div',
    { key: 'overview', style: { display: 'contents' } },
    h('h1', { class: 'aside', tabindex: '-1' }, 'Overview'),
    state.overview && glance(state.overview, state.route.filters, state.store),
    gitsyncs(state, act),
    services(state, found, act),
  );
}

function glance({ microServices: tally, driftedFields, held, paused, fights }, filters, store) {
  const findings = [...store.gitsyncs.values()].reduce((sum, sync) => sum + sync.counts.quarantined, 0);
  const toggled = (change, set) => narrowed({ ...filters, ...(set ? Object.fromEntries(Object.keys(change).map((name) => [name, ''])) : change) });
  const present = [...HEALTHS].reverse().filter((name) => tally[TALLIED[name]] > 0);
  const drifting = filters.drift === 'true';
  return h(
    'section',
    { class: 'glance', key: 'glance', 'aria-label': 'At a glance' },
    h(
      'div',
      null,
      h('p', { class: 'name' }, h('span', { class: 'figure' }, tally.total.toLocaleString('en')), ` service${tally.total === 1 ? '' : 's'}`),
      h('div', { class: 'meter', 'aria-hidden': 'true' }, present.map((name) => h('span', { key: name, class: HEALTH[name].tone, style: { flex: `${tally[TALLIED[name]]} 0 auto` } }))),
      h(
        'p',
        { class: 'legend' },
        present.map((name) => {
          const set = filters.health === name;
          return h('a', { key: name, href: toggled({ health: name }, set), 'aria-current': set ? 'true' : null }, h('span', { class: HEALTH[name].tone }, icon(HEALTH[name].shape)), `${tally[TALLIED[name]].toLocaleString('en')} ${HEALTH[name].word.toLowerCase()}`);
        }),
      ),
    ),
    h('a', { href: toggled({ drift: 'true' }, drifting), 'aria-current': drifting ? 'true' : null }, figure('Drift', tally.drifted, driftedFields > 0 ? `in ${many(driftedFields, 'field')}` : 'all as declared', 'odd', 'drift')),
    h('div', null, figure('Held plans', held, held > 0 ? 'wait for approval' : 'nothing waits', 'odd', 'hold')),
    h('div', null, figure('Quarantined', findings, findings > 0 ? 'keep their last good state' : 'all manifests are good', 'bad', 'warning')),
    h('div', null, figure('Paused, fought over', paused + fights, paused + fights > 0 ? `${paused} paused, ${many(fights, 'fight')}` : 'none', 'odd', 'pause')),
  );
}

function figure(name, number, words, tone, shape) {
  return [
    h('p', { class: 'name' }, name),
    h('p', { class: number > 0 ? `figure ${tone}` : 'figure' }, number > 0 && [icon(shape), ' '], number.toLocaleString('en')),
    h('p', { class: 'muted' }, words),
  ];
}

function gitsyncs({ store, now, all, loaded }, act) {
  const sorted = [...store.gitsyncs.values()].sort((a, b) => urgency(a) - urgency(b) || (a.name < b.name ? -1 : 1));
  const shown = all ? sorted : sorted.slice(0, FEW);
  return h(
    'section',
    { class: 'card', key: 'gitsyncs', 'aria-labelledby': 'gitsyncs' },
    h('header', null, h('h2', { id: 'gitsyncs' }, 'GitSyncs'), h('p', null, many(sorted.length, 'source'))),
    sorted.length === 0
      ? h('p', { class: 'empty' }, loaded ? 'There is no GitSync, or none that you may see.' : 'Loading …')
      : h(
          'table',
          { class: 'list' },
          h('thead', null, h('tr', null, ['Health', 'GitSync', 'Last commit', 'Applied'].map((name) => h('th', { scope: 'col' }, name)), ['Services', 'Ready', 'Drifted', 'Held back'].map((name) => h('th', { scope: 'col', class: 'number' }, name)))),
          h('tbody', null, shown.map((sync) => gitsync(sync, now))),
        ),
    sorted.length > FEW && h('p', { class: 'body' }, h('button', { type: 'button', class: 'button', 'aria-expanded': all ? 'true' : 'false', onclick: act.more }, all ? 'Show fewer' : `Show all ${sorted.length}`)),
  );
}

function gitsync(sync, now) {
  const { counts } = sync;
  const number = (name, value, tone) => h('td', { class: 'number', 'data-name': name }, h('span', { class: value > 0 ? tone : 'zero' }, value.toLocaleString('en')));
  const last = sync.history?.[0];
  return h(
    'tr',
    { key: sync.name },
    h('td', null, health(sync.health)),
    h(
      'td',
      { class: 'clipped', title: sync.health === 'Ready' ? null : `${sync.reason}: ${sync.message}` },
      h('a', { class: 'strong', href: to('gitsync', sync.name) }, sync.name),
      ' ',
      sync.hold && chip('odd', 'hold', 'Plan held'),
      ' ',
      sync.pinnedRevision && chip('still', 'commit', 'Pinned'),
      ' ',
      sync.paused && chip('still', 'pause', 'Paused'),
      sync.health !== 'Ready' && h('span', { class: 'say' }, sync.reason, sync.message && `: ${sync.message}`),
    ),
    h('td', { class: 'clipped', title: last?.subject }, revision(sync.revision), last?.subject && h('span', { class: 'muted' }, ` ${last.subject}`, last.author && ` · ${last.author}`)),
    h('td', { 'data-name': 'Applied', class: 'muted' }, when(sync.applied, now)),
    number('Services', counts.declared, ''),
    number('Ready', counts.ready, ''),
    number('Drifted', counts.drifted, 'odd strong'),
    number('Held back', counts.held + counts.quarantined, 'bad strong'),
  );
}

function urgency(sync) {
  return HEALTHS.indexOf(sync.health) * 2 - (sync.hold ? 20 : 0) - (sync.counts.drifted > 0 ? 1 : 0);
}

function services(state, { rows, namespaces, gitsyncs: sources }, act) {
  const { filters } = state.route;
  const total = state.store.services.size;
  const choice = (name, label, options) =>
    h(
      'select',
      { 'aria-label': label, class: filters[name] ? 'set' : null, value: filters[name] ?? '', onchange: (event) => act.filter({ [name]: event.target.value }) },
      options.map(([value, word]) => h('option', { key: value, value }, word)),
    );
  // A choice that the address asks for is offered, whether there is such a service or not.
  const offered = (name, known) => [...new Set([...known, filters[name]].filter((value) => value))].sort().map((value) => [value, value]);
  const narrow = Object.keys(filters).some((name) => name !== 'sort');
  return h(
    'section',
    { class: 'card', key: 'services', 'aria-labelledby': 'services' },
    h('h2', { id: 'services', class: 'aside' }, 'Services'),
    h(
      'div',
      { class: 'tools', role: 'search', 'aria-label': 'Services' },
      h(
        'div',
        { class: 'search' },
        icon('search'),
        h('input', { id: 'search', type: 'search', 'aria-label': 'Search services', placeholder: 'Search name, image, reason, file', autocomplete: 'off', spellcheck: 'false', value: filters.q ?? '', oninput: (event) => act.filter({ q: event.target.value }), onkeydown: act.searching }),
        h('span', { class: 'key', 'aria-hidden': 'true' }, '/'),
      ),
      choice('namespace', 'Namespace', [['', 'All namespaces'], ...offered('namespace', namespaces)]),
      choice('gitsync', 'GitSync', [['', 'All GitSyncs'], ...offered('gitsync', sources)]),
      choice('health', 'Health', [['', 'Any health'], ...HEALTHS.map((name) => [name, HEALTH[name].word])]),
      choice('drift', 'Drift', [['', 'Drift or none'], ['true', 'Drifted'], ['false', 'As declared']]),
      choice('sort', 'Order', [['', 'Urgent first'], ['name', 'By name'], ['changed', 'Changed last']]),
      narrow && h('button', { type: 'button', class: 'button', onclick: act.unfiltered }, 'Clear'),
      h('p', { class: 'found', id: 'found' }, narrow ? `${rows.length.toLocaleString('en')} of ${total.toLocaleString('en')}` : many(total, 'service'), !state.loaded && ', loading …'),
    ),
    rows.length > 0
      ? grid(rows, { scroll: state.scroll, active: state.active, marked: state.store.marked, now: state.now }, act)
      : h('p', { class: 'empty' }, !state.loaded ? 'Loading …' : narrow ? 'No service fits. Clear a filter to see more.' : 'There is no MicroService, or none that you may see.'),
  );
}
