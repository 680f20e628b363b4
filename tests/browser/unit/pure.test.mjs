// The pure modules of the page, without a browser: `node --test tests/browser/unit`.

import assert from 'node:assert/strict';
import { test } from 'node:test';

const module = (name) => import(new URL(`../../../src/page/assets/${name}.js`, import.meta.url));
const { h, isSafe, text } = await module('h');
const { ago, exact, span } = await module('time');
const { format, narrowed, parse, to } = await module('route');
const { reader } = await module('sse');
const { move, row, select, values, visible } = await module('rows');
const { lines, rows } = await module('diff');
const { announcement, change, empty, merged, selection, take } = await module('store');
const { shortRevision, truth } = await module('parts');

test('what is described is text, however much it looks like markup', () => {
  const node = h('p', { title: '<b>' }, '<script>', ['a', [null, false, 0]], h('b', null, '&amp;'));
  assert.equal(text(node), '<script>a0&amp;');
  assert.deepEqual(node.children.slice(0, 3), ['<script>', 'a', '0']);
  assert.throws(() => h('p', { onclick: 'alert(1)' }), TypeError);
  for (const name of ['innerHTML', 'srcdoc']) assert.throws(() => h('p', { [name]: '<b>' }), TypeError);
});

test('a link leads to this site or to a page by http, and nowhere else', () => {
  for (const url of ['/', '/services/a/b?x=//y', '#main', '?q=a', 'https://example.com/', 'HTTP://example.com']) {
    assert.equal(h('a', { href: url }).attributes.href, url);
  }
  for (const url of ['javascript:alert(1)', ' javascript:alert(1)', 'JaVaScRiPt:1', 'data:text/html,x', '//evil.example', '/\\evil.example', 'https:evil', 'https:///x', 'vbscript:x', 'ssh://git@x', '']) {
    assert.equal(isSafe(url), false, url);
    assert.equal(h('a', { href: url }).attributes.href, null, url);
  }
});

test('times are short, and exact where one asks', () => {
  const now = Date.parse('2026-03-02T09:00:00Z');
  const check = (time, expected) => assert.equal(ago(time, now), expected, time);
  check('2026-03-02T08:59:57Z', 'just now');
  check('2026-03-02T08:59:01Z', '59s ago');
  check('2026-03-02T08:59:00Z', '1m ago');
  check('2026-03-02T07:00:01Z', '1h ago');
  check('2026-02-28T09:00:00Z', '2d ago');
  check('2025-03-02T09:00:00Z', '11mo ago');
  check('2026-03-02T09:00:02Z', 'just now');
  check('2026-03-02T10:30:00Z', 'in 1h');
  check('no time', '');
  assert.equal(exact('2026-03-02T09:00:00.25Z'), '2026-03-02 09:00:00 UTC');
  assert.equal(exact('no time'), '');
  assert.equal(span(-4), '0s');
});

test('every view has one address, and comes back from it', () => {
  const check = (address, route) => {
    const url = new URL(address, 'http://page');
    assert.deepEqual(parse(url.pathname, url.search), route, address);
    assert.equal(format(route), address);
  };
  check('/', { view: 'overview', filters: {} });
  check('/?q=a+b&namespace=shop&gitsync=ops%2Fshop&health=NotReady&drift=true&sort=name', { view: 'overview', filters: { q: 'a b', namespace: 'shop', gitsync: 'ops/shop', health: 'NotReady', drift: 'true', sort: 'name' } });
  check('/services/shop/orders', { view: 'service', namespace: 'shop', name: 'orders' });
  check('/gitsyncs/gitmoor-system/shop', { view: 'gitsync', namespace: 'gitmoor-system', name: 'shop' });
  check('/timeline?kind=Drift&object=MicroService%2Fshop%2Forders', { view: 'timeline', kind: 'Drift', object: 'MicroService/shop/orders' });
  for (const address of ['/services/shop', '/services/a/b/c', '/nothing', '/timeline/x', '/services/%E0%A4%A/x']) {
    assert.equal(parse(address).view, 'missing', address);
  }
  assert.equal(to('service', 'shop/orders'), '/services/shop/orders');
  assert.equal(narrowed({ gitsync: 'a/b', q: '' }), '/?gitsync=a%2Fb');
});

test('events are read however their bytes are cut', () => {
  const whole = ': hello\n\nid: 7\nevent: change\ndata: {"a":\ndata: 1}\n\nid: 8\r\ndata: x\r\n\r\nevent: none\n\ndata:y\n\n';
  const expected = [{ type: 'change', id: '7', data: '{"a":\n1}' }, { type: 'message', id: '8', data: 'x' }, { type: 'message', id: null, data: 'y' }];
  for (const size of [1, 2, 3, 7, whole.length]) {
    const read = reader();
    const found = [];
    for (let at = 0; at < whole.length; at += size) found.push(...read(whole.slice(at, at + size)));
    assert.deepEqual(found, expected, `pieces of ${size}`);
  }
  const read = reader();
  assert.throws(() => { for (;;) read('x'.repeat(1 << 20)); }, RangeError);
});

const service = (name, more = {}) => ({ name, health: 'Ready', reason: 'Serving', message: '', image: 'r/app:1', driftedFields: 0, drift: { source: 0, workload: 0 }, ...more });

test('filters leave what fits all of them, in the order that is asked for', () => {
  const all = [
    service('shop/cart', { since: '2026-01-02T00:00:00Z', source: { sync: 'ops/shop', revision: 'main@sha1:aaa', file: 'apps/cart.yaml' } }),
    service('shop/orders', { health: 'NotReady', reason: 'CrashLoop', since: '2026-01-03T00:00:00Z' }),
    service('pay/ledger', { driftedFields: 2, image: 'r/LEDGER:2' }),
    service('pay/api', { health: 'Progressing' }),
  ].map(row);
  const check = (filters, expected) => assert.deepEqual(select(all, filters).map((one) => one.key), expected, JSON.stringify(filters));
  check({}, ['shop/orders', 'pay/api', 'pay/ledger', 'shop/cart']);
  check({ sort: 'name' }, ['pay/api', 'pay/ledger', 'shop/cart', 'shop/orders']);
  check({ sort: 'changed' }, ['shop/orders', 'shop/cart', 'pay/api', 'pay/ledger']);
  check({ namespace: 'pay' }, ['pay/api', 'pay/ledger']);
  check({ health: 'NotReady' }, ['shop/orders']);
  check({ drift: 'true' }, ['pay/ledger']);
  check({ drift: 'false', namespace: 'pay' }, ['pay/api']);
  check({ gitsync: 'ops/shop' }, ['shop/cart']);
  check({ q: 'ledger:2 PAY' }, ['pay/ledger']);
  check({ q: 'apps/cart' }, ['shop/cart']);
  check({ q: 'crash' }, ['shop/orders']);
  check({ q: 'nothing' }, []);
  check({ sort: 'no such order' }, ['shop/orders', 'pay/api', 'pay/ledger', 'shop/cart']);
  assert.deepEqual(values(all, 'namespace'), ['pay', 'shop']);
});

test('only what is on the screen is drawn, and the row with the focus', () => {
  const check = (some, expected) => assert.deepEqual(visible({ top: 0, height: 100, row: 20, total: 1000, active: -1, margin: 1, ...some }), expected);
  check({}, [0, 1, 2, 3, 4, 5]);
  check({ top: 405 }, [19, 20, 21, 22, 23, 24, 25, 26]);
  check({ top: 405, active: 3 }, [19, 20, 21, 22, 23, 24, 25, 26, 3]);
  check({ total: 2 }, [0, 1]);
  check({ total: 0, active: 0 }, []);
  check({ top: 999_999 }, []);
});

test('keys move within the table and no further', () => {
  const check = (key, at, expected) => assert.equal(move(key, at, 100, 10), expected, key);
  check('ArrowDown', 0, 1);
  check('j', 99, 99);
  check('k', 0, 0);
  check('PageDown', 95, 99);
  check('PageUp', 30, 20);
  check('Home', 50, 0);
  check('End', 50, 99);
  check('x', 50, null);
  check('toString', 50, null);
  assert.equal(move('ArrowDown', 0, 0, 10), null);
});

test('values are written line by line', () => {
  assert.deepEqual(lines({ a: [{ b: 1, c: '' }, 'x'], d: {}, e: 'one\ntwo', f: null }), ['a:', '  - b: 1', "    c: ''", '  - x', 'd: {}', 'e: |', '  one', '  two', 'f: null']);
  assert.deepEqual(lines(undefined), []);
  assert.deepEqual(lines([]), ['[]']);
  assert.deepEqual(lines('<b>'), ['<b>']);
});

test('a diff lines up what is the same', () => {
  const check = (left, right, expected) => assert.deepEqual(rows(left, right).map((one) => `${one.same ? '=' : '~'}${one.left}|${one.right}`), expected);
  check(3, 5, ['~3|5']);
  check(undefined, 5, ['~null|5']);
  check('a\nb\nc', 'a\nc\nd', ['=a|a', '~b|null', '=c|c', '~null|d']);
  check({ a: 1, b: 2 }, { a: 1, b: 3 }, ['=a: 1|a: 1', '~b: 2|b: 3']);
  check(undefined, undefined, []);
  const long = Array.from({ length: 5000 }, (_, index) => `line ${index}`).join('\n');
  assert.equal(rows(long, `${long}\nmore`).length, 5001);
});

test('a change replaces rows, and says what a person would want to hear', () => {
  const store = empty();
  take(store, 'services', [service('a/b'), service('a/c', { driftedFields: 1 })]);
  const hear = (data) => change(store, data, 0).said;
  assert.deepEqual(hear({ services: [service('a/b', { health: 'NotReady', reason: 'CrashLoop' })] }), ['MicroService a/b is not ready: CrashLoop']);
  assert.deepEqual(hear({ services: [service('a/b', { health: 'NotReady', reason: 'CrashLoop' })] }), []);
  assert.deepEqual(hear({ services: [service('a/c')] }), ['MicroService a/c is as declared again']);
  assert.deepEqual(hear({ services: [service('a/c', { driftedFields: 3 })] }), ['MicroService a/c drifted']);
  assert.deepEqual(hear({ services: [service('a/d')], removedServices: ['a/b', 'a/never'] }), ['MicroService a/d is new', 'MicroService a/b is gone']);
  assert.deepEqual(hear({ gitsyncs: [{ name: 'o/s', health: 'Ready' }] }), ['GitSync o/s is new']);
  assert.deepEqual(hear({ gitsyncs: [{ name: 'o/s', health: 'Ready', hold: {} }] }), ['a plan of GitSync o/s waits for approval']);
  const { touched } = change(store, { timeline: [{ id: '1', object: { kind: 'MicroService', name: 'a/c' } }] }, 0);
  assert.deepEqual([...touched], ['MicroService/a/c']);
  assert.deepEqual([...store.services.keys()], ['a/c', 'a/d']);
  assert.equal(announcement(['one', 'two']), 'one. two');
  assert.equal(announcement(['1', '2', '3', '4']), '4 changes');
});

test('a selection is made anew only when something changed', () => {
  const store = empty();
  const of = selection();
  take(store, 'services', [service('a/b')]);
  const first = of(store, {});
  assert.equal(of(store, {}).rows, first.rows);
  assert.equal(of(store, { q: 'none' }).rows.length, 0);
  take(store, 'services', [service('a/c')]);
  assert.equal(of(store, {}).rows.length, 2);
  assert.equal(of(empty(), {}).rows.length, 0);
});

test('the timeline has each entry once, the newest first', () => {
  const entry = (id, time, text) => ({ id, time, text });
  const all = merged([entry('1', '2026-01-01'), entry('2', '2026-01-02', 'old')], [entry('3', '2026-01-03'), entry('2', '2026-01-02', 'new')]);
  assert.deepEqual(all.map((one) => one.id + (one.text ?? '')), ['3', '2new', '1']);
});

test('a revision is short only where it is one', () => {
  assert.equal(shortRevision('main@sha1:0123456789abcdef'), 'main@0123456');
  assert.equal(shortRevision('a@b@sha256:0123456789'), 'a@b@0123456');
  assert.equal(shortRevision('something else'), 'something else');
});

test('a condition is good or bad by what it is about', () => {
  const check = (type, status, tone) => assert.equal(truth({ type, status }).tone, tone, `${type} ${status}`);
  check('Ready', 'True', 'good');
  check('Ready', 'False', 'bad');
  check('Drifted', 'True', 'odd');
  check('Drifted', 'False', 'good');
  check('Stalled', 'True', 'bad');
  check('Reconciling', 'True', 'busy');
  check('Ready', 'Unknown', 'still');
});
