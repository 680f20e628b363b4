// What is asked of the daemon. It knows addresses and refusals, and nothing of what is shown.

/** Rows that are asked for at once. */
const PAGE = 1000;
/** Milliseconds that an answer may take. */
const DEADLINE = 20_000;

/** Why the daemon did not answer with what was asked for. */
export class Refused extends Error {
  constructor(status, message, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Asks for JSON below `/api/v1`. What has not changed since is not sent again: the browser keeps it by its ETag. */
export async function get(path) {
  return answered(await fetch(`/api/v1${path}`, { headers: { Accept: 'application/json' }, credentials: 'same-origin', signal: AbortSignal.timeout(DEADLINE) }));
}

/** Everything that the overview shows. `some` is told rows as they come. Returns the version to follow from. */
export async function everything(some) {
  const overview = await get('/overview');
  const gitsyncs = await get('/gitsyncs');
  some({ overview, gitsyncs: gitsyncs.items });
  for (let next = ''; next !== null; ) {
    const list = await get(`/services?limit=${PAGE}${next === '' ? '' : `&continue=${encodeURIComponent(next)}`}`);
    some({ services: list.items });
    next = list.continue ?? null;
  }
  // The oldest of all versions: what changed while the lists were read is told again.
  return overview.version;
}

/** What is known of one object: `view` is `gitsync` or `service`. */
export function one({ view, namespace, name }) {
  return get(`/${view}s/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`);
}

/** The tree of one service. */
export function tree({ namespace, name }) {
  return get(`/services/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}/tree`);
}

/** What happened. */
export function timeline({ object }) {
  return get(`/timeline?limit=500${object ? `&object=${encodeURIComponent(object)}` : ''}`);
}

/** Who is looking. */
export function session() {
  return get('/session');
}

/** Logs in; the answer is the session. */
export async function login(token) {
  const headers = { 'Content-Type': 'application/json' };
  return answered(await fetch('/api/v1/session', { method: 'POST', headers, credentials: 'same-origin', body: JSON.stringify({ token }) }));
}

/** Logs out. */
export async function logout() {
  return answered(await fetch('/api/v1/session', { method: 'DELETE', credentials: 'same-origin' }));
}

async function answered(answer) {
  if (answer.ok) return answer.json();
  const refusal = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, refusal.message ?? `The daemon answered ${answer.status}.`, refusal.code);
}
