import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readHeartbeat } from '../../../src/weight-feed/heartbeat.js';
import { isServerLoad, weightOfLoad } from '../../../src/weight-feed/server-load.js';

const weight = (sessions: number, maxSessions: number, idleCpu: number, max = 100) =>
  weightOfLoad({ sessions, maxSessions, idleCpu }, max);

const message = (type: string, body: string) => ({ headers: new Map([['content-type', type]]), body });
const plain = (lines: readonly string[]) => readHeartbeat(message('text/event-plain', `${lines.join('\n')}\n\n`));
const json = (event: unknown) => readHeartbeat(message('text/event-json', JSON.stringify(event)));

describe('the weight of a server', () => {
  test('the weight of a server follows the documented formula', () => {
    assert.equal(weight(0, 1000, 100), 100);
    assert.equal(weight(500, 1000, 100), 50);
    assert.equal(weight(500, 1000, 50), 25);
    assert.equal(weight(1, 3, 99.5), 66);
    assert.equal(weight(1000, 1000, 100), 0);
    assert.equal(weight(0, 1000, 0), 0);
    assert.equal(weight(123, 1000, 87.65, 1000), 769);
    assert.deepEqual([weight(51, 100, 100, 1), weight(49, 100, 100, 1)], [0, 1], 'the example of the document');
  });

  test('stays within its limits whatever a server reports', () => {
    const number = fc.double({ noNaN: true, min: 0, max: 1e9 });
    fc.assert(
      fc.property(
        number,
        number,
        number,
        fc.integer({ min: 1, max: 1_000_000 }),
        (sessions, maxSessions, idle, max) => {
          const load = { sessions, maxSessions, idleCpu: idle };
          if (!isServerLoad(load)) return;
          const weight = weightOfLoad(load, max);
          assert.ok(Number.isInteger(weight) && weight >= 0 && weight <= max, `${weight}`);
        },
      ),
    );
    assert.equal(weight(5000, 1000, 100), 0);
    assert.equal(weight(0, 1000, 400), 100);
    assert.equal(isServerLoad({ sessions: 0, maxSessions: 0, idleCpu: 100 }), false);
    assert.equal(isServerLoad({ sessions: 0, maxSessions: Number.NaN, idleCpu: 100 }), false);
    assert.equal(isServerLoad({ sessions: 0, maxSessions: Number.POSITIVE_INFINITY, idleCpu: 100 }), false);
  });
});

describe('a heartbeat', () => {
  const lines = ['Event-Name: HEARTBEAT', 'Session-Count: 12', 'Max-Sessions: 1000', 'Idle-CPU: 97.533333'];
  const load = { sessions: 12, maxSessions: 1000, idleCpu: 97.533333 };

  test('a heartbeat is read in both forms', () => {
    assert.deepEqual(plain(lines), load);
    const event = { 'Event-Name': 'HEARTBEAT', 'Session-Count': '12', 'Max-Sessions': '1000', 'Idle-CPU': '97.533333' };
    assert.deepEqual(json(event), load);
  });

  test('without usable figures is ignored', () => {
    assert.equal(plain(['Event-Name: CHANNEL_CREATE', ...lines.slice(1)]), undefined);
    assert.equal(plain(lines.slice(0, 3)), undefined);
    assert.equal(plain([...lines.slice(0, 3), 'Idle-CPU: -1']), undefined);
    assert.equal(plain([...lines.slice(0, 3), 'Idle-CPU: 1e999']), undefined);
    assert.equal(plain([...lines.slice(0, 3), 'Idle-CPU: Infinity']), undefined);
    for (const event of [null, [], 'x', 7, { 'Event-Name': ['HEARTBEAT'] }, { 'Event-Name': 'HEARTBEAT' }]) {
      assert.equal(json(event), undefined);
    }
    assert.equal(readHeartbeat(message('text/event-json', '{')), undefined);
    assert.equal(readHeartbeat(message('api/response', lines.join('\n'))), undefined);
  });
});
