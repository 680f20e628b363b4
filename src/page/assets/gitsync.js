// One GitSync: whether it is well, what it applied, what waits for approval, and what is wrong in its manifests. Pure.

import { difference } from './drift.js';
import { h } from './h.js';
import { icon } from './icons.js';
import { because, card, command, commands, conditions, facts, health, many, revision, servicesOf, shortRevision, when } from './parts.js';
import { format } from './route.js';

/** How each apply ended. */
const RESULTS = { Applied: ['good', 'check', 'Applied'], Partial: ['odd', 'warning', 'In part'], Superseded: ['still', 'commit', 'Superseded'] };

/** The view of one that is known. */
export function gitsync(sync, now, act) {
  const { source, lastApplied: last, counts } = sync;
  return h(
    'div',
    { key: `gitsync ${sync.name}`, style: { display: 'contents' } },
    h(
      'header',
      { class: 'title', key: 'title' },
      h('p', { class: 'kind' }, 'GitSync'),
      h('h1', { tabindex: '-1' }, sync.name),
      health(sync.health),
      h('p', { class: 'summary' }, because(sync)),
    ),
    sync.hold && held(sync, now, act),
    h(
      'div',
      { class: 'card', key: 'facts' },
      facts(
        ['Source', h('code', null, source.url)],
        ['Ref', source.ref],
        source.paths.length > 0 && ['Paths', source.paths.join(', ')],
        source.mirror && ['Read from the mirror', h('code', null, source.mirror)],
        ['Applied', revision(sync.revision), ' ', when(sync.applied, now)],
        last?.subject && ['Commit', last.subject, last.author && h('span', { class: 'muted' }, ` by ${last.author}`)],
        sync.lastAttemptedRevision && sync.lastAttemptedRevision !== sync.revision && ['Tried last', revision(sync.lastAttemptedRevision)],
        sync.pinnedRevision && ['Pinned to', h('code', null, sync.pinnedRevision)],
        sync.suspended && ['Suspended', sync.suspendReason ?? 'yes'],
        sync.paused && ['Paused', sync.paused],
        sync.progress && ['Under way', `wave ${sync.progress.wave}: ${sync.progress.done} of ${sync.progress.total} done`, sync.progress.waitingFor?.length > 0 && h('span', { class: 'muted' }, `, waits for ${sync.progress.waitingFor.join(', ')}`)],
        ['Services', `${counts.declared} declared, ${counts.ready} ready, `, servicesOf(sync.name)],
        counts.drifted + counts.held + counts.quarantined > 0 && ['Of these', `${counts.drifted} drifted, ${counts.held} held, ${counts.quarantined} quarantined`],
        ['Timeline', h('a', { href: format({ view: 'timeline', object: `GitSync/${sync.name}` }) }, 'what happened')],
      ),
    ),
    h(
      'div',
      { class: 'columns', key: 'columns' },
      h(
        'div',
        null,
        sync.findings.length > 0 && findings(sync.findings),
        sync.problems.length > 0 && problems(sync.problems),
        sync.drift.length > 0 && card('Drift', many(sync.drift.length, 'field'), h('ul', null, sync.drift.map((field) => difference(field, now)))),
        history(sync.history ?? [], now),
        sync.driftHistory.length > 0 && card('Drifts that ended', null, h('ul', null, sync.driftHistory.map((field) => difference(field, now)))),
      ),
      h('div', null, conditions(sync.conditions, now), commands(sync.commands, act)),
    ),
  );
}

function held({ hold, heldPlan }, now, act) {
  const deletes = hold.deletes ?? [];
  const more = heldPlan?.moreDeletions ?? 0;
  return h(
    'section',
    { class: 'card loud', key: 'held', 'aria-labelledby': 'held' },
    h('header', null, h('h2', { id: 'held' }, h('span', { class: 'odd' }, icon('hold')), ' A plan waits for approval'), h('p', null, 'held ', when(hold.since, now), ' at ', shortRevision(hold.revision))),
    h(
      'div',
      { class: 'body commands' },
      h('p', null, because(hold)),
      heldPlan && h('div', null, h('h3', null, `Approving it would do: ${heldPlan.doing}`)),
      deletes.length > 0 &&
        h('ul', { 'aria-label': 'What it would delete' }, deletes.map((name) => h('li', { key: name }, h('span', { class: 'bad' }, icon('leaving'), ' delete '), h('code', null, name))), more > 0 && h('li', { class: 'muted' }, `and ${many(more, 'more deletion')}`)),
      heldPlan?.approve
        ? h('div', null, h('p', null, `To let plan `, h('code', null, hold.plan), ' go on, and no other:'), command(heldPlan.approve, act, 'Approve the plan'))
        : h('p', { class: 'bad' }, 'Its hash is not one of Gitmoor’s; do not approve it.'),
    ),
  );
}

function findings(list) {
  return card(
    'Findings in manifests',
    many(list.length, 'finding'),
    h(
      'ul',
      null,
      list.map((one) =>
        h(
          'li',
          { class: 'finding', key: `${one.place} ${one.code}` },
          h('p', null, h('span', { class: 'state bad' }, icon('cross'), one.code), ' ', h('code', { class: 'strong' }, one.place)),
          h('p', null, one.message),
          one.title && one.title !== one.message && h('p', { class: 'muted' }, one.title),
          one.excerpt && excerpt(one),
        ),
      ),
    ),
  );
}

function excerpt({ excerpt: { firstLine, lines }, line, column, place }) {
  return h(
    'pre',
    { class: 'excerpt', tabindex: '0', 'aria-label': `Lines around ${place}` },
    lines.flatMap((words, index) => {
      const number = firstLine + index;
      const shown = h('span', { class: number === line ? 'at' : null }, h('i', null, number), words === '' ? ' ' : words);
      return number === line ? [shown, h('span', { class: 'at bad', 'aria-hidden': 'true' }, h('i', null), `${' '.repeat(Math.min(Math.max(column - 1, 0), 400))}^`)] : [shown];
    }),
  );
}

function problems(list) {
  return card(
    'Not as declared',
    many(list.length, 'object'),
    h(
      'ul',
      null,
      list.map((one) =>
        h(
          'li',
          { class: 'finding', key: `${one.object} ${one.reason}` },
          h('p', null, h('code', { class: 'strong' }, one.object), one.place && [' ', h('code', { class: 'muted' }, one.place)]),
          h('p', null, because(one)),
          one.lastGoodRevision && h('p', { class: 'muted' }, 'keeps its state of ', shortRevision(one.lastGoodRevision)),
        ),
      ),
    ),
  );
}

function history(list, now) {
  if (list.length === 0) return card('History', null, h('p', { class: 'empty' }, 'Nothing was applied yet.'));
  return card(
    'History',
    'the last revisions',
    h(
      'table',
      { class: 'list' },
      h('thead', null, h('tr', null, ['Revision', 'Commit', 'Result', 'Applied'].map((name) => h('th', { scope: 'col' }, name)), ['Changed', 'Pruned'].map((name) => h('th', { scope: 'col', class: 'number' }, name)))),
      h(
        'tbody',
        null,
        list.map((one) => {
          const [tone, shape, word] = RESULTS[one.result] ?? ['still', 'question', one.result];
          return h(
            'tr',
            { key: `${one.revision} ${one.applied}` },
            h('td', null, revision(one.revision), one.live && h('span', { class: 'say strong' }, 'in the cluster'), one.pinned && h('span', { class: 'say' }, 'pinned')),
            h('td', null, one.subject ?? h('span', { class: 'muted' }, 'not known'), one.author && h('span', { class: 'say' }, one.author, one.committed && [', ', when(one.committed, now)]), one.approved && h('span', { class: 'say' }, 'approved plan ', h('code', null, one.approved))),
            h('td', null, h('span', { class: `state ${tone}` }, icon(shape), word), one.quarantined + one.held > 0 && h('span', { class: 'say' }, `${one.quarantined} quarantined, ${one.held} held`)),
            h('td', { class: 'muted' }, when(one.applied, now), h('span', { class: 'say' }, `took ${one.took}`)),
            h('td', { class: 'number', 'data-name': 'Changed' }, one.changed),
            h('td', { class: 'number', 'data-name': 'Pruned' }, one.pruned),
          );
        }),
      ),
    ),
  );
}
