// The line to the daemon: opens it, notices when it is lost or silent, and tries again, ever more rarely. It knows nothing
// of what comes over it. Clock, timers and fetch are arguments, so that tests need none of them.

import { reader } from './sse.js';

/** Silence after which a line counts as lost: the daemon is heard at least each 15 seconds. */
const SILENCE = 40_000;
const FIRST = 1000;
const LONGEST = 30_000;

/** How long to wait before a try, in milliseconds: doubled each time, with up to a quarter off, so that a thousand pages do not come back at once. */
export function pause(attempt, random) {
  return Math.round(Math.min(LONGEST, FIRST * 2 ** attempt) * (1 - random / 4));
}

/**
 * Keeps a line open. `heard(event)` is told each event; `changed(state)` how it stands:
 * `{ phase: 'connecting' | 'live' | 'waiting' | 'refused', since, until, status }`, where `since` is when something was
 * last heard, `until` the time of the next try, and `status` why it was refused. Returns what ends it, tries now, and
 * tells how it stands.
 */
export function line(url, { heard, changed, fetch, now, random, after, cancel }) {
  let [attempt, last, timer, silence, abort, ended] = [0, null, null, null, null, false];
  let state = { phase: 'connecting', since: null, until: null, status: null };

  const tell = (next) => {
    state = { ...state, until: null, status: null, ...next };
    changed(state);
  };
  const listen = () => {
    cancel(silence);
    silence = after(SILENCE, () => abort?.abort());
  };

  async function open() {
    if (ended) return;
    abort?.abort();
    const mine = new AbortController();
    abort = mine;
    cancel(timer);
    listen();
    if (state.phase !== 'connecting') tell({ phase: 'connecting' });
    try {
      const headers = { Accept: 'text/event-stream', ...(last === null ? {} : { 'Last-Event-ID': last }) };
      const answer = await fetch(url, { headers, signal: mine.signal, cache: 'no-store', credentials: 'same-origin' });
      if (answer.status === 401 || answer.status === 403) {
        cancel(silence);
        ended = true;
        tell({ phase: 'refused', status: answer.status });
        return;
      }
      if (!answer.ok) throw new Error(`the answer is ${answer.status}`);
      if (abort !== mine) return;
      tell({ phase: 'live', since: now() });
      await read(answer.body.pipeThrough(new TextDecoderStream()).getReader(), mine);
    } catch {
      // Whatever it was, the answer is the same: try again, and say so.
    }
    if (abort === mine && !ended) lost();
  }

  async function read(pieces, mine) {
    const take = reader();
    for (;;) {
      const { value, done } = await pieces.read();
      if (done || abort !== mine) return;
      listen();
      attempt = 0;
      state.since = now();
      for (const event of take(value)) {
        if (event.id !== null) last = event.id;
        heard(event);
      }
    }
  }

  function lost() {
    cancel(silence);
    abort = null;
    const wait = pause(attempt, random());
    attempt += 1;
    timer = after(wait, open);
    tell({ phase: 'waiting', until: now() + wait });
  }

  open();
  return {
    /** Ends it for good. */
    close() {
      ended = true;
      cancel(timer);
      cancel(silence);
      abort?.abort();
    },
    /** Does not wait any longer: there is a network again, or the page is looked at again. */
    hurry() {
      if (state.phase === 'waiting') open();
    },
    state: () => state,
  };
}
