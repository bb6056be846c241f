import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { ownText } from '../../../src/core/own-text.js';
import { parseUri, type SipUri } from '../../../src/core/uri.js';
import { LoadLedger } from '../../../src/engine/kamailio/call-ledger.js';
import { Nonces } from '../../../src/modules/auth/nonces.js';
import { ExpiringMap } from '../../../src/modules/expiring-map.js';
import { MemoryQueue } from '../../../src/modules/mqueue.js';
import type { DnsSource } from '../../../src/sip/dns-source.js';
import { Resolver } from '../../../src/sip/resolve.js';
import { TargetCache } from '../../../src/sip/target.js';
import type { SipSocket } from '../../../src/sip/transport/transport.js';
import { makeDestination } from '../../support/event-fixtures.js';
import { FakeClock } from '../../support/fake-clock.js';
import { countingRandom } from '../../support/sip-recorder.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Used bytes after a collection. */
function inUse(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const MESSAGES = 600;
/** Bytes of a message: the maximum of a datagram. */
const SIZE = 60_000;

/** A URI cut out of its own message. */
function cutOut(i: number): string {
  const uri = `sip:${String(i).padStart(6, '0')}.gateways.example.com`;
  const message = Buffer.alloc(SIZE, `${uri};lr>`).toString('latin1');
  return message.slice(0, uri.length);
}

test('a copied text equals the original', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => ownText(text) === text));
});

describe('a value that is kept longer than its message keeps no other part of the message in memory', () => {
  const clock = new FakeClock();
  const subjects: Readonly<Record<string, () => (text: string) => void>> = {
    'a table of a script': () => {
      const map = new ExpiringMap<string>(MESSAGES);
      return (text) => map.set(text, text, undefined);
    },
    'a queue of a script': () => {
      const queue = new MemoryQueue(0, 0);
      return (text) => queue.add(text, text);
    },
    'nonces that were answered': () => {
      const options = { lifetime: 300, counts: false, once: true, max: MESSAGES, secret: 'x' };
      const nonces = new Nonces(options, countingRandom(), clock);
      return (text) => nonces.use(text, undefined);
    },
    'calls that count as load': () => {
      const ledger = new LoadLedger({ clock });
      const destination = makeDestination();
      return (text) => ledger.begin(text, destination);
    },
    'targets of requests': () => {
      const targets = new TargetCache();
      let port = 0;
      return (text) => targets.target({} as SipSocket, text, port++, text);
    },
    'names that do not resolve': () => {
      const unknown = () => Promise.reject(new Error('ENOTFOUND'));
      const source = { naptr: unknown, srv: unknown, a: unknown, aaaa: unknown, system: unknown };
      const resolver = new Resolver(clock, countingRandom(), source as unknown as DnsSource);
      return (text) => resolver.resolve(parseUri(text) as SipUri, () => {});
    },
  };
  for (const [name, make] of Object.entries(subjects)) {
    test(name, async () => {
      const keep = make();
      const before = inUse();
      for (let i = 0; i < MESSAGES; i++) keep(cutOut(i));
      // Lookups end, and the clock releases their timers.
      await new Promise(setImmediate);
      clock.advance(6000);
      const kept = inUse() - before;
      keep('sip:the-last-one.example.com');
      assert.ok(kept < (MESSAGES * SIZE) / 4, `${kept} bytes are kept`);
    });
  }
});
