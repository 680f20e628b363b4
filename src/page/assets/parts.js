// Small parts that views share: states, times, revisions, commands to copy. Pure.

import { h } from './h.js';
import { icon } from './icons.js';
import { ago, exact } from './time.js';
import { narrowed, to } from './route.js';

/** How each health is said, in word, shape and tone. */
export const HEALTH = {
  Ready: { word: 'Ready', tone: 'good', shape: 'check' },
  Progressing: { word: 'Progressing', tone: 'busy', shape: 'turning' },
  NotReady: { word: 'Not ready', tone: 'bad', shape: 'cross' },
  Suspended: { word: 'Suspended', tone: 'still', shape: 'pause' },
  Terminating: { word: 'Terminating', tone: 'odd', shape: 'leaving' },
  Unknown: { word: 'Unknown', tone: 'still', shape: 'question' },
};

/** The health of an object. */
export function health(name) {
  const { word, tone, shape } = HEALTH[name] ?? HEALTH.Unknown;
  return h('span', { class: `state ${tone}` }, icon(shape), word);
}

/** A word with a shape on a soft ground. */
export function chip(tone, shape, ...words) {
  return h('span', { class: `chip ${tone}` }, icon(shape), h('span', null, ...words));
}

/** How long ago; exactly when, for those who point at it. */
export function when(time, now) {
  return time ? h('time', { datetime: time, title: exact(time) }, ago(time, now)) : h('span', { class: 'muted' }, 'never');
}

/** A revision, short, as in `main@0a1b2c3`; whole, for those who point at it. */
export function revision(whole) {
  return whole ? h('span', { class: 'mono', title: whole }, shortRevision(whole)) : h('span', { class: 'muted' }, '–');
}

/** `main@sha1:0a1b2c3…` as `main@0a1b2c3`. */
export function shortRevision(whole) {
  return whole.replace(/^(.*)@sha\d+:([0-9a-f]{7})[0-9a-f]*$/, '$1@$2');
}

/** A number and its noun, as in `3 fields`. */
export function many(number, noun) {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}

/** A sentence of a verdict or a condition: the reason in its own type, and the words; with the code to look up where something is wrong. */
export function because({ reason, message, code: known, ready }) {
  const code = ready === 'True' ? null : known;
  return [reason && h('span', { class: 'strong' }, reason), reason && message && ': ', message, code && [' ', h('span', { class: 'mono muted' }, code)]];
}

/** A link to an object's page. */
export function link(view, name, ...words) {
  return h('a', { href: to(view, name) }, words.length > 0 ? words : name);
}

/** A command with a button that copies it. */
export function command(text, act, purpose) {
  const done = act.copied === text;
  return h(
    'div',
    { class: 'command', key: `command ${text}` },
    h('code', { tabindex: '0', role: 'group', 'aria-label': purpose ?? 'Command' }, text),
    h('button', { type: 'button', 'aria-label': `Copy: ${text}`, onclick: () => act.copy(text) }, icon(done ? 'check' : 'copy'), done ? 'Copied' : 'Copy'),
  );
}

/** Commands, each with what it does. */
export function commands(list, act) {
  if (list.length === 0) return null;
  const items = list.map((one) => h('li', { key: one.command }, h('p', null, one.purpose), command(one.command, act, one.purpose)));
  return card('Commands', 'this page changes nothing; these do', h('ul', { class: 'body commands' }, items));
}

/** A part of a page with a heading. */
export function card(title, more, ...body) {
  const id = `part-${title.toLowerCase().replace(/[^a-z]+/g, '-')}`;
  return h('section', { class: 'card', key: id, 'aria-labelledby': id }, h('header', null, h('h2', { id }, title), more && h('p', null, more)), ...body);
}

/** Conditions: those that say that something is wrong first. */
export function conditions(list, now) {
  if (list.length === 0) return card('Conditions', null, h('p', { class: 'empty' }, 'Nothing was observed yet.'));
  const items = list.map((one) => {
    const { tone, shape } = truth(one);
    return h(
      'li',
      { key: one.type },
      h('span', { class: `state ${tone}` }, icon(shape), `${one.type} ${one.status}`),
      h('div', null, h('p', null, because(tone === 'good' ? { ...one, code: null } : one))),
      h('span', { class: 'muted' }, when(one.lastTransitionTime, now)),
    );
  });
  return card('Conditions', null, h('ul', { class: 'conditions' }, items));
}

/** Conditions of which it is good that they are false. */
const UNWANTED = new Set(['Stalled', 'Drifted', 'SourceDrifted', 'WorkloadDrifted', 'SourceStale', 'UnusedRules', 'Paused']);

/** What a condition's status means for its reader. */
export function truth({ type, status }) {
  if (status === 'Unknown') return { tone: 'still', shape: 'question' };
  if (type === 'Reconciling' && status === 'True') return { tone: 'busy', shape: 'turning' };
  const good = UNWANTED.has(type) ? status === 'False' : status === 'True';
  if (good) return { tone: 'good', shape: 'check' };
  return UNWANTED.has(type) && type !== 'Stalled' ? { tone: 'odd', shape: 'warning' } : { tone: 'bad', shape: 'cross' };
}

/** The services of one GitSync. */
export function servicesOf(name) {
  return h('a', { href: narrowed({ gitsync: name }) }, 'its services');
}

/** Facts with their names; those that are not known are left out. */
export function facts(...pairs) {
  const known = pairs.filter((pair) => pair && pair[1] != null && pair[1] !== '' && !(Array.isArray(pair[1]) && pair[1].length === 0));
  return h('dl', { class: 'facts' }, known.map(([name, ...value]) => h('div', { key: name }, h('dt', null, name), h('dd', null, ...value))));
}
