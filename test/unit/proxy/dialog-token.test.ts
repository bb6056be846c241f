import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { KeyRing } from '../../../src/core/key-ring.js';
import { parseUri, type SipUri } from '../../../src/core/uri.js';
import { DialogTokens } from '../../../src/proxy/dialog-token.js';
import { FakeClock } from '../../support/fake-clock.js';
import { parsed, RecordingSocket, requestText } from '../../support/sip-recorder.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heap(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

const KEY = '0123456789abcdef'.repeat(2);

test('Call-IDs as long as a message are checked, and not kept', () => {
  const tokens = new DialogTokens(new KeyRing(KEY, () => 0));
  const socket = new RecordingSocket(new FakeClock());
  const uriWith = (token: string) => parseUri(`sip:${socket.sentBy};lr;dt=${token}`) as SipUri;
  const callIdOf = (i: number) => parsed(requestText({ callId: `${i}${'x'.repeat(60_000)}` })).callId;
  const own = tokens.parameter(callIdOf(0), socket, socket, tokens.tags({ partition: 'acme' }, '192.0.2.1'));
  const before = heap();
  for (let i = 1; i <= 1000; i++) {
    assert.equal(tokens.recorded(callIdOf(i), uriWith('abcdefghijklmnopABCDEF-_0189'), undefined), undefined);
  }
  const grown = heap() - before;
  assert.ok(grown < 8 << 20, `${grown} bytes more`);
  assert.equal(tokens.recorded(callIdOf(0), uriWith(own.slice(4)), undefined)?.partition, 'acme');
  assert.equal(tokens.recorded(callIdOf(1), uriWith(own.slice(4)), undefined), undefined);
});
