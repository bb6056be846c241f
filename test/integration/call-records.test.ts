import assert from 'node:assert/strict';
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { CallEntry } from '../../src/calls/call-entry-types.js';
import { calls } from '../../src/cli/calls/calls.js';
import { validateCallRecord } from '../support/call-record-schema.js';
import { startDaemon } from '../support/daemon-fixture.js';
import { NatsBench, stored, watcher, withoutNats } from '../support/nats-fixtures.js';
import { startCaller, startGateway } from '../support/sip-endpoints.js';
import { until } from '../support/until.js';

describe('call records', { timeout: 60_000, skip: withoutNats }, () => {
  test('a call that has ended is in the list, on NATS, in the stream and in the file, identical and once', async (t) => {
    const bench = new NatsBench(t);
    const nats = await bench.server();
    const nc = await bench.client(nats.url);
    const published = await watcher(nc, 'opensips.calls.>');
    const good = await startGateway({ host: '127.0.0.61', name: 'good', answer: () => ({ status: 200, ringMs: 20 }) });
    const bad = await startGateway({ host: '127.0.0.62', name: 'bad', answer: () => 503 });
    const caller = await startCaller({ host: '127.0.0.63', name: '+49301234567' });
    t.after(() => {
      good.kill();
      bad.kill();
      caller.stop();
    });
    const daemon = await startDaemon(
      {
        node: 'sw1',
        partitions: [{ name: 'acme', db_url: 'sqlite:./acme.db' }],
        routing: [
          {
            match: { $rm: 'INVITE' },
            select: { partition: 'acme', set: 1, alg: 8, flags: 'f' },
            failover: { codes: ['503'] },
            record_route: true,
          },
        ],
        events: { nats: { servers: nats.url } },
        calls: { log: './calls.jsonl', stream: 'CALLS' },
        privacy: { keep_digits: 3 },
      },
      {
        acme: [
          { setid: 1, destination: bad.uri, priority: 2 },
          { setid: 1, destination: good.uri, priority: 1 },
        ],
      },
    );
    t.after(() => daemon.stop());
    const placeCall = async () => {
      const result = await caller.placeCall({
        ruri: 'sip:+44201234567@example.com',
        proxy: `sip:127.0.0.1:${daemon.sipPort}`,
        holdMs: 60,
      });
      assert.equal(result.status, 200);
      return result;
    };
    const { callId } = await placeCall();
    await until('published', () => published.length === 1);
    const record = JSON.parse(published[0]?.text ?? '') as CallEntry;
    assert.equal(published[0]?.subject, 'opensips.calls.acme');
    assert.equal(validateCallRecord(record), true, JSON.stringify(validateCallRecord.errors));
    assert.equal(record.call_id, callId);
    assert.deepEqual(
      record.tries.map((each) => [each.destination, each.code]),
      [
        [bad.uri, 503],
        [good.uri, 200],
      ],
    );
    assert.equal(record.hung_up, 'caller');
    assert.ok((record.duration_ms ?? 0) >= 50 && (record.ring_ms ?? 0) >= 0);
    assert.match(record.from, /^sip:\+xxxxxxxx567@/);
    assert.equal(record.ruri, 'sip:+xxxxxxxx567@example.com');
    const file = join(daemon.folder, 'calls.jsonl');
    await until('written', () => readFileSync(file, 'utf8').endsWith('\n'));
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), record);
    await until('in the stream', async () => (await stored(nc, 'CALLS')).length === 1);

    const lines: string[] = [];
    const stop = new AbortController();
    const io = { out: (text: string) => void lines.push(text), err: () => {}, stdin: process.stdin };
    const following = calls(
      { to: `udp:127.0.0.1:${daemon.miPort}`, follow: true, json: true, partition: 'acme' },
      io,
      stop.signal,
    );
    await until('listed', () => lines.length === 1);
    assert.deepEqual(JSON.parse(lines[0] ?? ''), record);
    await placeCall();
    await until('followed', () => lines.length === 2);
    stop.abort();
    assert.equal(await following, 0);

    const text: string[] = [];
    await calls(
      { to: `udp:127.0.0.1:${daemon.miPort}`, 'call-id': callId, code: '2xx' },
      { ...io, out: (line) => void text.push(line) },
    );
    assert.match(
      text.join(''),
      /200 after .*the caller hung up\n.*rule \/routing\/0, partition acme, set 1, algorithm 8\n {4}1\. .*: 503 after .*\n {4}2\. .*: 200 after/,
    );
    await assert.rejects(
      calls({ to: `udp:127.0.0.1:${daemon.miPort}`, code: 'busy' }, io),
      /Bad parameter value: code must be/,
    );

    renameSync(file, `${file}.1`);
    await daemon.daemon.reconfigure(daemon.settings);
    await placeCall();
    await until('written to the new file', () => readFileSync(file, 'utf8').endsWith('\n'));
    assert.equal(readFileSync(`${file}.1`, 'utf8').trim().split('\n').length, 2);
  });
});
