import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReachedLimits } from '../../../src/daemon/console-limits.js';
import { Metrics } from '../../../src/stats/metrics.js';
import { FakeClock } from '../../support/fake-clock.js';

test('limits that refused something in the last minute are marked, refusals since the start are counted', () => {
  const clock = new FakeClock();
  const metrics = new Metrics();
  const refused = metrics.counter('switchyard_mi_refused_total', '');
  refused.with({ endpoint: 'fifo' }).value = 2;
  refused.with({ endpoint: 'http' }).value = 3;
  let limited = 0;
  metrics.gauge({ name: 'switchyard_sip_limited_total', help: '', collect: () => [[{}, limited]] });
  const limits = new ReachedLimits(metrics, clock);
  const shown = () =>
    limits
      .group()
      .items.filter(({ value }) => value !== '0')
      .map(({ name, value, level }) => [name, value, level]);
  const management = 'unreadable MI requests';
  assert.deepEqual(shown(), [[management, '5', 'ok']]);
  limited = 7;
  clock.advance(2000);
  const sources = 'source over its rate';
  assert.deepEqual(shown(), [
    [sources, '7', 'warning'],
    [management, '5', 'ok'],
  ]);
  clock.advance(59_000);
  assert.equal(shown()[0]?.[2], 'warning');
  clock.advance(2000);
  assert.deepEqual(shown()[0], [sources, '7', 'ok']);
});
