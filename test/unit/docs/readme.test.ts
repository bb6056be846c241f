import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { test } from 'node:test';
import { commandNames } from '../../../src/cli/usage.js';
import { README, tablesIn, withTables } from '../../support/readme-tables.js';

const text = readFileSync(README, 'utf8');

test('the tables of README.md are those of the schemas (npm run docs)', () => {
  assert.deepEqual(tablesIn(text), ['settings', 'partition', 'modparam', 'destination', 'routing-rule']);
  assert.equal(withTables(text), text);
});

test('the JSON in README.md is JSON', () => {
  const blocks = [...text.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map((match) => match[1] as string);
  assert.ok(blocks.length >= 4);
  for (const block of blocks) assert.doesNotThrow(() => JSON.parse(block), block);
});

test('what README.md links to is there', () => {
  const links = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map((match) => match[1] as string);
  assert.ok(links.length > 5);
  for (const link of links) assert.ok(existsSync(resolve(dirname(README), link)), link);
});

test('README.md names every command, and only scripts there are', () => {
  for (const command of commandNames()) assert.match(text, new RegExp(`switchyard ${command}\\b`), command);
  const { scripts } = JSON.parse(readFileSync(resolve(dirname(README), 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const [, script] of text.matchAll(/npm run ([a-z]+)/g)) assert.ok(scripts[script as string], script);
});
