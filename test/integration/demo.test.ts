import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Child } from '../support/child-process.js';
import { programArguments } from '../support/program.js';

const DEMO = programArguments('examples/demo/demo.ts');
/** Its temporary folders are made in this folder, so that leftovers are visible. */
const folder = mkdtempSync(join(tmpdir(), 'demo-test-'));

const demos: Child[] = [];

after(async () => {
  // Of tests that failed.
  await Promise.all(demos.map((demo) => demo.stop('SIGKILL')));
  rmSync(folder, { recursive: true, force: true });
});

function startDemo(...args: readonly string[]): Child {
  const demo = new Child(process.execPath, [...DEMO, ...args], { env: { ...process.env, TMPDIR: folder } });
  demos.push(demo);
  return demo;
}

test('the demo answers every call, shows its event and listing, and cleans up', { timeout: 100_000 }, async () => {
  const demo = startDemo('--calls', '40');
  assert.equal(await demo.exited, 0, demo.said());
  const text = demo.stdout;
  assert.match(text, /calls answered +acme 45 of 45, globex 45 of 45/);
  assert.match(text, /to the other tenant +0\n/);
  assert.match(text, /"method":"E_DISPATCHER_STATUS","params":\{"partition":"acme","group":1,.*"status":"inactive"/);
  assert.match(text, /^ {2}acme +1 +sip:127\.0\.0\.11:\d+ +Probing/m);
  assert.match(text, /events +inactive, active\n/);
  // Output to a file: no line is rewritten and nothing is coloured.
  assert.doesNotMatch(text, /[\r\x1b]/);
  assert.deepEqual(left(), []);
});

test('the demo ends and cleans up when it is interrupted', { timeout: 60_000 }, async () => {
  const demo = startDemo('--calls', '200');
  await demo.until(() => demo.stdout.includes('1. 200 calls'), 40_000, 'demo');
  assert.equal(await demo.stop('SIGINT', 20_000), 130, demo.said());
  assert.deepEqual(left(), []);
});

test('with --stay calls go on beside the console until it is interrupted', { timeout: 90_000 }, async () => {
  const demo = startDemo('--calls', '12', '--stay');
  await demo.until(() => /The console: http/.test(demo.stdout), 60_000, 'the console');
  const page = /The console: (http\S+)/.exec(demo.stdout)?.[1] ?? assert.fail(demo.said());
  const answer = await fetch(page);
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /<html/i);
  // The calls of the last part were counted before; a gateway fails after further ones.
  await demo.until(() => / is off\n/.test(demo.stdout), 30_000, 'a gateway that fails');
  assert.equal(demo.running, true);
  assert.equal(await demo.stop('SIGINT', 20_000), 130, demo.said());
  assert.deepEqual(left(), []);
});

test('the demo refuses what it does not know', { timeout: 30_000 }, async () => {
  const demo = startDemo('--calls', 'many');
  assert.equal(await demo.exited, 1);
  assert.match(demo.stdout, /--calls takes a number/);
  assert.deepEqual(left(), []);
});

/** Folders of the demo that still exist, without the cache of the module loader. */
function left(): string[] {
  return readdirSync(folder).filter((name) => name.startsWith('switchyard'));
}
