import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadReport } from '../../../src/engine/partition.js';
import { LoadOutcomes } from '../../../src/tenant/load-outcomes.js';
import { FakeClock } from '../../support/fake-clock.js';
import { recordingLogger } from '../../support/sip-recorder.js';

const report = (discarded: number): LoadReport =>
  ({
    loaded: 2,
    added: ['a'],
    removed: [],
    changed: [],
    discarded: Array.from({ length: discarded }, (_, i) => ({ row: `row ${i}`, reason: 'no URI' })),
  }) as unknown as LoadReport;

function outcomes() {
  const { log } = recordingLogger();
  const lines: string[] = [];
  const note = (level: string) => (_fields: object, message: string) => void lines.push(`${level} ${message}`);
  const logger = { ...log, debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const clock = new FakeClock();
  return { of: new LoadOutcomes('acme', { log: logger, store: { description: 'a table' }, clock }), lines };
}

test('a partition is not ready until a load has succeeded, whatever fails later', () => {
  const { of } = outcomes();
  assert.equal(of.notReady, 'not loaded yet');
  of.failed(new Error('no table'), 0);
  assert.equal(of.notReady, 'no table');
  of.succeeded(report(1), 12);
  of.failed(new Error('no table'), 2);
  assert.equal(of.notReady, undefined);
  assert.deepEqual(
    [of.figures.loads, of.figures.failures, of.figures.lastDuration, of.figures.discarded],
    [1, 2, 12, 1],
  );
});

test('a failure is logged once as an error, its repetitions at debug level', () => {
  const { of, lines } = outcomes();
  for (const reason of ['down', 'down', 'gone']) of.failed(new Error(reason), 3);
  assert.deepEqual(
    lines.map((each) => each.split(' ')[0]),
    ['error', 'debug', 'error'],
  );
});

test('failures of two reasons in turn are two errors, and one more of each after a success; many reasons are eight', () => {
  const { of, lines } = outcomes();
  const errors = (): number => lines.filter((each) => each.startsWith('error')).length;
  for (let i = 0; i < 20; i++) of.failed(new Error(i % 2 === 0 ? 'reset' : 'terminated'), 3);
  assert.equal(errors(), 2);
  of.succeeded(report(0), 1);
  for (let i = 0; i < 20; i++) of.failed(new Error(i % 2 === 0 ? 'reset' : 'terminated'), 3);
  assert.equal(errors(), 4);
  of.succeeded(report(0), 1);
  for (let i = 0; i < 20; i++) of.failed(new Error(`reason ${i}`), 3);
  assert.equal(errors(), 12);
});

test('twenty discarded rows are named, a hundred reports are kept', () => {
  const { of, lines } = outcomes();
  for (let i = 0; i < 101; i++) of.succeeded(report(25), 1);
  assert.equal(lines.filter((each) => each.startsWith('warn')).length, 101 * 20);
  assert.equal(of.reports.length, 100);
});
