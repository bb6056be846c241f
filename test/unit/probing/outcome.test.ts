import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isGood, probeResult, probeSignal } from '../../../src/probing/outcome.js';
import type { ProbeOutcome } from '../../../src/probing/probe.js';
import { ProbingLab, row } from '../../support/probing.js';

test('good is 200 or a listed code, and only by a reply', () => {
  const listed = new Set([403, 408, 501]);
  const cases: [ProbeOutcome, boolean][] = [
    [{ code: 200 }, true],
    [{ code: 202 }, false],
    [{ code: 403 }, true],
    [{ code: 501 }, true],
    [{ code: 404 }, false],
    [{ code: 503 }, false],
    [{ code: 408 }, true],
    [{ code: 408, cause: 'timeout' }, false],
    [{ code: 403, cause: 'refused' }, false],
    [{ code: 200, cause: 'tls' }, false],
  ];
  for (const [outcome, good] of cases) assert.equal(isGood(outcome, listed), good, JSON.stringify(outcome));
  assert.equal(isGood({ code: 408 }, new Set()), false);
});

test('the signal carries the recorded reason text, and code and cause beside it', () => {
  const lab = new ProbingLab();
  lab.load('default', [row(1, 'sip:a')]);
  const destination = lab.find('sip:a');
  assert.deepEqual(probeSignal(destination, { code: 403 }, true), {
    destination,
    kind: 'success',
    origin: 'probe',
    reason: '200 OK probing reply',
    code: 403,
    cause: undefined,
  });
  assert.deepEqual(probeSignal(destination, { code: 408, cause: 'timeout' }, false), {
    destination,
    kind: 'failure',
    origin: 'probe',
    reason: 'negative probing reply',
    code: 408,
    cause: 'timeout',
  });
  assert.deepEqual(probeResult({ code: 200, rtt: 12 }, true, 5), {
    time: 5,
    ok: true,
    code: 200,
    cause: undefined,
    rtt: 12,
  });
});
