// The page in a real browser, against a real daemon, a real API server and a real repository. What happens there is done
// by who started this: a line `ask: WHAT` on the standard output asks for it, and a line on the standard input says that it
// is done, or what is to be known of it. GITMOOR_SCENE says where things are.

import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { accessible, fits, open, PHONE, quit, says, WIDE } from './browser.mjs';

const { url, namespace, sync, subject, author, manager, value } = JSON.parse(process.env.GITMOOR_SCENE);
const orders = `/services/${namespace}/orders`;
const source = `/gitsyncs/${sync}`;

// Whoever started this is gone: so is this.
process.stdin.on('close', () => process.exit(2));
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
async function ask(what) {
  console.log(`ask: ${what}`);
  return (await answers.next()).value;
}

const { page, close } = await open(url, { expected: ['Failed to load resource', 'net::ERR'] });

// The overview, live and narrowed.
await says(page, '#line', 'Live');
await page.locator('#search').fill(`${namespace}/`);
await says(page, '#found', /^4 of|^4 services/);
await says(page, `[data-key="${namespace}/orders"]`, 'Ready');
await page.evaluate(() => (window.same = true));
await ask('drift');
await says(page, `[data-key="${namespace}/orders"]`, '1 field');
await says(page, '#said', `MicroService ${namespace}/orders drifted`);

// The drift, with who, where and by which commit; another one arrives while it is looked at.
await page.locator(`[data-key="${namespace}/orders"] a`).click();
await says(page, 'h1', `${namespace}/orders`);
await says(page, 'li.drift h3', '/spec/replicas');
await says(page, 'li.drift .hands', manager);
await says(page, 'li.drift .hands', /apps\/orders\.yaml:\d+commit [0-9a-f]{7} by /);
await says(page, 'li.drift .hands', author);
await says(page, 'li.drift .hands', subject);
await says(page, 'li.drift .sides', /2[\s\S]*5/);
await says(page, '.tree', 'Deployment');
await says(page, '.tree', 'Pod');
await ask('value');
await says(page, '.sides', value);
assert.equal(await page.locator('li.drift').count() >= 2, true);
await says(page, '.command', `gitmoor drift ${namespace}/orders`);

// A plan is held while one looks at its GitSync; then a manifest is wrong.
await page.locator('.title .kind a').click();
await says(page, 'h1', sync);
await says(page, '.list', subject);
await ask('remove');
await says(page, '#held', 'A plan waits for approval');
await says(page, 'section.loud', `${namespace}/a`);
await says(page, 'section.loud', /gitmoor approve \S+ --plan \S+/);
await ask('break');
await says(page, '.finding', 'apps/wrong.yaml:');
await says(page, '.excerpt', /name: wrong[\s\S]*replicas:[\s\S]*\^/);
await page.goto(`${url}/timeline?object=${encodeURIComponent(`GitSync/${sync}`)}`);
await says(page, '.moments', 'Commit');
await says(page, '.moments', 'Drift');
await says(page, '.moments', subject);

// Whoever looks, and however.
for (const path of ['/', orders, source, '/timeline']) {
  for (const how of [{ viewport: WIDE }, { viewport: PHONE, dark: true }]) {
    const one = await open(url + path, how);
    await says(one.page, '#line', 'Live');
    await says(one.page, 'main', namespace);
    await fits(one.page, path);
    await accessible(one.page, path);
    await one.close();
  }
}

// The daemon goes, and another one comes.
await page.goto(url + orders);
await says(page, '#line', 'Live');
await page.evaluate(() => (window.same = true));
await ask('stop');
await says(page, '#line', /Stale since/);
await says(page, 'h1', `${namespace}/orders`);
await ask('start');
await says(page, '#line', 'Live');
await ask('back');
await says(page, 'section[aria-labelledby=part-drift]', 'Everything is as Git declares it.');
await says(page, 'section[aria-labelledby=part-drifts-that-ended]', '/spec/replicas');

// The next one wants to know who is looking.
await ask('stop');
await says(page, '#line', /Stale since/);
const token = await ask('guard');
await says(page, 'main', 'Log in');
const enter = async (words) => {
  await page.getByLabel('Token', { exact: true }).fill(words);
  await page.getByRole('button', { name: 'Log in' }).click();
};
await enter('nonsense');
await says(page, '[role=alert]', 'does not know this token');
await enter(token);
await says(page, 'h1', `${namespace}/orders`);
await says(page, '.viewer', `system:serviceaccount:${namespace}:viewer`);
await says(page, '#line', 'Live');
const kept = await page.evaluate(() => JSON.stringify([document.documentElement.outerHTML, { ...localStorage }, document.cookie]));
assert.ok(!kept.includes(token), 'no script of the page finds the token');
await page.getByRole('button', { name: 'Log out' }).click();
await says(page, 'main', 'Log in');
assert.equal(await page.evaluate(() => window.same), true, 'the page was not loaded again');
await close();
await quit();
console.log('passed');
process.exit(0);
