import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SwitchyardError } from '../../../src/core/errors.js';
import { createPartition } from '../../../src/engine/create-partition.js';
import type { Destination } from '../../../src/engine/destination.js';
import type { Engine } from '../../../src/engine/engine.js';
import { flavourKind } from '../../../src/engine/flavours.js';
import type { Partition } from '../../../src/engine/partition.js';
import { equalsIgnoringCase } from '../../../src/engine/uri-index.js';
import { engineWith, partitionOptions, request, row, rows, stillClock } from '../../support/partitions.js';

const INHERIT = { inheritState: true };

function partitionOf(engine: Engine): Partition {
  const partition = engine.partition('');
  assert.ok(partition !== undefined);
  return partition;
}

const uris = (partition: Partition, setId: number): string[] =>
  (partition.snapshot.sets.get(setId)?.destinations ?? []).map((each) => each.row.uri);

describe('loading', () => {
  test('orders rows by priority, equal ones in row order, or in reverse for kamailio', () => {
    const table = [
      row('sip:a', { priority: 0 }),
      row('sip:b', { priority: 5 }),
      row('sip:c', { priority: 0 }),
      row('sip:d', { priority: 5 }),
      row('sip:e', { priority: -1 }),
    ];
    const engine = engineWith([partitionOptions(), partitionOptions({ name: 'k', flavour: 'kamailio' })]);
    partitionOf(engine).load(table, INHERIT);
    engine.partition('k')?.load(table, INHERIT);
    assert.deepEqual(uris(partitionOf(engine), 1), ['sip:b', 'sip:d', 'sip:a', 'sip:c', 'sip:e']);
    assert.deepEqual(uris(engine.partition('k') as Partition, 1), ['sip:d', 'sip:b', 'sip:c', 'sip:a', 'sip:e']);
    const set = partitionOf(engine).snapshot.sets.get(1);
    set?.destinations.forEach((each, i) => {
      assert.equal(each.index, i);
    });
  });

  test('discards unusable rows with the reason, and loads the others', () => {
    const partition = partitionOf(engineWith([partitionOptions()]));
    const report = partition.load(
      [
        row('sip:ok'),
        row('bob'),
        row('tel:+4930'),
        row('sip:h;transport=pigeon'),
        row('sips:h;transport=udp'),
        row('sip:x', { setId: Number.NaN }),
        row('sip:gone.example'),
      ],
      {
        ...INHERIT,
        resolve: ({ host }) =>
          host === 'ok' ? [{ family: 4, address: '10.0.0.1', port: 5060, transport: 'udp' }] : [],
      },
    );
    assert.equal(report.loaded, 1);
    assert.deepEqual(
      report.discarded.map(({ row, reason }) => ({ row, reason })),
      [
        { row: '1 bob', reason: 'uri "bob" is not a SIP URI' },
        { row: '1 tel:+4930', reason: 'uri "tel:+4930" is a tel URI, which has no host to send to' },
        {
          row: '1 sip:h;transport=pigeon',
          reason: 'uri "sip:h;transport=pigeon" names an unknown transport',
        },
        {
          row: '1 sips:h;transport=udp',
          reason: 'uri "sips:h;transport=udp" is a sips URI with a transport other than TLS',
        },
        { row: 'NaN sip:x', reason: 'set id is not an integer' },
        { row: '1 sip:gone.example', reason: 'host "gone.example" does not resolve' },
      ],
    );
  });

  test('dials the address of the URI without its user, password and headers', () => {
    const partition = partitionOf(engineWith([partitionOptions()]));
    const cases: readonly [string, string][] = [
      ['sip:10.0.0.1:5060;transport=tcp', 'sip:10.0.0.1:5060;transport=tcp'],
      ['sip:al:pw@10.0.0.1:5071;lr', 'sip:10.0.0.1:5071;lr'],
      ['sip:bob@10.0.0.1;transport=udp', 'sip:10.0.0.1;transport=udp'],
      ['sips:10.0.0.1?h=v', 'sips:10.0.0.1'],
      ['sip:bob@[::1]:5063', 'sip:[::1]:5063'],
    ];
    partition.load(
      cases.map(([uri]) => row(uri)),
      INHERIT,
    );
    for (const [uri, dialled] of cases) assert.equal(partition.find(1, uri)?.dialUri, dialled);
    const tls = partition.find(1, 'sips:10.0.0.1?h=v');
    assert.deepEqual(
      [tls?.scheme, tls?.host, tls?.port, tls?.transport, tls?.resolved],
      ['sips', '10.0.0.1', undefined, 'tls', [{ family: 4, address: '10.0.0.1', port: 5061, transport: 'tls' }]],
    );
  });

  test('makes all destinations active without persistent_state', () => {
    const partition = partitionOf(engineWith([partitionOptions({ persistentState: false })]));
    partition.load([row('sip:a', { state: 'inactive' })], INHERIT);
    assert.equal(partition.find(1, 'sip:a')?.health.state, 'active');
  });
});

describe('loading again', () => {
  test('keeps the health of destinations that remain, whatever else changed, and reports the difference', () => {
    const engine = engineWith([partitionOptions()]);
    const partition = partitionOf(engine);
    partition.load([row('sip:a'), row('sip:b'), row('sip:c')], INHERIT);
    const before = partition.find(1, 'sip:a');
    assert.ok(before !== undefined);
    engine.states.apply({ destination: before, kind: 'set', to: 'inactive', origin: 'mi', reason: 'MI command' });
    const old = partition.snapshot;
    const report = partition.load([row('sip:d'), row('sip:b'), row('sip:a', { weight: 7, priority: 3 })], INHERIT);
    assert.deepEqual(report, {
      loaded: 3,
      discarded: [],
      added: ['1 sip:d'],
      removed: ['1 sip:c'],
      changed: ['1 sip:a'],
    });
    const after = partition.find(1, 'sip:a');
    assert.notEqual(after, before);
    assert.equal(after?.health, before.health);
    assert.equal(after?.health.state, 'inactive');
    assert.equal(partition.snapshot.generation, old.generation + 1);
    assert.equal(old.sets.get(1)?.destinations.length, 3, 'the old snapshot is as it was');
  });

  test('treats the same URI with another socket as another destination', () => {
    const partition = partitionOf(engineWith([partitionOptions()]));
    partition.load(
      [row('sip:a', { socket: 'udp:10.0.0.9:5060' }), row('sip:a', { socket: 'udp:10.0.0.8:5060' })],
      INHERIT,
    );
    const [one, two] = partition.findAll(1, 'sip:a');
    assert.ok(one !== undefined && two !== undefined);
    assert.notEqual(one.health, two.health);
    assert.notEqual(one.key, two.key);
  });

  test('a row that is there twice takes two positions with one health', () => {
    const engine = engineWith([partitionOptions()]);
    const partition = partitionOf(engine);
    const report = partition.load([row('sip:a'), row('sip:b'), row('sip:a')], INHERIT);
    assert.deepEqual([report.loaded, report.added], [3, ['1 sip:a', '1 sip:b']]);
    const [one, two] = partition.findAll(1, 'sip:a');
    assert.ok(one !== undefined && one.health === two?.health);
    engine.states.apply({ destination: one, kind: 'set', to: 'inactive', origin: 'mi', reason: 'x' });
    const target = { setId: 1, algorithm: 4, flags: 0, maxResults: Number.POSITIVE_INFINITY };
    for (let i = 0; i < 4; i++) {
      assert.equal(engine.context().selectOne(partition, target, request())?.row.uri, 'sip:b');
    }
    assert.deepEqual(partition.load([row('sip:b')], INHERIT).removed, ['1 sip:a']);
  });

  test('with flavour kamailio a row that is there twice is two destinations', () => {
    const engine = engineWith([partitionOptions({ flavour: 'kamailio' })]);
    const partition = partitionOf(engine);
    const rows = [row('sip:a'), row('sip:b'), row('sip:a', { flags: 1, state: 'inactive' })];
    assert.equal(partition.load(rows, INHERIT).loaded, 3);
    const [one, two] = partition.findAll(1, 'sip:a');
    assert.ok(one !== undefined && two !== undefined);
    assert.notEqual(one.key, two.key);
    const states = () => partition.findAll(1, 'sip:a').map((each) => each.health.state);
    assert.deepEqual(states().sort(), ['active', 'inactive']);
    const before = states();
    engine.states.apply({ destination: one, kind: 'set', to: 'active', origin: 'mi', reason: 'x' });
    engine.states.apply({ destination: two, kind: 'set', to: 'active', origin: 'mi', reason: 'x' });
    partition.load(rows, INHERIT);
    assert.deepEqual(states(), ['active', 'active'], 'each keeps its own state');
    assert.notDeepEqual(before, states());
    assert.deepEqual(partition.load([row('sip:a'), row('sip:b')], INHERIT).removed, []);
  });

  test('with inherit_state off the rows decide, and the change is reported', () => {
    const engine = engineWith([partitionOptions()]);
    const partition = partitionOf(engine);
    partition.load([row('sip:a'), row('sip:b', { state: 'probing' })], INHERIT);
    const edges: string[] = [];
    engine.states.onChange((change) => edges.push(`${change.destination.row.uri} ${change.edge} ${change.origin}`));
    partition.load([row('sip:a', { state: 'inactive' }), row('sip:b', { state: 'probing' })], { inheritState: false });
    assert.deepEqual(edges, ['sip:a inactive store']);
    assert.equal(partition.find(1, 'sip:a')?.health.dirty, false);
  });

  test('a dry run reports and changes nothing', () => {
    const engine = engineWith([partitionOptions()]);
    const partition = partitionOf(engine);
    partition.load([row('sip:a', { state: 'inactive' })], INHERIT);
    const before = partition.snapshot;
    const report = partition.load([row('sip:a'), row('sip:n')], { inheritState: false, dryRun: true });
    assert.deepEqual(report.added, ['1 sip:n']);
    assert.equal(partition.snapshot, before);
    assert.equal(partition.find(1, 'sip:a')?.health.state, 'inactive');
  });

  test('keeps the position of round robin', () => {
    const engine = engineWith([partitionOptions()]);
    const partition = partitionOf(engine);
    partition.load(rows(3), INHERIT);
    const target = { setId: 1, algorithm: 4, flags: 0, maxResults: Number.POSITIVE_INFINITY };
    const pick = () => engine.context().selectOne(partition, target, request())?.index;
    assert.deepEqual([pick(), pick()], [0, 1]);
    partition.load(rows(3), INHERIT);
    assert.deepEqual([pick(), pick()], [2, 0]);
  });
});

test('attributes that scripts attached are lost when a load says so, as with each reload', () => {
  const partition = partitionOf(engineWith([partitionOptions()]));
  partition.load(rows(3), INHERIT);
  const attach = () => {
    (partition.find(1, 'sip:10.0.0.1:5060') as Destination).health.scriptAttrs = 'busy';
  };
  const attached = () => partition.find(1, 'sip:10.0.0.1:5060')?.health.scriptAttrs;
  attach();
  partition.load(rows(4), INHERIT);
  assert.equal(attached(), 'busy');
  partition.load(rows(4), { ...INHERIT, dropScriptAttrs: true, dryRun: true });
  assert.equal(attached(), 'busy');
  partition.load(rows(4), { ...INHERIT, dropScriptAttrs: true });
  assert.equal(attached(), undefined);
});

describe('loading in slices', () => {
  /** A clock that advances by a millisecond with each reading. */
  const busyClock = () => ({
    ...stillClock(),
    ticks: 0,
    monotonic() {
      return this.ticks++;
    },
  });

  const emptyPartition = () => {
    const options = partitionOptions();
    const env = { random: { uint32: () => 1, token: () => '' }, warn: () => {} };
    return createPartition(
      options,
      () => flavourKind(options.flavour).create(options, env, busyClock()),
      busyClock(),
      () => {},
    );
  };

  test('other work runs between slices, and the result is swapped in at the end', async () => {
    const partition = emptyPartition();
    let pauses = 0;
    const report = await partition.loadInSlices(rows(5000), INHERIT, async () => {
      pauses++;
      assert.equal(partition.snapshot.size, 0);
    });
    assert.equal(report.loaded, 5000);
    assert.equal(partition.snapshot.size, 5000);
    assert.ok(pauses > 5, `${pauses} pauses`);
  });

  test('loads of one partition run one after the other', async () => {
    const partition = emptyPartition();
    const seen: number[] = [];
    const pause = () => new Promise<void>((resume) => setImmediate(resume));
    await Promise.all([
      partition.loadInSlices(rows(3000), INHERIT, pause).then((report) => seen.push(report.added.length)),
      partition.loadInSlices(rows(3001), INHERIT, pause).then((report) => seen.push(report.added.length)),
    ]);
    assert.deepEqual(seen, [3000, 1]);
    assert.equal(partition.snapshot.generation, 2);
  });

  test('a load during which the data changed is repeated on the new data', async () => {
    const partition = emptyPartition();
    let overtaken = false;
    const report = await partition.loadInSlices(rows(2000), INHERIT, async () => {
      if (!overtaken) partition.load(rows(1), INHERIT);
      overtaken = true;
    });
    assert.equal(report.added.length, 1999);
    assert.equal(partition.snapshot.generation, 2);
  });
});

describe('finding', () => {
  test('a destination by its URI as stored, in any letter case', () => {
    const partition = partitionOf(engineWith([partitionOptions()]));
    partition.load([row('sip:Bob@Host.example:5060')], INHERIT);
    assert.equal(partition.find(1, 'SIP:bob@HOST.example:5060')?.row.uri, 'sip:Bob@Host.example:5060');
    assert.equal(partition.find(1, 'sip:Host.example:5060'), undefined);
    assert.equal(partition.find(2, 'sip:Bob@Host.example:5060'), undefined);
  });

  test('letter case is that of ASCII letters', () => {
    assert.ok(equalsIgnoringCase('aZ[@1', 'Az[@1'));
    assert.ok(!equalsIgnoringCase('a[', 'a{'));
    assert.ok(!equalsIgnoringCase('a@', 'a`'));
    assert.ok(!equalsIgnoringCase('ab', 'abc'));
  });
});

describe('the engine', () => {
  test('knows its partitions by name, in order, and the default one by no name', () => {
    const engine = engineWith([partitionOptions({ name: 'b' }), partitionOptions({ name: 'a' })]);
    assert.deepEqual(
      [...engine.partitions].map((each) => each.name),
      ['b', 'a'],
    );
    assert.equal(engine.partition(''), undefined);
    engine.defaultPartition = 'a';
    assert.equal(engine.partition('')?.name, 'a');
    assert.equal(engine.removePartition('a'), true);
    assert.equal(engine.removePartition('a'), false);
    assert.equal(engine.partition('a'), undefined);
  });

  test('a partition name that is empty or in use is refused', () => {
    const engine = engineWith([partitionOptions()]);
    for (const name of ['', 'default']) {
      assert.throws(
        () => engine.addPartition(partitionOptions({ name })),
        (error) => error instanceof SwitchyardError && error.code === 'CONFIG_INVALID',
      );
    }
  });
});
