// The made-up daemon answers as docs/openapi.yaml says: else what is tested against it proves nothing of a real one.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parse } from 'yaml';
import { world } from './data.mjs';

const api = parse(await readFile(new URL('../../docs/openapi.yaml', import.meta.url), 'utf8'));

/** What is wrong with a value, by a schema. Fields that the schema does not know are wrong, too: nobody would send them. */
function wrong(value, schema, at = '') {
  if (schema.$ref) return wrong(value, schema.$ref.slice(2).split('/').reduce((found, name) => found[name], api), at);
  if (schema.allOf) {
    const all = schema.allOf.map(resolved);
    const properties = Object.assign({}, ...all.map((one) => one.properties));
    return wrong(value, { type: 'object', properties, required: all.flatMap((one) => one.required ?? []) }, at);
  }
  if (schema.enum) return schema.enum.includes(value) ? [] : [`${at}: ${JSON.stringify(value)} is none of ${schema.enum}`];
  if (schema.type === undefined) return [];
  const type = Array.isArray(value) ? 'array' : value === null ? 'null' : Number.isInteger(value) ? 'integer' : typeof value;
  if (type !== schema.type) return [`${at} is ${type}, not ${schema.type}`];
  if (type === 'array') return value.flatMap((item, index) => wrong(item, schema.items, `${at}/${index}`));
  if (type !== 'object') return [];
  const missing = (schema.required ?? []).filter((name) => !(name in value)).map((name) => `${at} lacks ${name}`);
  const inner = Object.entries(value).flatMap(([name, item]) => {
    const known = schema.properties?.[name] ?? schema.additionalProperties;
    if (known) return wrong(item, known, `${at}/${name}`);
    return schema.properties ? [`${at} has ${name}, which is not documented`] : [];
  });
  return [...missing, ...inner];
}

/** A schema of an object, with what it is made of in one. */
function resolved(schema) {
  if (schema.$ref) return resolved(schema.$ref.slice(2).split('/').reduce((found, name) => found[name], api));
  if (!schema.allOf) return schema;
  const all = schema.allOf.map(resolved);
  return { properties: Object.assign({}, ...all.map((one) => one.properties)), required: all.flatMap((one) => one.required ?? []) };
}

for (const hostile of [false, true]) {
  test(`the made-up daemon answers as the API is documented${hostile ? ', with markup in it' : ''}`, () => {
    const all = world({ services: 120, hostile });
    const check = (name, value) => assert.deepEqual(wrong(value, { $ref: `#/components/schemas/${name}` }), [], name);
    check('Overview', all.overview('1'));
    check('ServiceList', { version: '1', total: all.rows.length, items: all.rows });
    check('GitSyncList', { version: '1', items: all.gitsyncs });
    check('Timeline', { version: '1', items: all.timeline });
    for (const row of all.rows) {
      check('Service', all.service(row.name, '1'));
      check('Tree', all.tree(row.name));
    }
    for (const row of all.gitsyncs) check('GitSync', all.gitsync(row.name, '1'));
    check('Change', { overview: all.overview('2'), services: all.rows, removedServices: ['a/b'], timeline: all.timeline });
  });
}

test('what is wrong is found', () => {
  const check = (value, schema, expected) => assert.deepEqual(wrong(value, schema), expected);
  check({ role: 'king', version: 1 }, { $ref: '#/components/schemas/Hello' }, [' lacks resumed', '/role: "king" is none of alone,leader,standby', '/version is integer, not string']);
  check({ version: '1', resumed: true, role: 'alone', more: 1 }, { $ref: '#/components/schemas/Hello' }, [' has more, which is not documented']);
});
