// Answers of the API as docs/openapi.yaml describes them, made up. Deterministic: the same number gives the same service.

const BEGAN = Date.parse('2026-03-02T09:00:00Z');
const NAMESPACES = ['shop', 'payments', 'search', 'identity', 'logistics', 'data', 'web', 'ops'];
const NAMES = ['orders', 'cart', 'catalog', 'pricing', 'stock', 'checkout', 'ledger', 'invoices', 'refunds', 'payouts', 'index', 'suggest', 'ranking', 'login', 'sessions', 'profiles', 'routes', 'labels', 'tracking', 'etl', 'reports', 'events', 'frontend', 'images', 'mailer'];
const AUTHORS = ['Ada Lovelace', 'Grace Hopper', 'Edsger Dijkstra', 'Barbara Liskov'];
const SUBJECTS = ['orders: three replicas for the sale', 'cart: image 4.12.0', 'raise the memory limit of the indexer', 'payments: rotate the signing key', 'web: new routes for the help pages'];

export const HOSTILE = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>\'"`${7*7}';

/** A time, in seconds after the world began. */
export const at = (seconds) => new Date(BEGAN + seconds * 1000).toISOString().replace('.000', '');

/** The world: so many services, said at `now`. `hostile` puts markup into every text. */
export function world({ services = 60, now = Date.now(), hostile = false } = {}) {
  const ago = (seconds) => new Date(now - seconds * 1000).toISOString();
  const evil = (words) => (hostile ? `${words} ${HOSTILE}` : words);
  const commit = (seed) => [...Array(40)].map((_, place) => '0123456789abcdef'[(seed * 7 + place * 13 + ((seed * place) % 5)) % 16]).join('');
  const branch = hostile ? 'main<b>' : 'main';
  const revision = (seed) => `${branch}@sha1:${commit(seed)}`;
  const command = (purpose, words) => ({ purpose: evil(purpose), command: words });

  const row = (index) => {
    const namespace = NAMESPACES[index % NAMESPACES.length];
    const base = NAMES[(index * 7) % NAMES.length];
    const name = `${namespace}/${index < 25 ? base : `${base}-${index}`}`;
    const kind = index === 3 ? 'broken' : index === 11 ? 'rolling' : index % 97 === 41 ? 'broken' : index % 83 === 29 ? 'rolling' : index === 17 ? 'suspended' : index === 22 ? 'unknown' : 'good';
    const drifted = index === 0 ? 2 : index % 61 === 8 ? 1 : 0;
    const verdict = {
      good: { ready: 'True', reason: 'Serving', message: 'all replicas serve', health: 'Ready' },
      broken: { ready: 'False', reason: 'CrashLoopBackOff', message: evil('container "app" ended with exit code 1: cannot reach the database'), health: 'NotReady', code: 'GM204' },
      rolling: { ready: 'False', reason: 'RollingOut', message: '1 of 3 replicas updated', health: 'Progressing' },
      suspended: { ready: 'Unknown', reason: 'Suspended', message: evil('suspend is true'), health: 'Suspended' },
      unknown: { ready: 'Unknown', reason: 'NotObserved', message: 'the daemon has not acted on the newest spec yet', health: 'Unknown' },
    }[kind];
    return {
      name,
      ...verdict,
      replicas: kind === 'broken' ? '1/3' : kind === 'rolling' ? '2/3' : '3/3',
      image: evil(`registry.example.com/${namespace}/${base}:4.${index % 20}.${index % 7}`),
      ...(kind === 'rolling' ? { runningImage: `registry.example.com/${namespace}/${base}:4.0.9` } : {}),
      driftedFields: drifted,
      drift: { source: 0, workload: drifted },
      ...(index === 8 ? { paused: evil('until 18:00: the database is moved (Grace Hopper)') } : {}),
      ...(index === 30 ? { fights: [evil('autoscaler rewrites /spec/replicas 9 times a minute')] } : {}),
      ...(index === 5 ? { concerns: [evil('ReferenceMissing: ConfigMap cart-flags does not exist')] } : {}),
      source: { sync: `gitmoor-system/${namespace}`, revision: revision(index % 5), file: evil(`apps/${namespace}/${base}.yaml`), line: 1 + (index % 40) },
      since: ago(120 + ((index * 7919) % 400_000)),
    };
  };
  const rows = Array.from({ length: services }, (_, index) => row(index)).sort((a, b) => (a.name < b.name ? -1 : 1));

  const entry = (place, seed) => ({ revision: revision(seed), author: evil(AUTHORS[seed % 4]), subject: evil(SUBJECTS[seed % 5]), committed: ago(place * 9000 + 700), applied: ago(place * 9000 + 640), took: '1.25s', result: place === 2 ? 'Partial' : 'Applied', changed: 1 + (seed % 4), pruned: place === 1 ? 1 : 0, quarantined: place === 2 ? 1 : 0, held: 0 });
  const sync = (namespace, index) => {
    const own = rows.filter((one) => one.source.sync === `gitmoor-system/${namespace}`);
    const history = [0, 1, 2].map((place) => entry(place, index + place));
    const bad = index === 2;
    const held = index === 1;
    return {
      name: `gitmoor-system/${namespace}`,
      ready: bad || held ? 'False' : 'True',
      reason: bad ? 'Quarantined' : held ? 'PlanHeld' : 'Applied',
      message: bad ? evil('1 of 9 manifests is invalid; it keeps its last good state') : held ? evil('3 deletions of 8 members; the budget is 1') : '',
      health: bad || held ? 'NotReady' : 'Ready',
      ...(bad || held ? { code: bad ? 'GM310' : 'GM301' } : {}),
      revision: revision(index),
      applied: ago(640 + index * 900),
      suspended: false,
      ...(held ? { hold: { plan: 'd41d8cd98f00', revision: revision(9), reason: 'PruneBudget', message: evil('3 deletions of 8 members; the budget is 1'), creations: 0, updates: 1, deletions: 3, deletes: ['payments/ledger', 'payments/payouts', 'payments/refunds'], members: 8, since: ago(1500) } } : {}),
      history,
      counts: { declared: own.length + (bad ? 1 : 0), applied: 2, unchanged: own.length, pruned: 0, quarantined: bad ? 1 : 0, held: held ? 3 : 0, drifted: own.filter((one) => one.driftedFields > 0).length, ready: own.filter((one) => one.ready === 'True').length, ignoredDocuments: 3, excludedFiles: 0 },
      diagnostics: bad ? [{ code: 'GM120', place: `${evil('apps/search/ranking.yaml')}:7:13`, message: evil('`replicas` must be a whole number, and is "three"') }] : [],
      problems: bad ? [{ object: 'search/ranking', reason: 'InvalidManifest', code: 'GM120', message: evil('its manifest is invalid'), place: 'apps/search/ranking.yaml:7:13', lastGoodRevision: revision(3) }] : [],
    };
  };
  const gitsyncs = [...new Set(rows.map((one) => one.source.sync.split('/')[1]))].sort().map(sync);

  const tally = (list) => {
    const names = { Ready: 'ready', Progressing: 'progressing', NotReady: 'notReady', Suspended: 'suspended', Terminating: 'terminating', Unknown: 'unknown' };
    const counts = { total: list.length, ready: 0, progressing: 0, notReady: 0, suspended: 0, terminating: 0, unknown: 0, drifted: 0 };
    for (const one of list) {
      counts[names[one.health]] += 1;
      if ((one.driftedFields ?? one.counts?.drifted ?? 0) > 0) counts.drifted += 1;
    }
    return counts;
  };
  const overview = (version) => ({
    version, gitmoor: '0.1.0', role: 'alone', complete: true, gitSyncs: tally(gitsyncs), microServices: tally(rows),
    held: gitsyncs.filter((one) => one.hold).length, paused: rows.filter((one) => one.paused).length, fights: rows.filter((one) => one.fights).length,
    driftedFields: rows.reduce((sum, one) => sum + one.driftedFields, 0), namespaces: [],
  });

  const condition = (type, status, reason, message) => ({ type, status, reason, message: evil(message), lastTransitionTime: ago(5000) });
  const place = (seed, line, field) => ({ file: evil('apps/shop/orders.yaml'), line, field, commit: commit(seed), author: evil(AUTHORS[seed % 4]), subject: evil(SUBJECTS[seed % 5]), committed: ago(90_000) });
  const drifts = (one) => [
    { microService: one.name, level: 'workload', kind: 'Deployment', object: one.name, path: '/spec/replicas', change: 'Modified', declared: 3, live: 5, manager: evil('kubectl'), operation: 'Update', time: ago(340), observed: ago(339), user: evil('grace@example.com'), declaredAt: place(0, 12, '/spec/replicas'), policy: 'Report' },
    { microService: one.name, level: 'workload', kind: 'Deployment', object: one.name, path: '/spec/template/spec/containers/0/env', keyedPath: '/spec/template/spec/containers/[name=app]/env', change: 'Modified', declared: [{ name: 'LOG', value: 'info' }, { name: 'CACHE', value: evil('redis:6379') }], live: [{ name: 'LOG', value: 'debug' }, { name: 'CACHE', value: evil('redis:6379') }, { name: 'TRACE', value: '1' }], manager: evil('kubectl-edit'), operation: 'Update', time: ago(340), observed: ago(339), declaredAt: place(1, 15, '/spec/env'), policy: 'Correct' },
  ].slice(0, one.driftedFields);
  const ended = (one) => ({ ...drifts({ ...one, driftedFields: 1 })[0], until: ago(86_000), ended: 'Corrected', lasted: '3m20s', policy: 'Correct' });

  const service = (name, version) => {
    const one = rows.find((candidate) => candidate.name === name);
    if (!one) return null;
    const [namespace, short] = name.split('/');
    return {
      ...one, version, url: hostile ? 'javascript:window.pwned=1' : `https://${short}.example.com`, policy: 'Report',
      replicaCounts: { desired: 3, updated: 3, ready: 3, available: 3 },
      conditions: [condition('Ready', one.ready, one.reason, one.message), condition('Drifted', one.driftedFields > 0 ? 'True' : 'False', one.driftedFields > 0 ? 'WorkloadDrifted' : 'AsDeclared', one.driftedFields > 0 ? '2 fields of Deployment differ' : 'everything is as declared'), condition('ChildrenApplied', 'True', 'Applied', '4 children are as rendered'), condition('Available', one.health === 'NotReady' ? 'False' : 'True', one.health === 'NotReady' ? 'MinimumReplicasUnavailable' : 'MinimumReplicasAvailable', '')],
      spec: { image: one.image, replicas: 3, ports: [{ name: 'http', containerPort: 8080 }, { name: 'metrics', containerPort: 9090 }], env: [evil('LOG'), 'CACHE', 'DB_PASSWORD'], routes: [evil(`${short}.example.com`)] },
      children: [],
      differences: { standing: one.driftedFields, drift: drifts(one), history: one.driftedFields > 0 ? [ended(one)] : [] },
      commands: [command('Show what differs', `gitmoor drift ${name}`), command('Look again now', `gitmoor reconcile ${one.source.sync}`), command('Leave it as it is for an hour', `gitmoor pause ${name} --for 1h --reason "…"`), command('See its pods', `kubectl get pods -n ${namespace} -l app.kubernetes.io/instance=${short}`)],
    };
  };
  const pod = (short, index, broken) => ({ kind: 'Pod', name: `${short}-6d5c9b7f4-${['x2k8p', 'q9w4z', 'm7t3d'][index]}`, ready: broken ? 'False' : 'True', reason: broken ? 'CrashLoopBackOff' : 'Running', message: broken ? evil('container "app" ended with exit code 1: cannot reach the database') : '', restarts: broken ? 7 : 0, version: '6d5c9b7f4', created: ago(4000), conditions: [{ type: 'Ready', status: broken ? 'False' : 'True' }] });
  const tree = (name) => {
    const one = rows.find((candidate) => candidate.name === name);
    if (!one) return null;
    const short = name.split('/')[1];
    const broken = one.health === 'NotReady';
    const set = { kind: 'ReplicaSet', name: `${short}-6d5c9b7f4`, children: [0, 1, 2].map((index) => pod(short, index, broken && index > 0)) };
    const children = [{ kind: 'Deployment', name: short, ready: broken ? 'False' : 'True', reason: broken ? 'MinimumReplicasUnavailable' : 'Available', message: '', driftedFields: one.driftedFields, children: [set] }, { kind: 'Service', name: short }, { kind: 'PodDisruptionBudget', name: short }, { kind: 'ServiceAccount', name: short }];
    return { ready: one.ready === 'True', pods: true, tree: [{ kind: 'MicroService', name, ready: one.ready, reason: one.reason, message: one.message, children }] };
  };

  const gitsync = (name, version) => {
    const one = gitsyncs.find((candidate) => candidate.name === name);
    if (!one) return null;
    const first = one.history[0];
    const lines = ['apiVersion: gitmoor.dev/v1alpha1', 'kind: MicroService', 'metadata:', '  name: ranking', 'spec:', `  image: ${evil('registry.example.com/search/ranking:4.2.0')}`, '  replicas: three', '  ports:', '  - containerPort: 8080'];
    return {
      ...one, version, history: one.history.map((each, index) => ({ ...each, live: index === 0 })),
      conditions: [condition('Ready', one.ready, one.reason, one.message), condition('Drifted', 'False', 'AsDeclared', 'everything is as declared')],
      source: { url: 'https://git.example.com/acme/deploy.git', ref: `branch ${branch}`, paths: [evil(`apps/${name.split('/')[1]}`)] },
      lastAttemptedRevision: one.revision, lastApplied: { revision: one.revision, author: first.author, subject: first.subject, committed: first.committed, applied: first.applied },
      ...(one.hold ? { heldPlan: { doing: '1 update, 3 deletions', approve: `gitmoor approve ${name} --plan ${one.hold.plan}` } } : {}),
      findings: one.diagnostics.map((each) => ({ ...each, file: each.place.slice(0, -5), line: 7, column: 13, title: 'A value has another type than its field', excerpt: { firstLine: 1, lines } })),
      drift: [], driftHistory: [],
      commands: [command('See its history', `gitmoor history ${name}`), command('Look at the source now', `gitmoor reconcile ${name}`), command('Go back to the revision before', `gitmoor rollback ${name}`)],
    };
  };

  const happened = (index, seconds, kind, object, words, tone, more = {}) => ({ id: `e${index}`, time: ago(seconds), kind, object, gitsync: 'gitmoor-system/shop', text: evil(words), tone, ...more });
  const orders = { kind: 'MicroService', name: rows.find((one) => one.driftedFields > 0)?.name ?? 'shop/orders' };
  const shop = { kind: 'GitSync', name: 'gitmoor-system/shop' };
  const timeline = [
    happened(1, 340, 'Drift', orders, 'Deployment /spec/replicas: declared 3, live 5', 'bad', { who: evil('grace@example.com') }),
    happened(2, 610, 'Rollout', orders, '3 of 3 replicas serve 4.0.0', 'good'),
    happened(3, 640, 'Sync', shop, 'applied: 2 changed', 'good', { revision: revision(0) }),
    happened(4, 655, 'Rollout', orders, 'rolling out 4.0.0', 'underWay'),
    happened(5, 700, 'Commit', shop, SUBJECTS[0], 'plain', { revision: revision(0), author: evil('Ada Lovelace') }),
    happened(6, 1500, 'Hold', { kind: 'GitSync', name: 'gitmoor-system/payments' }, '3 deletions of 8 members; the budget is 1', 'bad'),
    happened(7, 86_000, 'DriftEnded', orders, '/spec/replicas: put back after 3m20s', 'good'),
    happened(8, 86_200, 'Drift', orders, 'Deployment /spec/replicas: declared 3, live 1', 'bad', { who: evil('kubectl') }),
    happened(9, 172_000, 'Health', { kind: 'MicroService', name: rows[0].name }, 'is not ready: CrashLoopBackOff', 'bad'),
  ];
  return { rows, gitsyncs, overview, service, tree, gitsync, timeline, row, tally };
}
