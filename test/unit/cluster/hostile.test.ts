import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeHeartbeat } from '../../../src/cluster/heartbeat.js';
import { SharedLoad } from '../../../src/cluster/load.js';
import { memberHashes } from '../../../src/cluster/owners.js';
import { Questions } from '../../../src/cluster/questions.js';
import { nextRecord, parseRecord } from '../../../src/cluster/record.js';
import { Reloads } from '../../../src/cluster/reloads.js';
import { Tags } from '../../../src/cluster/tags.js';
import type { Logger } from '../../../src/core/logger.js';
import { SimulatedNats } from '../../support/cluster/simulated-nats.js';
import { SimulatedNode } from '../../support/cluster/simulated-node.js';
import { FakeClock } from '../../support/fake-clock.js';
import { seededRandom } from '../../support/partitions.js';

function twoNodes() {
  const clock = new FakeClock();
  const random = seededRandom(3);
  const nats = new SimulatedNats(clock, () => random.uint32() / 2 ** 32);
  const lines: { fields: object; message: string }[] = [];
  const write = (fields: object, message: string) => void lines.push({ fields, message });
  const log: Logger = {
    trace: () => {},
    debug: () => {},
    info: write,
    warn: write,
    error: write,
    fatal: write,
    child: () => log,
    isLevelEnabled: () => true,
  };
  const world = { nats, random, size: 3, answers: () => true, log };
  const nodes = ['n1', 'n2'].map((name) => new SimulatedNode(world, name));
  clock.advance(6000);
  return { clock, nodes, lines, one: nodes[0] as SimulatedNode, two: nodes[1] as SimulatedNode };
}

const beat = (phase: 'ready' | 'alone', inc = 'x') =>
  encodeHeartbeat({ inc, pv: 1, phase, gen: '', rev: 0, view: 0, tags: [], weight: 1, zone: '' });

test('requests with parameters of another type throw nothing and reach no handler', () => {
  const { one } = twoNodes();
  const questions = new Questions(one.node);
  const got: unknown[] = [];
  questions.on('mi', (question) => got.push(question));
  const odd = ['{"toString":1}', '{"valueOf":1,"toString":null}', '[{"toString":1}]', '7', 'null'];
  for (const value of odd) {
    one.node.asked(`{"q":${value},"method":"version"}`, () => {});
    one.node.asked(`{"q":"mi","method":${value}}`, () => {});
    one.node.asked(`{"q":"probe","key":${value}}`, () => {});
    one.node.asked(`{"q":"reload","partition":${value}}`, () => {});
  }
  for (const q of ['__proto__', 'constructor', 'toString']) one.node.asked(JSON.stringify({ q }), () => {});
  assert.deepEqual(got, []);
  one.node.asked('{"q":"mi","method":"version"}', () => {});
  assert.equal(got.length, 1);
});

test('invented nodes, and one that changes its phase all the time, cause few and short lines', () => {
  const { clock, lines, one } = twoNodes();
  const before = lines.length;
  for (let i = 0; i < 2000; i++) {
    one.link.handlers?.message('hb', `zz${i}`, beat('ready'));
    one.link.handlers?.message('hb', 'flips', beat(i % 2 === 0 ? 'ready' : 'alone'));
  }
  one.link.handlers?.message('hb', 'A'.repeat(3000), beat('ready'));
  clock.advance(5000);
  const written = lines.slice(before);
  assert.ok(written.length > 10 && written.length <= 500, `${written.length} lines`);
  assert.equal(written.filter(({ message }) => message.includes('flips')).length <= 10, true);
  for (const { message, fields } of written) assert.ok(message.length + JSON.stringify(fields).length < 500);
  clock.advance(61_000);
  one.link.handlers?.message('hb', 'n7', beat('ready'));
  assert.match(lines.at(-1)?.message ?? '', /node n7 is ready/);
});

test('a node that changes its phase all the time does not hide the lines of the others', () => {
  const { lines, one } = twoNodes();
  for (let i = 0; i < 1000; i++) one.link.handlers?.message('hb', 'flips', beat(i % 2 === 0 ? 'ready' : 'alone'));
  one.link.handlers?.message('hb', 'n7', beat('ready'));
  assert.match(lines.at(-1)?.message ?? '', /node n7 is ready/);
});

test('reported load of rows that do not exist is not kept', () => {
  const { one } = twoNodes();
  const { node } = one;
  const counted = { destinations: one.destinations, rules: { loadOf: () => undefined, shareLoad: () => {} } };
  const load = new SharedLoad(node, () => counted);
  const kept = () =>
    [...(load as unknown as { reports: Map<string, { counts: Map<string, unknown> }> }).reports.values()].reduce(
      (sum, { counts }) => sum + counts.size,
      0,
    );
  for (let from = 0; from < 50_000; from += 1000) {
    const c = Array.from({ length: 1000 }, (_, i) => [from + i, 1, 1]);
    const text = JSON.stringify({ p: 'default', h: node.rows.hashOf('default'), c });
    one.link.handlers?.message('load', 'n2', text);
  }
  assert.equal(kept(), 3);
});

test('shared reloads go on after a request with the largest possible number', async () => {
  const { clock, nodes, one, two } = twoNodes();
  const loads: string[] = [];
  const reloads = nodes.map(
    ({ node }) =>
      new Reloads(node, new Questions(node), {
        partitions: () => ['default'],
        load: async () => {
          loads.push(node.name);
          return { rows: 3 };
        },
      }),
  );
  const advance = async () => {
    for (let i = 0; i < 100; i++) {
      clock.advance(50);
      await new Promise(setImmediate);
    }
  };
  const spread = () => new Promise((resolve) => reloads[0]?.spread('default', resolve));
  for (const n of [2 ** 53 - 1, 2 ** 52, 2 ** 52 - 1, 2 ** 51, -5, 0]) {
    const writer = two.node.values;
    writer.update('r.default', () => JSON.stringify({ n, by: 'zz' }));
    await advance();
    for (let again = 0; again < 2; again++) {
      loads.length = 0;
      const done = spread();
      await advance();
      assert.equal(await done, true);
      assert.deepEqual(loads, ['n2'], `after ${n}`);
    }
  }
  assert.equal(one.node.phase, 'ready');
});

test('a tag with the last number can still be taken', async () => {
  const { clock, nodes, two } = twoNodes();
  const tags = nodes.map(({ node }) => new Tags(node));
  two.node.values.update('t.vip', () => JSON.stringify({ active: 'n2', inc: 'x', n: 2 ** 53 - 1, by: 'mi' }));
  clock.advance(1000);
  assert.equal(tags[0]?.holder('vip'), 'n2');
  tags[0]?.take('vip', 'mi', () => {});
  clock.advance(1000);
  assert.deepEqual(
    tags.map((each) => each.holder('vip')),
    ['n1', 'n1'],
  );
});

test('a record with the last number can still be written', () => {
  const last = 2 ** 53 - 1;
  const base = { v: last, a: 'sip:a', s: '', st: 'active', q: last, t: '', r: '', w: '', told: last, ev: [] } as const;
  const next = nextRecord(base, { kind: 'set', to: 'inactive', origin: 'mi', time: 0, reason: 'MI' }, 'inactive', {
    node: 'n1',
    generation: 'g',
    published: 0,
  });
  assert.equal(parseRecord(JSON.stringify(next))?.st, 'inactive');
});

test('a partition named as a member of every object is not found in what another node reports', () => {
  const hashes = memberHashes('{"partitions":{"default":"a"}}');
  for (const name of ['constructor', 'toString', '__proto__']) assert.equal(hashes?.[name], undefined);
  assert.equal(hashes?.['default'], 'a');
  assert.equal(memberHashes('{"partitions":{"default":{"toString":1}}}')?.['default'], undefined);
});

test('values and records of invented keys are bounded', () => {
  const { one } = twoNodes();
  for (let i = 1; i <= 12_000; i++) one.link.handlers?.record(`m.zz${i}`, 2e12 + i, '{}');
  assert.ok([...one.node.values.under('m.zz')].length <= 10_000);
  one.link.handlers?.record('t.vip', 3e12, 'x'.repeat(2_000_000));
  assert.equal(one.node.values.get('t.vip'), undefined);
});
