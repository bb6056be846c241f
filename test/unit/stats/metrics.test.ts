import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Metrics } from '../../../src/stats/metrics.js';

describe('the Prometheus text', () => {
  test('has counters, gauges and histograms in the exposition format', () => {
    const metrics = new Metrics();
    metrics.counter('calls_total', 'Calls').with({ result: 'a "b"\n' }).value += 2;
    metrics.gauge({ name: 'depth', help: 'Depth', collect: () => [[{}, 3]] });
    const histogram = metrics.histogram('wait', 'Wait', [1, 5]);
    for (const value of [0.5, 4, 9]) histogram.observe(value);
    assert.equal(
      metrics.prometheus(),
      [
        '# HELP calls_total Calls',
        '# TYPE calls_total counter',
        'calls_total{result="a \\"b\\"\\n"} 2',
        '# HELP depth Depth',
        '# TYPE depth gauge',
        'depth 3',
        '# HELP wait Wait',
        '# TYPE wait histogram',
        'wait_bucket{le="1"} 1',
        'wait_bucket{le="5"} 2',
        'wait_bucket{le="+Inf"} 3',
        'wait_sum 13.5',
        'wait_count 3',
        '',
      ].join('\n'),
    );
  });

  test('removes the counters of a removed partition, and of no other', () => {
    const metrics = new Metrics();
    const family = metrics.counter('events_total', 'Events');
    for (const partition of ['a', 'aa', 'b']) family.with({ partition, status: 'active' }).value++;
    metrics.counter('other_total', 'Others').with({ kind: 'x', partition: 'a' }).value++;
    metrics.counter('other_total', 'Others').with({ kind: 'partition="a"' }).value++;
    metrics.forget('partition', 'a');
    const left = metrics
      .prometheus()
      .split('\n')
      .filter((line) => /^[^#]/.test(line));
    assert.deepEqual(left, [
      'events_total{partition="aa",status="active"} 1',
      'events_total{partition="b",status="active"} 1',
      'other_total{kind="partition=\\"a\\""} 1',
    ]);
  });

  test('is written in small pieces, and ends where a collector ends it', () => {
    const metrics = new Metrics();
    let collected = 0;
    metrics.gauge({
      name: 'each',
      help: 'Many',
      collect: function* () {
        for (let i = 0; i < 1000; i++) {
          collected++;
          yield [{ n: String(i) }, i] as const;
        }
        for (let i = 0; i < 5; i++) yield undefined;
      },
    });
    const pieces: string[] = [];
    for (const piece of metrics.pieces()) {
      pieces.push(piece);
      assert.ok(collected <= pieces.length * 200, 'no more work than a piece shows');
    }
    assert.equal(pieces.filter((piece) => piece === '').length >= 4, true, 'a pause without a line is a piece too');
    assert.equal(pieces.join(''), metrics.prometheus());
    assert.equal(pieces.join('').split('\n').length, 1003);
  });
});
