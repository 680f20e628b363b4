// What is around every view: the bar with the way to views, and how the line to the daemon is. Pure.

import { h } from './h.js';
import { icon } from './icons.js';
import { clock, span } from './time.js';

/** The page: bar, warnings, and a view. */
export function frame(state, act, view) {
  return [
    h('a', { class: 'skip', href: '#main', key: 'skip', onclick: act.skip }, 'Skip to the content'),
    h(
      'header',
      { class: 'bar', key: 'bar' },
      h(
        'div',
        null,
        h('a', { class: 'brand', href: '/' }, icon('mark'), 'Gitmoor'),
        h(
          'nav',
          { 'aria-label': 'Views' },
          tab('/', 'Overview', state.route.view === 'overview'),
          tab('/timeline', 'Timeline', state.route.view === 'timeline'),
        ),
        state.session?.user && h('span', { class: 'viewer', title: state.session.user }, state.session.user),
        state.session?.access === 'Token' && h('button', { class: 'button', type: 'button', onclick: act.logout }, 'Log out'),
        line(state, act),
      ),
    ),
    h('main', { id: 'main', key: 'main', tabindex: '-1' }, warnings(state), view),
  ];
}

function tab(href, word, here) {
  return h('a', { href, 'aria-current': here ? 'page' : null }, word);
}

/** How the line to the daemon is, in words. */
export function line({ line: { phase, since, until }, now }, act) {
  if (phase === 'live') return h('p', { class: 'line', id: 'line', 'data-phase': phase }, icon('pulse'), 'Live');
  if (phase === 'connecting') {
    return h('p', { class: since ? 'line odd' : 'line', id: 'line', 'data-phase': phase }, icon('turning'), since ? 'Reconnecting …' : 'Connecting …');
  }
  const left = until === null ? '' : ` in ${span(Math.ceil((until - now) / 1000))}`;
  return h(
    'p',
    { class: 'line bad', id: 'line', 'data-phase': phase },
    icon('broken'),
    h('span', null, since ? `Stale since ${clock(since)}, reconnecting${left}` : `No connection, next try${left}`),
    h('button', { class: 'button', type: 'button', onclick: act.hurry }, 'Now'),
  );
}

function warnings({ overview, failure }) {
  const said = [];
  if (failure) said.push(banner('bad', 'broken', failure));
  if (overview?.role === 'standby') said.push(banner('odd', 'pause', 'This process is a standby: it shows what it sees and changes nothing. Another one leads.'));
  if (overview && !overview.complete) said.push(banner('odd', 'turning', 'The daemon has not seen everything yet; counts still grow.'));
  return said;
}

/** Something that holds for the whole page. */
export function banner(tone, shape, ...words) {
  return h('p', { class: `banner ${tone}`, key: `banner ${shape}` }, icon(shape), h('span', null, ...words));
}
