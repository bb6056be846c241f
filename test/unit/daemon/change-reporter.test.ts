import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChangeReporter } from '../../../src/daemon/change-reporter.js';
import { ClusterHooks } from '../../../src/daemon/cluster-hooks.js';
import type { Destination } from '../../../src/engine/destination.js';
import { EventIds } from '../../../src/events/catalogue.js';
import type { DispatcherEvent } from '../../../src/events/event.js';
import { type StateEntry, stateKey } from '../../../src/events/state-entry.js';
import { Metrics } from '../../../src/stats/metrics.js';
import { engineWith, partitionOptions, row, seededRandom } from '../../support/partitions.js';
import { recordingLog } from '../../support/recording-log.js';

const URI = 'sip:10.0.0.1:5060';

function reporting() {
  const engine = engineWith([partitionOptions()]);
  const partition = engine.partition('default')!;
  partition.load([row(URI), row('sip:10.0.0.2:5060')], { inheritState: true });
  const destination = partition.find(1, URI) as Destination;
  const events: DispatcherEvent[] = [];
  const entries: StateEntry[] = [];
  const { log, lines } = recordingLog();
  const raised = new Metrics().counter('raised', '');
  const reporter = new ChangeReporter({
    engine,
    log,
    node: () => 'sw1',
    ids: new EventIds('sw1', seededRandom()),
    raised,
    bus: { raise: (event) => events.push(event) },
    cluster: new ClusterHooks(undefined),
    putState: (entry) => entries.push(entry),
  });
  engine.states.onChange((change) => reporter.changed(change));
  const set = (to: 'active' | 'inactive' | 'probing') =>
    engine.states.apply({ destination, kind: 'set', to, origin: 'mi', reason: 'MI command' });
  return { engine, partition, destination, events, entries, lines, raised, reporter, set };
}

test('a change is logged, reported, counted, raised as an event and written', () => {
  const { events, entries, lines, raised, reporter, set } = reporting();
  set('inactive');
  assert.deepEqual(
    lines.map(({ level, message }) => `${level} ${message}`),
    [`warn ${URI} is inactive`],
  );
  assert.deepEqual(
    reporter.reportsOf('default').map(({ text }) => text),
    [`DESTINATION <${URI}>, set 1 switched to [inactive] due to MI command\n`],
  );
  assert.equal(raised.with({ partition: 'default', status: 'inactive' }).value, 1);
  assert.deepEqual(
    events.map(({ params }) => params['status']),
    ['inactive'],
  );
  assert.deepEqual(
    entries.map(({ address, state, node }) => [address, state, node]),
    [[URI, 'inactive', 'sw1']],
  );
  // It was not usable before and is not usable now: no event.
  set('probing');
  assert.equal(events.length, 1);
  assert.equal(entries.length, 2);
});

test('a report about a destination that was removed is dropped', () => {
  const { partition, events, entries, lines, set } = reporting();
  partition.load([row('sip:10.0.0.2:5060')], { inheritState: true });
  set('inactive');
  assert.deepEqual([events.length, entries.length, lines.length], [0, 0, 0]);
});

test('the last 200 reports of a partition are kept until it is forgotten', () => {
  const { reporter, set } = reporting();
  for (let i = 0; i < 101; i++) {
    set('inactive');
    set('active');
  }
  assert.equal(reporter.reportsOf('default').length, 200);
  assert.match(reporter.reportsOf('default')[199]?.text ?? '', /\[active\] due to MI command\n$/);
  reporter.forget('default');
  assert.deepEqual(reporter.reportsOf('default'), []);
});

test('event numbers continue from the last published one, of the bucket or of the stream, whichever is newer', () => {
  const { reporter, destination } = reporting();
  const [entry] = [...reporter.entries()] as [StateEntry];
  assert.equal(reporter.resumed(entry, undefined, undefined), entry);
  const published = { seq: 7, status: 'active' } as const;
  reporter.resumed(entry, published, { ...published, seq: 9 });
  assert.equal(destination.health.seq, 9);
});

test('a password in a URI is neither in an event nor in a state entry, and numbering continues all the same', () => {
  const uri = 'sip:gw:secret@10.0.0.3:5060';
  const first = reporting();
  first.partition.load([row(uri)], { inheritState: true });
  const one = first.partition.find(1, uri) as Destination;
  first.engine.states.apply({ destination: one, kind: 'set', to: 'inactive', origin: 'mi', reason: 'MI command' });
  const event = first.events.at(-1) as DispatcherEvent;
  const entry = first.entries.at(-1) as StateEntry;
  assert.equal(event.params['address'], 'sip:gw:***@10.0.0.3:5060');
  assert.equal(entry.address, 'sip:gw:***@10.0.0.3:5060');
  assert.doesNotMatch(JSON.stringify([event.params, entry, first.lines]), /secret/);
  assert.equal(stateKey(entry), stateKey({ ...entry, address: uri }));

  const second = reporting();
  second.partition.load([row(uri)], { inheritState: true });
  const again = second.partition.find(1, uri) as Destination;
  second.reporter.resumed(second.reporter.entryOf(again), { status: 'inactive', seq: 7 }, undefined);
  assert.equal(again.health.seq >= 7, true);
  const third = reporting();
  third.partition.load([row(uri)], { inheritState: true });
  third.reporter.resumePending([{ ...event, key: (third.partition.find(1, uri) as Destination).key }]);
  assert.ok((third.partition.find(1, uri) as Destination).health.seq >= 1);
});

test('kept events of destinations that are no longer in a large table cost little', () => {
  const { partition, reporter, destination } = reporting();
  const many = 20_000;
  const uri = (net: number, i: number) => `sip:10.${net}.${i >> 8}.${i & 255}:5060`;
  partition.load([row(URI), ...Array.from({ length: many }, (_, i) => row(uri(1, i)))], { inheritState: true });
  const known = partition.find(1, URI) as Destination;
  assert.equal(known.key, destination.key);
  const event = (key: string, address: string): DispatcherEvent => ({
    id: key,
    subject: [],
    key,
    name: 'E_DISPATCHER_STATUS',
    params: { node: 'sw1', partition: 'default', group: 1, address, status: 'active', seq: 7 },
  });
  const kept = Array.from({ length: many }, (_, i) => event(`gone ${i}`, uri(2, i)));
  const began = performance.now();
  reporter.resumePending([...kept, event(known.key, URI)], true);
  const ms = performance.now() - began;
  assert.equal(known.health.seq, 7);
  assert.ok(ms < 5000, `${ms} ms`);
});
