// The line to the daemon, without network and clock.

import assert from 'node:assert/strict';
import { test } from 'node:test';

const { line, pause } = await import(new URL('../../../src/page/assets/live.js', import.meta.url));

/** A line whose world the test holds: `answer` is what the next connection gets. */
function held() {
  const world = { now: 0, timers: new Map(), requests: [], phases: [], events: [], answer: null };
  let timer = 0;
  world.line = line('/events', {
    heard: (event) => world.events.push(event.data),
    changed: (state) => world.phases.push(state.phase),
    fetch: async (url, { headers, signal }) => {
      world.requests.push(headers['Last-Event-ID'] ?? null);
      const answer = world.answer;
      if (answer === null) throw new TypeError('no network');
      if (answer.status) return { ok: false, status: answer.status };
      const body = new ReadableStream({
        start(controller) {
          answer.write = (words) => controller.enqueue(new TextEncoder().encode(words));
          answer.end = () => controller.close();
          signal.addEventListener('abort', () => controller.error(new DOMException('aborted', 'AbortError')));
        },
      });
      return { ok: true, status: 200, body };
    },
    now: () => world.now,
    random: () => 0,
    after: (milliseconds, call) => {
      timer += 1;
      world.timers.set(timer, { at: world.now + milliseconds, call });
      return timer;
    },
    cancel: (id) => world.timers.delete(id),
  });
  /** Lets time pass. */
  world.pass = async (milliseconds) => {
    world.now += milliseconds;
    for (const [id, one] of [...world.timers]) {
      if (one.at <= world.now) {
        world.timers.delete(id);
        one.call();
      }
    }
    await settled();
  };
  return world;
}

/** Everything that can happen without a timer has. */
async function settled() {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
}

test('it waits longer and longer, up to half a minute', () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 99].map((attempt) => pause(attempt, 0)), [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  assert.equal(pause(0, 1), 750);
});

test('a lost line comes back where it was', async () => {
  const world = held();
  await settled();
  assert.deepEqual(world.phases, ['waiting']);
  assert.equal(world.line.state().until, 1000);
  const first = (world.answer = {});
  await world.pass(1000);
  first.write('id: 7\ndata: one\n\n: still here\n\n');
  await settled();
  assert.deepEqual(world.events, ['one']);
  assert.equal(world.line.state().phase, 'live');
  const second = (world.answer = {});
  first.end();
  await settled();
  assert.equal(world.line.state().phase, 'waiting');
  assert.equal(world.line.state().since, 1000, 'it says since when it is stale');
  await world.pass(1000);
  second.write('id: 8\ndata: two\n\n');
  await settled();
  assert.deepEqual([world.requests, world.events], [[null, null, '7'], ['one', 'two']]);
});

test('a line that falls silent is lost', async () => {
  const world = held();
  world.answer = {};
  await settled();
  await world.pass(1000);
  assert.equal(world.line.state().phase, 'live');
  await world.pass(39_000);
  assert.equal(world.line.state().phase, 'live');
  await world.pass(2000);
  assert.equal(world.line.state().phase, 'waiting');
});

test('whoever is refused does not knock again', async () => {
  const world = held();
  world.answer = { status: 401 };
  await settled();
  await world.pass(1000);
  assert.deepEqual([world.line.state().phase, world.line.state().status], ['refused', 401]);
  await world.pass(600_000);
  assert.equal(world.requests.length, 2);
});

test('an overloaded daemon is asked again later', async () => {
  const world = held();
  world.answer = { status: 503 };
  await settled();
  await world.pass(1000);
  assert.equal(world.line.state().phase, 'waiting');
  assert.equal(world.line.state().until, 3000);
  world.answer = {};
  world.line.hurry();
  await settled();
  assert.equal(world.line.state().phase, 'live');
  world.line.close();
  await world.pass(600_000);
  assert.equal(world.requests.length, 3);
});
