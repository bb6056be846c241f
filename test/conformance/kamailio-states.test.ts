import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Destination } from '../../src/engine/destination.js';
import type { Engine } from '../../src/engine/engine.js';
import { LatencyEstimate } from '../../src/engine/kamailio/latency.js';
import { BIT, lettersOf } from '../../src/engine/kamailio/live.js';
import { KAMAILIO_DEFAULTS, type KamailioOptions } from '../../src/engine/kamailio/options.js';
import { acceptsCode, markBits, wantsPing } from '../../src/engine/kamailio/states.js';
import { engineWith, partitionOptions, row } from '../support/partitions.js';

const recorded = readFileSync(new URL('data/kamailio-states.md', import.meta.url), 'utf8');

/** Answers to each ping; the last one is repeated. */
const SCRIPTS: Readonly<Record<string, string>> = {
  S1: '200 503 200 503 503 200 503 503 503 200 200 503',
  S2: '503 200 503 503 200',
  S3: '503 503 503 503 200 503 200',
  S4: 'timeout 200 timeout timeout 200',
};

function flagsOf(letters: string): number {
  const state = { A: 0, I: BIT.inactive, D: BIT.disabled, T: BIT.trying }[letters.charAt(0)] ?? 0;
  return state | (letters.endsWith('P') ? BIT.probing : 0);
}

function engineFor(options: KamailioOptions, letters: string): { engine: Engine; destination: Destination } {
  const engine = engineWith([partitionOptions({ flavour: 'kamailio', kamailio: options })]);
  const flags = flagsOf(letters);
  const unusable = letters.startsWith('I') || letters.startsWith('D');
  const state = unusable ? (letters === 'IP' ? 'probing' : 'inactive') : 'active';
  engine.partition('')?.load([row('sip:127.0.0.1:7001', { flags, state })], { inheritState: true });
  const destination = engine.partition('')?.find(1, 'sip:127.0.0.1:7001');
  assert.ok(destination !== undefined);
  assert.equal(lettersOf(destination), letters);
  return { engine, destination };
}

const cells = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

describe('states ping by ping, recorded from Kamailio 5.6.3', () => {
  const sections = recorded.split('### mode=').slice(1);
  assert.equal(sections.length, 7);
  for (const section of sections) {
    const [, mode, threshold, inactive] = /^(\d) probing_threshold=(\d) inactive_threshold=(\d)/.exec(section) ?? [];
    const options: KamailioOptions = {
      ...KAMAILIO_DEFAULTS,
      probingMode: Number(mode) as KamailioOptions['probingMode'],
      probingThreshold: Number(threshold),
      inactiveThreshold: Number(inactive),
      pingReplyCodes: ['2xx', '403', '488', '3xx'],
    };
    test(`mode ${mode}, thresholds ${threshold} and ${inactive}`, () => {
      const lines = section.split('\n').filter((line) => /^\| [^|]+\/[AITD][PX] /.test(line));
      assert.ok(lines.length > 20);
      const longest = Math.max(...lines.map((line) => Number(cells(line)[1])));
      for (const line of lines) {
        const [name, count, after, last, events] = cells(line) as [string, string, string, string, string];
        const [gateway, initial] = name.split('/') as [string, string];
        const answers = (SCRIPTS[gateway] ?? gateway).split(' ');
        const { engine, destination } = engineFor(options, initial);
        const edges: string[] = [];
        engine.states.onChange(({ edge, code }) => {
          if (edge !== undefined) edges.push(`${edge === 'active' ? 'up' : 'down'}(${code})`);
        });
        const seen: string[] = [];
        for (let ping = 0; ping < longest && wantsPing(destination, options, '5.6'); ping++) {
          const answer = answers[Math.min(ping, answers.length - 1)] as string;
          const code = answer === 'timeout' ? 408 : Number(answer);
          const good = answer !== 'timeout' && acceptsCode(code, options);
          engine.states.apply({
            destination,
            kind: good ? 'success' : 'failure',
            origin: 'probe',
            reason: 'probe',
            code,
          });
          seen.push(lettersOf(destination));
        }
        const what = `mode ${mode} ${threshold}/${inactive}: ${name}`;
        assert.deepEqual(seen, after === '-' ? [] : after.split(' ').slice(0, seen.length), what);
        // Where fewer pings were recorded than in the longest run, the destination was not pinged any more.
        assert.ok(
          seen.length >= Number(count) && (seen.length === Number(count) || after.split(' ').length < longest),
          what,
        );
        if (seen.length === Number(count)) {
          assert.equal(lettersOf(destination), last, what);
          assert.deepEqual(edges, events === '' ? [] : events.split(', '), what);
        }
      }
    });
  }
});

describe('ds_mark_dst, recorded from Kamailio 5.6.3', () => {
  const lines = recorded.split('\n').filter((line) => /^\| [01] \| 2 \| 2 \|/.test(line));

  test(`${lines.length} variants`, () => {
    assert.ok(lines.length >= 70);
    for (const line of lines) {
      const [mode, , , before, letters, , after] = cells(line) as [
        string,
        string,
        string,
        string,
        string,
        string,
        string,
      ];
      const options: KamailioOptions = {
        ...KAMAILIO_DEFAULTS,
        probingMode: Number(mode) as 0 | 1,
        probingThreshold: 2,
        inactiveThreshold: 2,
      };
      const { engine, destination } = engineFor(options, before);
      const bits = markBits(letters === '(no param)' ? '' : letters, options);
      const seen: string[] = [];
      // The third call has nothing to mark when the second has marked the last destination.
      for (let call = 0; call < 3; call++) {
        if (bits !== undefined && (call < 2 || destination.health.state === 'active')) {
          const mark = { bits, how: 'update' } as const;
          engine.states.apply({ destination, kind: 'set', mark, origin: 'script', reason: 'ds_mark_dst' });
        }
        seen.push(lettersOf(destination));
      }
      assert.equal(seen.join(' '), after, line);
    }
  });
});

describe('latency statistics, recorded from Kamailio 5.6.3', () => {
  /** Average, deviation, estimate and maximum after each ping. */
  const series = (port: string) =>
    (recorded.split(`\`${port}\``)[1] ?? '')
      .split('```')[1]
      ?.trim()
      .split('\n')
      .map((line) => line.split(' / ').map((part) => Number.parseFloat(part))) ?? [];

  function follows(port: string, latencies: readonly number[], preset?: number): void {
    const latency = new LatencyEstimate(preset);
    const lines = series(port);
    assert.equal(lines.length, latencies.length);
    lines.forEach(([average, deviation, estimate, max], i) => {
      latency.observe(latencies[i] as number, 0.9);
      const close = (a: number, b: number | undefined) => Math.abs(a - (b ?? Number.NaN)) < 0.002;
      const what = `${port} after ${i + 1}: ${JSON.stringify(latency)}`;
      assert.ok(close(latency.average, average), `average ${average}, ${what}`);
      assert.ok(close(latency.deviation, deviation), `deviation ${deviation}, ${what}`);
      assert.ok(close(latency.estimate, estimate), `estimate ${estimate}, ${what}`);
      assert.equal(latency.max, max, what);
    });
  }

  test('the statistics of a gateway that gets slower with each ping are as recorded', () => {
    follows('8202', [10, 20, 31, 40, 50, 60, 71, 80, 90, 100, 111, 121, 131, 140, 151, 160, 171, 180]);
  });

  test('the average of a gateway with constant latency stops changing, as recorded', () => {
    follows('8201', [20, 20, 20, 20, 20, 20, 21, 20, 21, 20, 21, 20, 20, 20, 20, 20, 20, 20]);
  });

  test('a latency given in the attributes counts as measured, as recorded', () => {
    follows('8211', [61, 61, 61, 60, 61, 60, 61, 61, 61, 61, 61, 60, 61, 61, 61, 61, 61, 61], 10);
  });
});
