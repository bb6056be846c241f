import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Substitutions } from '../../../src/cfg/source/substitutions.js';

function substitutions(...lines: readonly string[]): Substitutions {
  const all = new Substitutions();
  for (const each of lines) assert.equal(all.add('subst', each).fault, undefined);
  return all;
}

test('a thousand names cost little in sixteen thousand strings, most of which have none of them', () => {
  const lines = Array.from({ length: 1000 }, (_, i) => `!NAME_${i}!value ${i}!g`);
  const all = substitutions(...lines);
  const before = process.cpuUsage();
  for (let i = 0; i < 16_000; i++) all.apply(`INVITE to $rU from $si, line ${i} of the script\n`);
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 4_000_000, `${Math.round((user + system) / 1000)} ms`);
  assert.equal(all.apply('NAME_7 and NAME_999'), 'value 7 and value 999');
});

test('names are replaced in the order of their lines, expressions among them', () => {
  const all = substitutions('!A!B C!g', '![xy]+!A!', '!B!D!', '!c!E!i', '!e.f!G!', '!h.!\\n!');
  assert.equal(all.apply('A xyx A'), 'D E A B C');
  assert.equal(all.apply('e.f exf'), 'G eAf');
  assert.equal(all.apply('h.'), '\n');
  assert.equal(substitutions('!a-b c!1!g').apply('a-b ca-b c'), '11');
});
