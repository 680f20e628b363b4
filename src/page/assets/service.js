// One service: whether it is well and why not, what differs from Git, and its tree down to pods. Pure.

import { difference } from './drift.js';
import { h } from './h.js';
import { icon } from './icons.js';
import { because, card, chip, commands, conditions, facts, health, link, many, revision, truth, when } from './parts.js';
import { format } from './route.js';

/** The view of one that is known; its tree may still be on its way. */
export function service(one, tree, now, act) {
  const { source, spec, differences } = one;
  const restraints = Object.values(differences.restraints ?? {}).flat();
  const listed = differences.drift.length;
  const drifts = card(
    'Drift',
    differences.standing === 0 ? null : differences.standing > listed ? `${many(differences.standing, 'field')}, ${listed} of them listed` : many(listed, 'field'),
    restraints.length > 0 && h('ul', { class: 'body' }, restraints.map((words) => h('li', { key: words }, h('span', { class: 'odd' }, icon('pause')), ' ', words))),
    listed === 0
      ? h('p', { class: 'empty' }, differences.standing === 0 ? [h('span', { class: 'good' }, icon('check')), ' Everything is as Git declares it.'] : 'The fields are not listed.')
      : h('ul', null, differences.drift.map((field) => difference(field, now, one.name))),
  );
  const branches = tree && card('Tree', tree.pods ? null : 'this process does not watch pods', h('div', { class: 'tree' }, h('ul', { 'aria-label': 'Tree' }, tree.tree.flatMap((top) => (top.children ?? []).map((node) => branch(node, now))))));
  return h(
    'div',
    { key: `service ${one.name}`, style: { display: 'contents' } },
    h(
      'header',
      { class: 'title', key: 'title' },
      h('p', { class: 'kind' }, 'MicroService', source && [' of ', link('gitsync', source.sync)]),
      h('h1', { tabindex: '-1' }, one.name),
      health(one.health),
      one.driftedFields > 0 && chip('odd', 'drift', `${many(one.driftedFields, 'field')} drifted`),
      one.paused && chip('still', 'pause', 'Paused'),
      one.fights?.length > 0 && chip('bad', 'fight', 'Fight'),
      h('p', { class: 'summary' }, because(one)),
      (one.concerns ?? []).map((words) => h('p', { class: 'summary', key: words }, h('span', { class: 'odd' }, icon('warning')), ' ', words)),
    ),
    h(
      'div',
      { class: 'card', key: 'facts' },
      facts(
        ['Replicas', one.replicas && `${one.replicas} ready`, spec.autoscaling && ` (scaled${spec.autoscaling.min == null ? '' : ` from ${spec.autoscaling.min}`} up to ${spec.autoscaling.max})`],
        ['Image', h('code', null, one.image), one.runningImage && one.runningImage !== one.image && h('span', { class: 'odd' }, ' runs ', h('code', null, one.runningImage))],
        one.url && ['Reached at', h('a', { href: one.url, rel: 'noreferrer noopener', target: '_blank' }, one.url)],
        source && ['Declared at', h('code', null, `${source.file}:${source.line}`), ' of ', revision(source.revision)],
        spec.ports.length > 0 && ['Ports', spec.ports.map((port) => (port.name ? `${port.name} ${port.containerPort}` : port.containerPort)).join(', ')],
        spec.routes.length > 0 && ['Hosts', spec.routes.join(', ')],
        spec.env.length > 0 && ['Environment', h('span', { class: 'mono' }, spec.env.join(', '))],
        ['Drift policy', one.policy],
        ['Timeline', h('a', { href: format({ view: 'timeline', object: `MicroService/${one.name}` }) }, 'what happened')],
      ),
    ),
    h(
      'div',
      { class: 'columns', key: 'columns' },
      h(
        'div',
        null,
        // What is wrong comes first.
        one.health !== 'Ready' && differences.standing === 0 ? [branches, drifts] : [drifts, branches],
        differences.history.length > 0 && card('Drifts that ended', null, h('ul', null, differences.history.map((field) => difference(field, now, one.name)))),
      ),
      h('div', null, conditions(one.conditions, now), commands(one.commands, act)),
    ),
  );
}

function branch(node, now) {
  const { word, tone, shape } = standing(node);
  // Where there is no reason of its own, conditions that say that something is wrong are one.
  const wrong = node.reason ? [] : (node.conditions ?? []).filter((one) => one.message && truth(one).tone === 'bad');
  return h(
    'li',
    { key: `${node.kind} ${node.name}` },
    h(
      'div',
      { class: 'node' },
      h('span', { class: `state ${tone}` }, icon(shape), h('span', { class: word ? null : 'aside' }, word ?? 'does not say')),
      h('span', { class: 'kind' }, node.kind),
      h('code', null, node.name),
      node.driftedFields > 0 && chip('odd', 'drift', many(node.driftedFields, 'field')),
      node.restarts > 0 && chip('odd', 'turning', many(node.restarts, 'restart')),
      node.created && h('span', { class: 'muted' }, when(node.created, now)),
      (node.reason || node.message) && node.ready !== 'True' && h('p', { class: node.ready === 'False' ? 'say bad' : 'say' }, because(node)),
      wrong.map((one) => h('p', { class: 'say', key: one.type }, `${one.type} ${one.status}: `, because(one))),
    ),
    node.children?.length > 0 && h('ul', null, node.children.map((child) => branch(child, now))),
    node.more > 0 && h('p', { class: 'muted' }, `and ${node.more} more`),
  );
}

/** How a node stands, in word, tone and shape. What is on its way is not what went wrong. */
function standing({ kind, ready, reason }) {
  if (ready === 'True') return { word: 'Ready', tone: 'good', shape: 'check' };
  if (ready === 'Unknown') return { word: 'Unknown', tone: 'still', shape: 'question' };
  if (ready !== 'False') return { word: null, tone: 'still', shape: 'commit' };
  if (reason === 'Terminating') return { word: 'Terminating', tone: 'odd', shape: 'leaving' };
  const underWay = /Progressing|RollingOut|Running|Pending|Creating|Starting/.test(reason ?? '') || (kind === 'Pod' && reason === 'ReplicasUnavailable');
  return underWay ? { word: 'Under way', tone: 'busy', shape: 'turning' } : { word: 'Not ready', tone: 'bad', shape: 'cross' };
}
