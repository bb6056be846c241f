import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallLedger } from '../../../src/calls/call-ledger.js';
import type { SharedDestination } from '../../../src/workers/protocol.js';
import { ReportedCalls, WORKER_DIED } from '../../../src/workers/reported-calls.js';
import { FakeClock } from '../../support/fake-clock.js';
import { RecordingSocket, sourceOf } from '../../support/sip-recorder.js';

test('a worker that dies ends only the attempts in progress', () => {
  const clock = new FakeClock(1000);
  const socket = new RecordingSocket(clock);
  const ledger = new CallLedger(clock);
  const reported = new ReportedCalls(ledger, {
    source: () => sourceOf(socket),
    target: (_socket, address, port) => ({ socket, address, port, serverName: undefined }),
    destination: () => undefined,
  });
  const to = (uri: string): SharedDestination => ['default', 1, 0, uri];
  const begin = (id: number) =>
    reported.began(['began', id, 0, 0, '192.0.2.1', 5060, '', true, { rule: '/routing/0' }, true, `call-${id}`, 'a']);
  const send = (id: number, uri: string) => reported.receive(['sent', id, 0, [to(uri), '192.0.2.10', 5060, 0]]);
  // A call whose first destination has failed and whose second has not been sent the request yet.
  begin(1);
  send(1, 'sip:a@x');
  reported.receive(['failed', 1, 0, 503, false, null]);
  // A call at its second destination.
  begin(2);
  send(2, 'sip:a@x');
  reported.receive(['failed', 2, 0, 503, false, null]);
  send(2, 'sip:b@x');
  // A call that is forked to two destinations.
  begin(3);
  send(3, 'sip:a@x');
  send(3, 'sip:b@x');
  begin(4);
  reported.lost();
  const tries = [...ledger.records()].map(({ code, tries: all }) => [
    code,
    ...all.map((each) => [each.code, each.local, each.cause]),
  ]);
  const died = [WORKER_DIED.code, true, 'worker died'];
  const failed = [503, false, undefined];
  assert.deepEqual(tries, [[500, failed], [500, failed, died], [500, died, died], [500]]);
  assert.equal(reported.size, 0);
});
