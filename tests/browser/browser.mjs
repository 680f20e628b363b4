// Chromium as tests use it: one process, a page of its own for each test, and what no page may ever do is looked for in
// each: an error, a broken policy, a request to somewhere else, a script that came with the data.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { chromium } from 'playwright-core';

const FLAGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];
const PROGRAMS = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Milliseconds that anything may take on a busy machine. */
export const DEADLINE = 30_000;
export const WIDE = { width: 1360, height: 850 };
export const PHONE = { width: 360, height: 740 };

let running = null;

/** Opens an address in a page of its own, and returns it with what ends it and looks for what it did. */
export async function open(url, { viewport = WIDE, dark = false, expected = [], ...more } = {}) {
  running ??= chromium.launch({ executablePath: PROGRAMS.find((path) => path && existsSync(path)), args: FLAGS });
  const context = await (await running).newContext({ viewport, colorScheme: dark ? 'dark' : 'light', reducedMotion: 'reduce', locale: 'en-GB', timezoneId: 'UTC', permissions: ['clipboard-read', 'clipboard-write'], ...more });
  context.setDefaultTimeout(DEADLINE);
  const page = await context.newPage();
  const wrong = [];
  page.on('pageerror', (error) => wrong.push(`error: ${error.stack}`));
  page.on('dialog', (dialog) => wrong.push(`dialog: ${dialog.message()}`));
  page.on('console', (message) => {
    const words = message.text();
    if (/error|warning/.test(message.type()) && !expected.some((one) => words.includes(one))) wrong.push(`console: ${words}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(new URL(url).origin)) wrong.push(`request: ${request.url()}`);
  });
  await page.addInitScript(() => {
    window.broken = [];
    document.addEventListener('securitypolicyviolation', (event) => window.broken.push(`${event.violatedDirective} ${event.blockedURI}`));
  });
  await page.goto(url);
  return {
    page,
    async close() {
      wrong.push(...(await page.evaluate(() => window.broken)));
      assert.equal(await page.evaluate(() => window.pwned), undefined, 'no script of the data ran');
      assert.deepEqual(wrong, []);
      await context.close();
    },
  };
}

/** Ends the browser. */
export async function quit() {
  if (running) await (await running).close();
}

/** What axe-core has to say against a page as it is. */
export async function accessible(page, what) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const said = violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target} ${node.failureSummary}`));
  assert.deepEqual(said, [], what);
}

/** That nothing sticks out at the side. */
export async function fits(page, what) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${what} is ${wide} pixels too wide`);
}

/** Waits until something is so. */
export async function eventually(what, look) {
  const until = Date.now() + DEADLINE;
  for (;;) {
    const seen = await look();
    if (seen === true) return;
    if (Date.now() > until) assert.fail(`${what}: ${JSON.stringify(seen)}`);
    await new Promise((done) => setTimeout(done, 25));
  }
}

/** Waits until an element says something that fits. */
export async function says(page, selector, words) {
  const what = `${selector} says ${words}`;
  await eventually(what, async () => {
    const text = (await page.locator(selector).allTextContents()).join('\n');
    return (words instanceof RegExp ? words.test(text) : text.includes(words)) || text.slice(0, 500);
  });
}
