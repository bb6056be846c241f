import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probeResult, probeSignal } from '../../../src/probing/outcome.js';
import type { ProbeOutcome } from '../../../src/probing/probe.js';
import { ProbingLab, row } from '../../support/probing.js';

test('200 and listed codes are good, if they came in a reply', async () => {
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
  for (const [outcome, good] of cases) {
    const lab = new ProbingLab({ config: { optionsReplyCodes: [403, 408, 501] } });
    lab.answers.set('sip:a', outcome);
    lab.load('default', [row(1, 'sip:a')]);
    await lab.prober.start();
    lab.clock.advance(10_000);
    assert.equal(lab.find('sip:a').health.lastProbe?.ok, good, JSON.stringify(outcome));
  }
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
