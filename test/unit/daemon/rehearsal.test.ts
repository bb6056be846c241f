import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assumedRows, assumedStates, copyTables } from '../../../src/daemon/rehearsal.js';
import { engineWith, partitionOptions, request, row } from '../../support/partitions.js';

const A = 'sip:10.0.0.1:5060';
const B = 'sip:10.0.0.2:5060';

function live() {
  const engine = engineWith([partitionOptions()]);
  const partition = engine.partition('default')!;
  partition.load([row(A), row(B)], { inheritState: true });
  const destination = partition.find(1, B)!;
  engine.states.apply({ destination, kind: 'set', to: 'inactive', origin: 'mi', reason: 'MI command' });
  return engine;
}

const none = { states: new Map(), table: undefined };

test('the copy of a partition has the current states of its destinations, and changes none of them', () => {
  const engine = live();
  const copy = engineWith([partitionOptions()]);
  copyTables(engine, copy, { ...none, states: assumedStates(`${A}=i ${B}=active`) });
  const state = (of: typeof engine, uri: string) => of.partition('default')?.find(1, uri)?.health.state;
  assert.deepEqual([state(copy, A), state(copy, B)], ['inactive', 'active']);
  assert.deepEqual([state(engine, A), state(engine, B)], ['active', 'inactive']);
  const same = engineWith([partitionOptions()]);
  copyTables(engine, same, none);
  assert.deepEqual([state(same, A), state(same, B)], ['active', 'inactive']);
  const reason = (of: typeof engine) => of.partition('default')?.find(1, B)?.health.lastChange?.reason;
  assert.deepEqual([reason(copy), reason(same)], ['assumed', 'MI command']);
});

test('a partition has the rows that are assumed', () => {
  const copy = engineWith([partitionOptions()]);
  const rows = assumedRows('[{"setid": 7, "destination": "sip:10.0.0.9", "weight": 5}]', 'opensips');
  copyTables(live(), copy, { ...none, table: { partition: 'default', rows } });
  const { sets } = copy.partition('default')!.snapshot;
  assert.deepEqual([...sets.keys()], [7]);
  assert.equal(sets.get(7)?.destinations[0]?.row.weight, 5);
});

test('states of destinations that do not exist or are hidden are refused alike', () => {
  const copy = () => engineWith([partitionOptions()]);
  const refused = { code: 'USAGE', message: /there is no destination "sip:/ };
  assert.throws(() => copyTables(live(), copy(), { ...none, states: assumedStates('sip:x=i') }), refused);
  const hidden = { ...none, states: assumedStates(`${A}=i`), sees: () => false };
  assert.throws(() => copyTables(live(), copy(), hidden), refused);
});

test('malformed states and rows are refused', () => {
  for (const text of ['x', `${A}=off`, '=i']) assert.throws(() => assumedStates(text), { code: 'USAGE' });
  for (const text of ['{', '{}', '[{"setid": 1}]', '[null]', '[{"setid": 1, "destination": "tel:1"}]']) {
    assert.throws(() => assumedRows(text, 'opensips'), { code: 'USAGE' }, text);
  }
});

/** First choices of `count` selections, made one after the other. */
function choices(engine: ReturnType<typeof live>, algorithm: number, count: number, from: number): string[] {
  const partition = engine.partition('default')!;
  return Array.from({ length: count }, (_, i) => {
    const context = engine.context();
    const view = request({ callId: `call-${from + i}` });
    context.select(partition, [{ setId: 1, algorithm, flags: 0, maxResults: 0 }] as never, view);
    return context.current(partition)?.row.uri ?? 'none';
  });
}

for (const [flavour, algorithms] of [
  ['opensips', [0, 4, 8]],
  ['kamailio', [0, 4, 8, 9, 10, 11, 13, 15]],
] as const) {
  for (const compat of ['default', 'strict'] as const) {
    for (const algorithm of algorithms) {
      test(`a copy chooses next what the daemon would: ${flavour} ${compat}, algorithm ${algorithm}`, () => {
        const options = [partitionOptions({ flavour, compat })];
        const engine = engineWith(options, 7);
        const attrs = (i: number) =>
          flavour === 'kamailio' ? `duid=d${i};weight=${10 * (i + 1)};rweight=${i + 1}` : '';
        const rows = [0, 1, 2, 3].map((i) => row(`sip:10.0.0.${i}`, { attrs: attrs(i), priority: i % 2 }));
        engine.partition('default')!.load(rows, { inheritState: true });
        choices(engine, algorithm, 7, 0);
        const copy = engineWith(options, 99);
        copyTables(engine, copy, none);
        const said = choices(copy, algorithm, 9, 100);
        assert.deepEqual(said, choices(engine, algorithm, 9, 100));
        assert.ok(said.every((each) => each.startsWith('sip:')));
      });
    }
  }
}
