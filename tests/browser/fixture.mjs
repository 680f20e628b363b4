// A daemon that is none: serves the page's files and answers its API from a made-up world, so that ten thousand services
// cost a second and a line can be cut. Headers are those of the daemon.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { world } from './data.mjs';

const ASSETS = new URL('../../src/page/assets/', import.meta.url);
const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.html': 'text/html; charset=utf-8' };
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const running = new Set();

/** Ends what a failed test left. */
export function endAll() {
  for (const one of running) one.close();
}

/** Starts it. `access` is Open, Token or Proxy; `refuses` is a sentence for those who may not see anything. */
export async function fixture({ access = 'Open', token = 'good', refuses = null, ...options } = {}) {
  const all = world(options);
  let [version, inside, port] = [1, access === 'Open', 0];
  const lines = new Set();
  /** Events by the version after them, for those who come back. */
  let kept = [];
  const asked = [];
  let down = false;

  const server = createServer(async (request, answer) => {
    if (down) return request.socket.destroy();
    const url = new URL(request.url, 'http://fixture');
    answer.setHeader('Content-Security-Policy', POLICY);
    answer.setHeader('X-Content-Type-Options', 'nosniff');
    asked.push(`${request.method} ${url.pathname}${url.search}`);
    const path = url.pathname.split('/').filter(Boolean).map(decodeURIComponent);
    const json = (status, body) => answer.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache' }).end(JSON.stringify(body));
    const found = (body, what) => (body ? json(200, body) : json(404, { reason: 'NotFound', code: 'GM480', message: `There is no ${what}, or you may not see it.` }));
    if (path[0] !== 'api') {
      const file = path[0] === 'assets' ? path[1] : 'index.html';
      try {
        const bytes = await readFile(new URL(file, ASSETS));
        return answer.writeHead(200, { 'Content-Type': TYPES[extname(file)], 'Cache-Control': 'no-cache' }).end(bytes);
      } catch {
        return answer.writeHead(404).end();
      }
    }
    const [, , kind, namespace, name, more] = path;
    const session = () => ({ access, authenticated: inside, ...(inside && access !== 'Open' ? { user: 'ada@example.com' } : {}) });
    if (kind === 'session') {
      if (request.method === 'DELETE') inside = false;
      if (request.method === 'POST') {
        let body = '';
        for await (const piece of request) body += piece;
        if (JSON.parse(body).token !== token) return json(401, { reason: 'Unauthenticated', code: 'GM481', message: 'The token is not known.' });
        inside = true;
      }
      return json(200, session());
    }
    if (!inside) return json(401, { reason: 'Unauthenticated', code: 'GM481', message: 'Log in first.' });
    if (refuses) return json(403, { reason: 'Forbidden', code: 'GM482', message: refuses });
    if (kind === 'overview') return json(200, all.overview(String(version)));
    if (kind === 'gitsyncs' && !namespace) return json(200, { version: String(version), items: all.gitsyncs });
    if (kind === 'gitsyncs') return found(all.gitsync(`${namespace}/${name}`, String(version)), `GitSync ${namespace}/${name}`);
    if (kind === 'services' && !namespace) {
      const begin = Number(url.searchParams.get('continue') ?? 0);
      const limit = Number(url.searchParams.get('limit') ?? 500);
      const next = begin + limit < all.rows.length ? { continue: String(begin + limit) } : {};
      return json(200, { version: String(version), total: all.rows.length, items: all.rows.slice(begin, begin + limit), ...next });
    }
    if (kind === 'services') return found((more === 'tree' ? all.tree : all.service)(`${namespace}/${name}`, String(version)), `MicroService ${namespace}/${name}`);
    if (kind === 'timeline') return json(200, { version: String(version), items: all.timeline });
    if (kind === 'events') {
      const since = request.headers['last-event-id'] ?? url.searchParams.get('since');
      const resumed = Number(since) >= (kept[0]?.before ?? version) && Number(since) <= version;
      answer.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
      send(answer, 'hello', { version: String(version), resumed, role: 'alone' }, version);
      if (resumed) for (const one of kept) if (one.before >= Number(since)) send(answer, 'change', one.data, one.before + 1);
      lines.add(answer);
      return answer.on('close', () => lines.delete(answer));
    }
    return json(404, { reason: 'NotFound', code: 'GM480', message: 'no such path' });
  });

  function send(answer, type, data, id) {
    answer.write(`id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  const listen = (wanted) => new Promise((done) => server.listen(wanted, '127.0.0.1', done));
  await listen(0);
  ({ port } = server.address());

  const started = {
    url: `http://127.0.0.1:${port}`,
    all,
    asked,
    /** Changes rows by name, and tells it. */
    change({ services = {}, removed = [], timeline = [] } = {}) {
      for (const [name, change] of Object.entries(services)) {
        const index = all.rows.findIndex((row) => row.name === name);
        if (index < 0) all.rows.push({ ...all.rows[0], name, ...change });
        else all.rows[index] = { ...all.rows[index], ...change };
      }
      for (const name of removed) {
        const index = all.rows.findIndex((row) => row.name === name);
        if (index < 0) throw new Error(`there is no ${name}`);
        all.rows.splice(index, 1);
      }
      const before = version;
      version += 1;
      all.timeline.unshift(...timeline);
      const data = { overview: all.overview(String(version)), services: all.rows.filter((row) => row.name in services), removedServices: removed, timeline };
      kept.push({ before, data });
      for (const answer of lines) send(answer, 'change', data, version);
    },
    /** Ends all lines, and answers nobody until it is up again. */
    down() {
      down = true;
      server.closeAllConnections();
    },
    up: () => (down = false),
    /** Forgets what could be resumed. */
    forget: () => ([kept, version] = [[], version + 1]),
    /** Ends the session. */
    expire() {
      inside = false;
      for (const answer of lines) {
        send(answer, 'denied', {}, version);
        answer.end();
      }
    },
    lines: () => lines.size,
    close() {
      running.delete(started);
      server.closeAllConnections();
      server.close();
    },
  };
  running.add(started);
  return started;
}
