// The page: keeps what is known, follows what changes, and draws the view that the address asks for.

import * as api from './api.js';
import { put } from './clipboard.js';
import { frame } from './frame.js';
import { gitsync } from './gitsync.js';
import { keys } from './keys.js';
import { line } from './live.js';
import { forbidden, login, missing, unnamed } from './notice.js';
import { overview } from './overview.js';
import { patch } from './patch.js';
import { format, parse } from './route.js';
import { service } from './service.js';
import { announcement, change, empty, merged, selection, take } from './store.js';
import { timeline } from './timeline.js';

/** Milliseconds between looks at what no event tells: pods of a tree, the commit behind a drift. */
const LOOK = 10_000;

const page = document.getElementById('page');
const said = document.getElementById('said');
const select = selection();

const state = {
  route: parse(location.pathname, location.search),
  now: Date.now(),
  session: null,
  line: { phase: 'connecting', since: null, until: null },
  overview: null,
  store: empty(),
  loaded: false,
  failure: null,
  /** What is known of the object that the address names, and its tree. */
  one: null,
  tree: null,
  missing: null,
  forbidden: null,
  /** Why the proxy is not believed. */
  refusal: null,
  entries: null,
  more: 0,
  scroll: { top: 0, height: 600, row: 38 },
  active: null,
  all: false,
  form: { wrong: null, busy: false },
};

let following = null;
let waiting = null;
let copied = null;

// Drawing

let asked = false;
/** Draws soon; many changes are one drawing. */
function draw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(drawNow);
}

function drawNow() {
  asked = false;
  patch(page, content());
  if (document.title !== title()) document.title = title();
  measure();
}

function content() {
  const { session, route } = state;
  if (session === null) return state.failure ? frame(state, act, null) : [];
  if (!session.authenticated) return session.access === 'Token' ? login(state.form, act) : frame(state, act, unnamed(state.refusal));
  return frame(state, act, state.forbidden ? forbidden(state.forbidden) : view(route));
}

function view(route) {
  if (route.view === 'overview') return overview(state, rows(), act);
  if (route.view === 'timeline') return timeline(state, act);
  if (route.view === 'missing' || state.missing) return missing(state.missing ?? `Nothing is at ${route.path}.`);
  if (state.one === null) return null;
  return route.view === 'gitsync' ? gitsync(state.one, state.now, act) : service(state.one, state.tree, state.now, act);
}

function rows() {
  return select(state.store, state.route.view === 'overview' ? state.route.filters : {});
}

function title() {
  const { view: name, namespace, name: object } = state.route;
  const wrong = state.overview?.microServices.notReady ?? 0;
  if (name === 'gitsync' || name === 'service') return `${object} in ${namespace} – Gitmoor`;
  return `${name === 'timeline' ? 'Timeline' : 'Overview'}${wrong > 0 ? ` (${wrong} not ready)` : ''} – Gitmoor`;
}

/** How much of the table is on the screen. */
function measure() {
  const element = document.getElementById('window');
  if (element === null) return;
  const root = getComputedStyle(document.documentElement);
  const row = parseFloat(root.getPropertyValue('--row')) * parseFloat(root.fontSize);
  const { clientHeight: height, scrollTop: top } = element;
  if (height !== state.scroll.height || row !== state.scroll.row || Math.abs(top - state.scroll.top) > 1) {
    state.scroll = { top, height, row };
    draw();
  }
}

/** Tells those who listen; what was said last is not said again. */
function say(words) {
  if (words !== '' && said.textContent !== words) said.textContent = words;
}

// Following

async function start() {
  try {
    state.session = await api.session();
    state.failure = null;
  } catch {
    state.failure = 'The daemon does not answer. This page tries again by itself.';
    setTimeout(start, 5000);
    return draw();
  }
  draw();
  if (state.session.authenticated) return load();
  if (state.session.access === 'Proxy') {
    state.refusal = await api.get('/overview').then(() => null, (error) => error);
    draw();
  }
}

/** Reads everything, then follows what changes. What came meanwhile is taken after it. */
async function load() {
  const first = following === null;
  const next = first ? state.store : empty();
  waiting = [];
  try {
    const version = await api.everything((some) => {
      if (some.overview) state.overview = some.overview;
      if (some.gitsyncs) take(next, 'gitsyncs', some.gitsyncs);
      if (some.services) take(next, 'services', some.services);
      draw();
    });
    Object.assign(state, { store: next, loaded: true, failure: null });
    for (const data of waiting) changed(data, next);
    waiting = null;
    if (following === null) follow(version);
  } catch (error) {
    waiting = null;
    if (refused(error)) return;
    state.failure = 'What the daemon knows could not be read. This page tries again by itself.';
    setTimeout(load, 5000);
  }
  look();
  draw();
}

function follow(version) {
  following = line(`/api/v1/events?since=${encodeURIComponent(version)}`, {
    heard,
    changed(next) {
      const was = state.line;
      state.line = next;
      if (was.phase !== next.phase) {
        if (next.phase === 'live' && was.since) say('Live again');
        if (next.phase === 'waiting' && was.phase === 'live') say('The connection is lost; what is shown may be old');
      }
      if (next.phase === 'refused') out();
      draw();
    },
    fetch: (...request) => fetch(...request),
    now: () => Date.now(),
    random: Math.random,
    after: (milliseconds, call) => setTimeout(call, milliseconds),
    cancel: (timer) => clearTimeout(timer),
  });
}

function heard({ type, data }) {
  if (type === 'denied') return out();
  const told = JSON.parse(data);
  if (type === 'reset' || (type === 'hello' && !told.resumed)) {
    load();
    return;
  }
  if (type !== 'change') return;
  if (waiting !== null) waiting.push(told);
  else changed(told, state.store);
}

function changed(data, store) {
  state.now = Date.now();
  const { said: sentences, touched } = change(store, data, state.now);
  if (data.overview) state.overview = data.overview;
  if (data.timeline && state.entries) state.entries = merged(state.entries, data.timeline);
  say(announcement(sentences));
  if (touched.has(subject())) look();
  draw();
}

/** How events call the object that the address names. */
function subject() {
  const { view: name, namespace, name: object } = state.route;
  return `${name === 'gitsync' ? 'GitSync' : 'MicroService'}/${namespace}/${object}`;
}

let looking = null;
/** Reads what the address names. */
async function look() {
  const { route } = state;
  if (!state.session?.authenticated || state.forbidden) return;
  const mine = {};
  looking = mine;
  const current = () => looking === mine;
  try {
    if (route.view === 'timeline') {
      const { items, more } = await api.timeline(route);
      if (current()) Object.assign(state, { entries: merged([], items), more: more ?? 0 });
    } else if (route.view === 'gitsync') {
      const one = await api.one(route);
      if (current()) Object.assign(state, { one, missing: null });
    } else if (route.view === 'service') {
      const [one, tree] = await Promise.all([api.one(route), api.tree(route)]);
      if (current()) Object.assign(state, { one, tree, missing: null });
    }
  } catch (error) {
    if (!current() || refused(error)) return;
    if (error.status === 404) Object.assign(state, { one: null, tree: null, missing: error.message });
    // Else the line says that there is no connection.
  }
  draw();
}

/** Whether it was about who is looking; then that is asked anew. */
function refused(error) {
  if (error.status === 401) out();
  else if (error.status === 403) state.forbidden = error.message;
  draw();
  return error.status === 401 || error.status === 403;
}

let left = -Infinity;
/** The session is over, or so it is said: who is looking is asked anew, and not without end. */
function out() {
  following?.close();
  following = null;
  const soon = Date.now() - left < 2000;
  left = Date.now();
  Object.assign(state, { session: null, store: empty(), loaded: false, overview: null, one: null, tree: null, entries: null });
  if (soon) setTimeout(start, 2000);
  else start();
}

// Going

function go(address, { replace = false } = {}) {
  settle();
  const before = state.route;
  const next = parse(new URL(address, location.origin).pathname, new URL(address, location.origin).search);
  if (replace) history.replaceState(null, '', address);
  else history.pushState(null, '', address);
  arrive(before, next);
  if (before.view !== next.view || before.name !== next.name || before.namespace !== next.namespace) {
    drawNow();
    scrollTo(0, 0);
    focusHeading();
  }
}

function arrive(before, next) {
  state.route = next;
  const same = before.view === next.view && before.name === next.name && before.namespace === next.namespace;
  if (!same) Object.assign(state, { one: null, tree: null, missing: null });
  if (before.object !== next.object) state.entries = null;
  if (next.view === 'overview' && before.view === 'overview') top();
  look();
  draw();
}

/** The table begins at its first row again: other rows are in it now. */
function top() {
  const element = document.getElementById('window');
  if (element) element.scrollTop = 0;
  state.scroll = { ...state.scroll, top: 0 };
}

function focusHeading() {
  const heading = page.querySelector('h1');
  (heading ?? document.getElementById('main'))?.focus({ preventScroll: true });
}

let writing = null;
/** Narrows the table. The address follows a moment later: browsers bound how often it may change. */
function filter(some) {
  const filters = Object.fromEntries(Object.entries({ ...state.route.filters, ...some }).filter(([, value]) => value !== ''));
  state.route = { view: 'overview', filters };
  top();
  drawNow();
  clearTimeout(writing);
  writing = setTimeout(() => {
    settle();
    say(`${rows().rows.length} services`);
  }, 250);
}

/** Writes the filters into the address, if that is still to be done: the way back must lead through them. */
function settle() {
  if (writing === null) return;
  clearTimeout(writing);
  writing = null;
  history.replaceState(null, '', format(state.route));
}

const act = {
  go,
  filter,
  ...keys({ state, rows: () => rows().rows, go, drawNow, draw }),
  unfiltered: () => filter({ q: '', namespace: '', gitsync: '', health: '', drift: '' }),
  more() {
    state.all = !state.all;
    draw();
  },
  hurry: () => following?.hurry(),
  skip(event) {
    event.preventDefault();
    document.getElementById('main').focus();
  },
  get copied() {
    return copied;
  },
  async copy(words) {
    copied = (await put(words)) ? words : null;
    say(copied ? 'Copied' : 'The browser does not let this page copy; select the command instead');
    draw();
    setTimeout(() => {
      copied = null;
      draw();
    }, 2000);
  },
  async login(event) {
    event.preventDefault();
    const token = new FormData(event.target).get('token').trim();
    state.form = { wrong: null, busy: true };
    draw();
    try {
      state.session = await api.login(token);
      state.form = { wrong: null, busy: false };
      draw();
      await load();
    } catch (error) {
      state.form = { wrong: error.status === 401 ? 'The API server does not know this token, or it has expired.' : error.message, busy: false };
      draw();
    }
  },
  async logout() {
    await api.logout().catch(() => null);
    out();
  },
};

// The browser

document.addEventListener('click', (event) => {
  const anchor = event.target.closest?.('a[href]');
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!anchor || !plain || event.defaultPrevented || anchor.target || anchor.origin !== location.origin) return;
  event.preventDefault();
  go(anchor.pathname + anchor.search);
});
document.addEventListener('keydown', act.anywhere);
addEventListener('popstate', () => {
  clearTimeout(writing);
  writing = null;
  arrive(state.route, parse(location.pathname, location.search));
  drawNow();
});
addEventListener('resize', draw);
addEventListener('online', () => following?.hurry());
document.addEventListener('visibilitychange', () => {
  if (document.hidden) return;
  following?.hurry();
  look();
});
setInterval(() => {
  state.now = Date.now();
  draw();
}, 1000);
setInterval(() => {
  if (!document.hidden && state.line.phase === 'live' && (state.route.view === 'service' || state.route.view === 'gitsync')) look();
}, LOOK);

start();
