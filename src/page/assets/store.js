// What the page knows of all objects, and what a change of it means. Pure but for the maps that it is told to keep.

import { row, select, values } from './rows.js';

/** Milliseconds for which a row that changed is marked. */
export const MARKED = 1600;
/** Entries that are kept of the timeline. */
const ENTRIES = 1000;

/** Nothing yet. */
export function empty() {
  return { services: new Map(), gitsyncs: new Map(), marked: new Map(), generation: 0 };
}

/** Takes rows of a list. */
export function take(store, kind, items) {
  for (const item of items) store[kind].set(item.name, kind === 'services' ? row(item) : item);
  store.generation += 1;
}

/**
 * Takes a change, and returns what there is to say of it: sentences for those who listen, and the names of objects that
 * it was about.
 */
export function change(store, data, now) {
  const said = [];
  const touched = new Set();
  for (const [kind, word, items, removed] of [
    ['services', 'MicroService', data.services, data.removedServices],
    ['gitsyncs', 'GitSync', data.gitsyncs, data.removedGitsyncs],
  ]) {
    for (const item of items ?? []) {
      said.push(...news(word, store[kind].get(item.name), item));
      touched.add(`${word}/${item.name}`);
      store.marked.set(`${word}/${item.name}`, now);
    }
    take(store, kind, items ?? []);
    for (const name of removed ?? []) {
      if (store[kind].delete(name)) said.push(`${word} ${name} is gone`);
      touched.add(`${word}/${name}`);
    }
  }
  for (const entry of data.timeline ?? []) touched.add(`${entry.object.kind}/${entry.object.name}`);
  for (const [name, at] of store.marked) if (now - at > MARKED) store.marked.delete(name);
  return { said, touched };
}

function news(word, before, after) {
  if (!before) return [`${word} ${after.name} is new`];
  const said = [];
  if (before.health !== after.health) said.push(`${word} ${after.name} is ${spoken(after)}`);
  const [was, is] = [before.driftedFields ?? 0, after.driftedFields ?? 0];
  if (is > was) said.push(`${word} ${after.name} drifted`);
  else if (is === 0 && was > 0) said.push(`${word} ${after.name} is as declared again`);
  if (!before.hold && after.hold) said.push(`a plan of ${word} ${after.name} waits for approval`);
  return said;
}

function spoken({ health, reason }) {
  return health === 'NotReady' ? `not ready: ${reason}` : health.toLowerCase();
}

/** Sentences as one announcement: a few in full, of many the number. */
export function announcement(said) {
  return said.length <= 3 ? said.join('. ') : `${said.length} changes`;
}

/** What a table shows, and the choices of its filters; the same lists as long as nothing changed. */
export function selection() {
  let [seen, asked, found, choices, of] = [-1, '', [], {}, null];
  return (store, filters) => {
    const question = JSON.stringify(filters);
    const changed = of !== store || seen !== store.generation;
    if (changed) {
      const all = [...store.services.values()];
      choices = { namespaces: values(all, 'namespace'), gitsyncs: values(all, 'gitsync') };
    }
    if (changed || question !== asked) found = select([...store.services.values()], filters);
    [seen, asked, of] = [store.generation, question, store];
    return { rows: found, ...choices };
  };
}

/** Entries of the timeline with newer ones, the newest first, each once. */
export function merged(entries, newer) {
  const known = new Set(newer.map((entry) => entry.id));
  const all = [...newer, ...entries.filter((entry) => !known.has(entry.id))];
  return all.sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0)).slice(0, ENTRIES);
}
