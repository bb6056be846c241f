import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Destination } from '../../../src/engine/destination.js';
import { DISPATCHER as CONFIG, ProbingLab, partitionConfig, row } from '../../support/probing.js';

const A = 'sip:127.0.0.1:5066';
const B = 'sip:usr@127.0.0.2:5066;transport=udp';
const C = 'sip:127.0.0.3:5066';

async function lab(options: ConstructorParameters<typeof ProbingLab>[0] = {}): Promise<ProbingLab> {
  const made = new ProbingLab(options);
  made.load('default', [row(1, A), row(1, B, { state: 'inactive' }), row(1, C, { state: 'probing' })]);
  await made.prober.start();
  return made;
}

describe('who is probed', () => {
  test('with ds_probing_mode 1 active and probing destinations, once per interval; inactive ones never', async () => {
    const it = await lab();
    it.clock.advance(30_000);
    assert.deepEqual([it.count(A), it.count(B), it.count(C)], [3, 0, 3]);
    assert.equal(it.state(C), 'active');
  });

  test('with ds_probing_mode 0 only probing ones, and those whose own probe_mode is 1', async () => {
    const it = new ProbingLab({ config: { probingMode: 0 } });
    it.load('default', [row(1, A), row(1, B, { probeMode: 1 }), row(1, C, { state: 'probing' })]);
    it.answers.set(C, 503);
    await it.prober.start();
    it.clock.advance(20_000);
    assert.deepEqual([it.count(A), it.count(B), it.count(C)], [0, 2, 2]);
    it.answers.set(C, 200);
    it.clock.advance(20_000);
    assert.equal(it.count(C), 3);
    assert.equal(it.state(C), 'active');
  });

  test('ds_ping_interval 0 switches probing off', async () => {
    const it = await lab({ config: { pingInterval: 0 } });
    it.clock.advance(100_000);
    assert.equal(it.sent.length, 0);
    assert.equal(it.clock.pending, 0);
  });

  test('ds_probing_list names partitions and sets', async () => {
    const it = new ProbingLab({
      config: {
        probingList: [
          { partition: 'default', set: 2 },
          { partition: 'acme', set: undefined },
        ],
      },
    });
    it.load('default', [row(1, A), row(2, B)]);
    it.load('acme', [row(1, C)]);
    it.load('other', [row(1, 'sip:127.0.0.4')]);
    await it.prober.start();
    it.clock.advance(10_000);
    assert.deepEqual(it.sent.map(({ request }) => request.uri).sort(), [C, B].sort());
  });

  test('a destination that another node owns is not probed', async () => {
    const it = await lab({ owns: ({ row: { uri } }: Destination) => uri !== A });
    it.clock.advance(10_000);
    assert.deepEqual([it.count(A), it.count(B), it.count(C)], [0, 0, 1]);
  });

  test('one destination in two rows is probed once', async () => {
    const it = new ProbingLab();
    it.load('default', [row(1, A), row(1, A, { weight: 5 })]);
    await it.prober.start();
    it.clock.advance(10_000);
    assert.equal(it.count(A), 1);
  });
});

describe('what is sent', () => {
  test('the URI as stored, and the settings of partition and destination over those of the module', async () => {
    const it = new ProbingLab({
      config: { probingSock: 'udp:127.0.0.9:5060', pingMaxfwd: 12 },
      partitions: [
        partitionConfig('acme', {
          pingFrom: 'sip:probe@acme.example',
          pingMethod: 'INFO',
          pingSock: 'udp:127.0.0.8:5060',
        }),
      ],
    });
    it.load('default', [row(1, B)]);
    it.load('acme', [row(1, A), row(1, C, { socket: 'tcp:127.0.0.7:5060' })]);
    await it.prober.start();
    it.clock.advance(10_000);
    const request = (uri: string) => {
      const found = it.sent.find((each) => each.request.uri === uri)?.request;
      assert.ok(found);
      const { destination, ...rest } = found;
      return rest;
    };
    const common = { maxForwards: 12, timeoutMs: 2000 };
    const acme = { method: 'INFO', from: 'sip:probe@acme.example' };
    assert.deepEqual(request(B), {
      method: 'OPTIONS',
      uri: B,
      from: 'sip:dispatcher@localhost',
      socket: 'udp:127.0.0.9:5060',
      ...common,
    });
    assert.deepEqual(request(A), { uri: A, socket: 'udp:127.0.0.8:5060', ...acme, ...common });
    const own = { socket: 'tcp:127.0.0.7:5060', socketDecides: true };
    assert.deepEqual(request(C), { uri: C, ...own, ...acme, ...common });
  });
});

describe('results of probes', () => {
  test('a good answer clears the count of failures', async () => {
    const it = await lab();
    it.answers.set(A, 503);
    it.clock.advance(20_000);
    assert.equal(it.find(A).health.failures, 2);
    it.answers.set(A, 200);
    it.clock.advance(10_000);
    assert.equal(it.find(A).health.failures, 0);
    assert.equal(it.state(A), 'active');
  });

  test('errors of sending count as failures at once, with the reason', async () => {
    for (const cause of ['refused', 'tls', 'dns', 'send'] as const) {
      const it = await lab({ config: { optionsReplyCodes: [503] } });
      it.answers.set(A, { code: 503, cause });
      it.clock.advance(30_000);
      assert.equal(it.state(A), 'probing', cause);
      const change = it.changes.find(({ destination }) => destination.row.uri === A);
      assert.deepEqual([change?.reason, change?.code, change?.cause], ['negative probing reply', 503, cause]);
      assert.deepEqual(
        { ...it.find(A).health.lastProbe, time: 0 },
        { time: 0, ok: false, code: 503, cause, rtt: undefined },
      );
    }
  });

  test('a sender that throws is a fault and does not stop probing', async () => {
    const it = new ProbingLab({
      send: () => {
        throw new Error('no socket');
      },
    });
    it.load('default', [row(1, A)]);
    await it.prober.start();
    it.clock.advance(30_000);
    assert.equal(it.state(A), 'probing');
    assert.equal(it.changes[0]?.cause, 'send');
  });

  test('silence ends at the deadline, once, and the probe is cancelled', async () => {
    const it = await lab({ config: { pingTimeout: 2 } });
    it.answers.set(A, 'silent');
    it.clock.advance(10_000);
    const at = it.sent.find(({ request }) => request.uri === A)?.at ?? 0;
    it.clock.advance(Math.max(0, at + 2000 - it.clock.monotonic()));
    const { lastProbe } = it.find(A).health;
    assert.equal(lastProbe?.code, 408);
    assert.equal(lastProbe?.cause, 'timeout');
    assert.equal(it.cancelled, 1);
    assert.equal(it.prober.latency(it.find(A))?.timeouts, 1);
  });

  test('an answer after the deadline, or a second one, changes nothing', async () => {
    const dones: ((outcome: { code: number }) => void)[] = [];
    const it = new ProbingLab({
      send: (_request, done) => {
        dones.push(done);
        return () => {};
      },
    });
    it.load('default', [row(1, C, { state: 'probing' })]);
    await it.prober.start();
    it.clock.advance(12_100);
    assert.ok(dones.length > 0);
    for (const done of dones.slice(0, 1)) done({ code: 200 });
    assert.equal(it.state(C), 'probing');
    assert.equal(it.prober.figures().good, 0);
  });

  test('the prober measures round trips', async () => {
    const it = await lab();
    it.delayMs = 30;
    it.clock.advance(10_000);
    it.delayMs = 50;
    it.clock.advance(10_000);
    const figures = it.prober.latency(it.find(A));
    assert.deepEqual([figures?.last, figures?.average, figures?.deviation, figures?.count], [50, 40, 10, 2]);
    assert.equal(it.find(A).health.lastProbe?.rtt, 50);
    assert.equal(it.prober.latency({ partition: 'default', key: 'none' }), undefined);
  });
});

describe('bounds', () => {
  test('a deadline longer than the interval is cut, so that no destination has two probes under way', async () => {
    const it = await lab({ config: { pingInterval: 1, pingTimeout: 2 } });
    it.answers.set(A, 'silent');
    it.clock.advance(10_500);
    assert.equal(it.sent[0]?.request.timeoutMs, 900);
    assert.ok(it.count(A) >= 10);
    assert.equal(it.prober.figures().skipped, 0);
    assert.equal(it.state(A), 'probing');
  });

  test('probes in flight are bounded, the rest are queued', async () => {
    const it = new ProbingLab({ maxInFlight: 5, config: { pingInterval: 10, pingTimeout: 2 } });
    const uris = Array.from({ length: 60 }, (_, i) => `sip:10.0.0.${i + 1}:5060`);
    it.load(
      'default',
      uris.map((uri) => row(1, uri)),
    );
    for (const uri of uris) it.answers.set(uri, 'silent');
    await it.prober.start();
    it.clock.advance(60_000);
    assert.equal(it.maxOpen, 5);
    assert.ok(it.prober.figures().queued > 0);
    for (const uri of uris) assert.ok(it.count(uri) >= 1, uri);
    it.answers.clear();
    it.clock.advance(40_000);
    assert.equal(it.prober.figures().queued, 0);
    assert.equal(it.prober.figures().inFlight <= 5, true);
  });

  test('a sender that answers before it returns does not deepen the call stack', async () => {
    const it = new ProbingLab({
      maxInFlight: 1,
      send: (request, done) => {
        if (request.uri === A) return () => {};
        done({ code: 503, cause: 'dns' });
        return () => {};
      },
    });
    const rows = Array.from({ length: 20_000 }, (_, i) => row(1, `sip:h${i}.example`));
    it.load('default', [row(1, A), ...rows]);
    await it.prober.start();
    assert.doesNotThrow(() => it.clock.advance(40_000));
    assert.ok(it.prober.figures().bad > 20_000);
  });

  test('10,000 destinations at 10 s: no 100 ms have more than three times their share', async () => {
    const it = new ProbingLab();
    const rows = Array.from({ length: 10_000 }, (_, i) => row(1 + (i % 20), `sip:10.0.${i >> 8}.${i & 255}:5060`));
    it.load('default', rows);
    await it.prober.start();
    it.clock.advance(30_000);
    const slices = new Array<number>(300).fill(0);
    for (const { at } of it.sent) slices[Math.floor(at / 100)] = (slices[Math.floor(at / 100)] ?? 0) + 1;
    assert.ok(Math.max(...slices) <= 300, `${Math.max(...slices)}`);
    assert.ok(Math.min(...slices.slice(1, 299)) >= 30, `${Math.min(...slices.slice(1, 299))}`);
    const perDestination = new Map<string, number>();
    for (const { request } of it.sent) perDestination.set(request.uri, (perDestination.get(request.uri) ?? 0) + 1);
    assert.equal(perDestination.size, 10_000);
    for (const count of perDestination.values()) assert.ok(count === 3 || count === 2 || count === 4);
  });

  test('destinations that are loaded later do not come in a burst', async () => {
    const it = await lab();
    it.clock.advance(7300);
    const rows = Array.from({ length: 5000 }, (_, i) => row(2, `sip:10.0.${i >> 8}.${i & 255}:5060`));
    it.load('default', [row(1, A), ...rows]);
    it.prober.refresh();
    const from = it.clock.monotonic();
    it.clock.advance(10_100);
    const slices = new Array<number>(102).fill(0);
    for (const { at, request } of it.sent) {
      if (at >= from && request.uri !== A) slices[Math.floor((at - from) / 100)]! += 1;
    }
    assert.ok(Math.max(...slices) <= 150, `${Math.max(...slices)}`);
    assert.ok(slices.reduce((sum, each) => sum + each, 0) >= 4950);
  });
});

describe('reloads and switching off', () => {
  test('new destinations are probed, removed ones are not, without a notification', async () => {
    const it = await lab();
    it.clock.advance(10_000);
    it.load('default', [row(1, C)]);
    const before = it.count(A);
    it.clock.advance(10_000);
    assert.equal(it.count(A), before);
    it.load('default', [row(1, C), row(1, 'sip:127.0.0.4')]);
    it.clock.advance(11_000);
    assert.equal(it.count('sip:127.0.0.4'), 1);
    it.engine.removePartition('default');
    it.clock.advance(1000);
    assert.equal(it.prober.figures().watched, 0);
  });

  test('the answer to a probe sent before a reload changes no state', async () => {
    const it = await lab();
    it.delayMs = 1500;
    it.clock.advance(10_000);
    while (it.open === 0) it.clock.advance(10);
    const failures = it.find(A).health.failures;
    for (const uri of [A, C]) it.answers.set(uri, 503);
    const stale = it.open;
    it.load('default', [row(1, A), row(1, C, { state: 'probing' })], false);
    it.clock.advance(1500);
    assert.equal(it.find(A).health.failures, failures);
    assert.ok(it.prober.figures().stale >= stale);
    assert.equal(it.state(C), 'probing');
  });

  test('the probe of a destination that is removed is cancelled', async () => {
    const it = await lab();
    it.answers.set(A, 'silent');
    while (it.count(A) === 0) it.clock.advance(50);
    it.load('default', [row(1, C)]);
    it.prober.refresh();
    assert.equal(it.cancelled, 1);
    assert.equal(it.prober.figures().stale, 1);
  });

  test('round trips survive a reload and a change of settings', async () => {
    const it = await lab();
    it.clock.advance(10_000);
    it.load('default', [row(1, A, { weight: 9 })]);
    it.clock.advance(10_000);
    assert.equal(it.prober.latency(it.find(A))?.count, 2);
    it.prober.configure({ ...CONFIG, pingInterval: 20 }, []);
    it.clock.advance(40_000);
    assert.equal(it.prober.latency(it.find(A))?.count, 4);
  });

  test('a destination that becomes probing is probed within the interval', async () => {
    const it = await lab({ config: { probingMode: 0 } });
    it.clock.advance(25_000);
    const destination = it.find(A);
    for (let i = 0; i < 3; i++) {
      it.engine.states.apply({ destination, kind: 'set', to: 'probing', origin: 'mi', reason: 'MI command' });
    }
    assert.equal(it.state(A), 'probing');
    it.clock.advance(10_100);
    assert.equal(it.state(A), 'active');
    assert.equal(it.changes.at(-1)?.reason, '200 OK probing reply');
  });

  test('setActive with a partition stops and resumes that one only', async () => {
    const it = await lab();
    it.clock.advance(10_000);
    const before = it.sent.length;
    it.prober.setActive(false, 'default');
    it.prober.setActive(false, 'other');
    assert.equal(it.prober.active, true);
    assert.equal(it.prober.isActive('default'), false);
    it.clock.advance(30_000);
    assert.equal(it.sent.length, before);
    it.prober.setActive(true, 'default');
    assert.equal(it.prober.isActive('other'), false);
    it.clock.advance(10_000);
    assert.equal(it.sent.length, before + 2);
  });

  test('setActive stops and resumes probing', async () => {
    const it = await lab();
    it.clock.advance(10_000);
    const before = it.sent.length;
    it.prober.setActive(false);
    assert.equal(it.prober.active, false);
    it.clock.advance(30_000);
    assert.equal(it.sent.length, before);
    it.prober.setActive(true);
    it.clock.advance(10_000);
    assert.equal(it.sent.length, before + 2);
  });

  test('stop leaves no timer behind and may be called twice', async () => {
    const it = await lab();
    it.answers.set(A, 'silent');
    while (it.count(A) === 0) it.clock.advance(50);
    await it.prober.stop();
    await it.prober.stop();
    const { length } = it.sent;
    it.clock.advance(60_000);
    assert.equal(it.sent.length, length);
    assert.equal(it.open, 0);
    assert.equal(it.clock.pending, 0);
    assert.equal(it.find(A).health.failures, 0);
  });
});

test('10,000 destinations at 10 s cost well under 15 % of a core', async () => {
  const it = new ProbingLab();
  it.load(
    'default',
    Array.from({ length: 10_000 }, (_, i) => row(1, `sip:10.0.${i >> 8}.${i & 255}:5060`)),
  );
  await it.prober.start();
  it.clock.advance(10_000);
  const before = process.cpuUsage();
  it.clock.advance(60_000);
  const { user, system } = process.cpuUsage(before);
  assert.ok((user + system) / 60e6 < 0.15, `${(user + system) / 600_000} %`);
});
