import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SipMessage } from '../../../src/sip/message.js';
import type { KnownRequest } from '../../../src/sip/transaction/user.js';
import type { Source } from '../../../src/sip/transport/transport.js';
import { type GatedScript, type LeavingOptions, ScriptGate } from '../../../src/workers/script-gate.js';

const source = { address: '127.0.0.1' } as Source;
const NEW = { kind: 'new' } as KnownRequest;
const request = (callId: string, toTag: string) => ({ callId, toTag }) as SipMessage;

/** A gate that records the target of each message. */
function gateWith({ runs = () => true, now = () => 0, keeps = () => false }: Partial<LeavingOptions> = {}, own = true) {
  const run: string[] = [];
  const passed: string[] = [];
  const core = { onMessage: ({ callId }: SipMessage) => run.push(callId) } as unknown as GatedScript;
  const gate = new ScriptGate(core, {
    handsOn: (message) => message.callId.startsWith('other'),
    ...(own ? { leaving: { runs, keeps, pass: ({ callId }) => passed.push(callId), now } } : {}),
  });
  const bring = (callId: string, known = NEW, toTag = '') => gate.onMessage(request(callId, toTag), source, known);
  return { run, passed, bring };
}

test('the script does not see a message of another process, but sees a copy of a known request', () => {
  const { run, passed, bring } = gateWith();
  bring('other');
  bring('other', { kind: 'copy' } as unknown as KnownRequest);
  bring('mine');
  assert.deepEqual([run, passed], [['other', 'mine'], []]);
});

test('a process that leaves no requests to others runs all its requests', () => {
  const { run, bring } = gateWith({}, false);
  bring('a');
  bring('other');
  assert.deepEqual(run, ['a']);
});

test('all requests of a call are left to the brain once one was', () => {
  let ready = false;
  const { run, passed, bring } = gateWith({ runs: () => ready });
  bring('a');
  ready = true;
  bring('a');
  bring('b');
  assert.deepEqual([run, passed], [['b'], ['a', 'a']]);
});

test('a call left to the brain is remembered for five minutes at least, and forgotten after ten', () => {
  let [ready, ms] = [false, 0];
  const { run, passed, bring } = gateWith({ runs: () => ready, now: () => ms });
  bring('a');
  ready = true;
  for (ms of [299_000, 598_000]) bring('a');
  assert.equal(passed.length, 3, 'each request of it is a new beginning');
  ready = false;
  for (ms of [900_000, 1_201_000]) bring(`at ${ms}`);
  ready = true;
  bring('a');
  assert.deepEqual(run, ['a']);
});

test('the last 200,000 calls left to the brain are remembered, and at most twice as many', () => {
  let ready = false;
  const { run, passed, bring } = gateWith({ runs: () => ready });
  bring('first');
  for (let i = 0; i < 199_999; i++) bring(`${i}`);
  ready = true;
  bring('first');
  assert.deepEqual([run.length, passed.length], [0, 200_001], 'it is still known');
  ready = false;
  for (let i = 0; i < 400_000; i++) bring(`more ${i}`);
  ready = true;
  bring('first');
  assert.deepEqual(run, ['first'], 'it is no longer known');
});

test('a request within a call that this process has is run by it, even if the brain runs all new requests', () => {
  const { run, passed, bring } = gateWith({ runs: () => false, keeps: (callId) => callId === 'kept' });
  bring('kept', NEW, 'tag');
  bring('unknown', NEW, 'tag');
  bring('kept');
  bring('kept', NEW, 'tag');
  assert.deepEqual(run, ['kept', 'kept']);
  assert.deepEqual(passed, ['unknown', 'kept']);
});
