import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { nanos } from 'nats';
import { systemClock } from '../../src/core/clock.js';
import { nullLogger } from '../../src/core/logger.js';
import { EventIds, statusEvent } from '../../src/events/catalogue.js';
import { checkNats } from '../../src/events/sinks/nats-check.js';
import { OutboxFile } from '../../src/store/outbox-file.js';
import { flip, makeDestination } from '../support/event-fixtures.js';
import {
  assertExactlyOnceInOrder,
  delivered,
  NatsBench,
  settings,
  stored,
  stream,
  transitions,
  watcher,
  withoutNats,
} from '../support/nats-fixtures.js';
import { freePort } from '../support/ports.js';
import { until } from '../support/until.js';

describe('events on NATS', { timeout: 120_000, skip: withoutNats }, () => {
  test('a live watcher gets exactly the documented JSON on the documented subject', async (t) => {
    const bench = new NatsBench(t);
    const nats = await bench.server();
    const seen = await watcher(await bench.client(nats.url), 'opensips.E_DISPATCHER_STATUS.>');
    const ours = bench.bus(settings(nats.url));
    await ours.start();
    const ids = new EventIds('sw1', { uint32: () => 1, token: () => '1a2b' });
    ours.publish(statusEvent(flip(makeDestination()), ids));
    ours.publish(statusEvent(flip(makeDestination({ partition: 'a.b c', setId: 2 })), ids));
    await until('two events', () => seen.length === 2);
    assert.deepEqual(seen[0], {
      subject: 'opensips.E_DISPATCHER_STATUS.acme.1',
      text:
        '{"jsonrpc":"2.0","method":"E_DISPATCHER_STATUS","params":{"partition":"acme","group":1,' +
        '"address":"sip:10.0.0.2:5060","status":"inactive","reason":"negative probing reply","previous":"active",' +
        '"state":"probing","code":503,"seq":1,"time":"2026-11-21T07:00:00.123Z","node":"sw1","id":"sw1:1a2b:1"}}',
    });
    assert.equal(seen[1]?.subject, 'opensips.E_DISPATCHER_STATUS.a=2Eb=20c.2');
  });

  test('a NATS server that is down at the start delays nothing, and gets every event when it is up', async (t) => {
    const bench = new NatsBench(t);
    const port = await freePort();
    const ours = bench.bus(settings(`nats://127.0.0.1:${port}`, { jetstream: stream }));
    const begun = Date.now();
    await ours.start();
    assert.ok(Date.now() - begun < 200, 'start does not wait');
    const raised = await transitions((event) => ours.publish(event), 20);
    assert.equal(ours.connected, false);
    const nats = await bench.server({ port });
    await delivered(ours);
    const nc = await bench.client(nats.url);
    assertExactlyOnceInOrder(raised, await stored(nc, 'DISPATCHER'));
  });

  test('when the NATS server is killed and restarted amid 200 transitions, each event is stored once, in order', async (t) => {
    const bench = new NatsBench(t);
    const nats = await bench.server();
    const ours = bench.bus(settings(nats.url, { jetstream: stream }));
    await ours.start();
    let killed: Promise<void> | undefined;
    let back: Promise<void> | undefined;
    const raised = await transitions(
      (event) => ours.publish(event),
      200,
      async (i) => {
        await new Promise((resolve) => setImmediate(resolve));
        if (i === 40 || i === 120) await until('some stored', () => ours.stats().published > i / 2);
        // Not awaited: some events are in flight when the server is killed.
        if (i === 80) killed = nats.kill();
        if (i === 110) back = killed?.then(() => nats.restart());
        if (i === 120) await back;
      },
    );
    await delivered(ours);
    const nc = await bench.client(nats.url);
    assertExactlyOnceInOrder(raised, await stored(nc, 'DISPATCHER'));
    assert.equal(ours.stats().published, 200);
  });

  test('without JetStream a watcher that reconnects gets the events raised during an outage', async (t) => {
    const bench = new NatsBench(t);
    const nats = await bench.server();
    const relay = bench.relay(nats.port);
    const ours = bench.bus(settings(`nats://127.0.0.1:${await relay.open()}`));
    await ours.start();
    await until('connected', () => ours.connected);
    await nats.kill();
    const raised = await transitions((event) => ours.publish(event), 50);
    await until('noticed', () => !ours.connected);
    assert.equal(ours.stats().depth, 50);
    // Core NATS stores nothing: the test makes a stream after the restart, before the daemon reconnects, to see what is
    // published.
    await relay.close();
    await nats.restart();
    const nc = await bench.client(nats.url);
    await (await nc.jetstreamManager()).streams.add({ name: 'WITNESS', subjects: ['opensips.>'] });
    await relay.open();
    await delivered(ours);
    assertExactlyOnceInOrder(raised, await stored(nc, 'WITNESS'));
  });

  test('events that cannot be delivered when the daemon stops are counted and logged in time', async (t) => {
    const bench = new NatsBench(t);
    const warnings: string[] = [];
    const log = { ...nullLogger, warn: (_fields: object, message: string) => void warnings.push(message) };
    const ours = bench.bus(settings(`nats://127.0.0.1:${await freePort()}`), { log });
    await ours.start();
    await transitions((event) => ours.publish(event), 4);
    const begun = Date.now();
    await ours.stop(200);
    assert.ok(Date.now() - begun < 2000);
    assert.ok(
      warnings.some((line) => line.startsWith('4 events were not delivered')),
      warnings.join('\n'),
    );
  });

  test('an event whose acknowledgement was lost is stored only once', async (t) => {
    const bench = new NatsBench(t);
    const nats = await bench.server();
    const relay = bench.relay(nats.port);
    const ours = bench.bus(settings(`nats://127.0.0.1:${await relay.open()}`, { jetstream: stream }));
    await ours.start();
    const raised = await transitions((event) => ours.publish(event), 5);
    await delivered(ours);
    relay.swallow = true;
    raised.push(...(await transitions((event) => ours.publish(event), 7)));
    const nc = await bench.client(nats.url);
    await until('stored, not acknowledged', async () => (await stored(nc, 'DISPATCHER')).length === 12);
    assert.equal(ours.stats().depth, 7);
    relay.swallow = false;
    relay.cut();
    await delivered(ours);
    assert.deepEqual(
      (await stored(nc, 'DISPATCHER')).map((each) => each.id),
      raised.map((each) => each.id),
    );
    assert.ok(ours.stats().retries >= 7);
  });

  test('after an outage longer than the duplicate window of the stream an event is stored once', async (t) => {
    const bench = new NatsBench(t);
    const nats = await bench.server();
    const nc = await bench.client(nats.url);
    await (await nc.jetstreamManager()).streams.add({
      name: 'DISPATCHER',
      subjects: ['opensips.E_DISPATCHER_STATUS.>'],
      duplicate_window: nanos(300),
    });
    const relay = bench.relay(nats.port);
    const warnings: string[] = [];
    const log = { ...nullLogger, warn: (_fields: object, message: string) => void warnings.push(message) };
    const ours = bench.bus(settings(`nats://127.0.0.1:${await relay.open()}`, { jetstream: stream }), { log });
    await ours.start();
    const raised = await transitions((event) => ours.publish(event), 5);
    await delivered(ours);
    assert.ok(
      warnings.some((line) => /recognises duplicates for 0\.3 s only/.test(line)),
      warnings.join('\n'),
    );
    relay.swallow = true;
    raised.push(...(await transitions((event) => ours.publish(event), 7)));
    await until('stored, not acknowledged', async () => (await stored(nc, 'DISPATCHER')).length === 12);
    await new Promise((resolve) => setTimeout(resolve, 700));
    relay.swallow = false;
    relay.cut();
    await delivered(ours);
    assert.deepEqual(
      (await stored(nc, 'DISPATCHER')).map((each) => each.id),
      raised.map((each) => each.id),
    );
    assert.equal(warnings.filter((line) => /recognises duplicates/.test(line)).length, 1, 'said once');
  });

  test('a check names a stream that does not suit, and a server that cannot be reached, and changes nothing', async (t) => {
    const bench = new NatsBench(t);
    const nats = await bench.server();
    const nc = await bench.client(nats.url);
    const config = settings(nats.url, { jetstream: stream });
    assert.deepEqual(await checkNats(config), [], 'a stream that is missing is made by the daemon');
    await (await nc.jetstreamManager()).streams.add({
      name: 'DISPATCHER',
      subjects: ['other.>'],
      duplicate_window: nanos(2000),
    });
    const reasons = await checkNats(config);
    assert.equal(reasons.length, 2);
    assert.match(reasons[0] ?? '', /does not include opensips\.E_DISPATCHER_STATUS/);
    assert.match(reasons[1] ?? '', /recognises duplicates for 2 s only/);
    const away = await checkNats(settings(`nats://u:secret@127.0.0.1:${await freePort()}`, { jetstream: stream }));
    assert.match(away[0] ?? '', /^NATS at nats:\/\/\*\*\*@127\.0\.0\.1:[0-9]+: /);
  });

  test('events on disk when the process dies are sent by the next process, in order and once', async (t) => {
    const bench = new NatsBench(t);
    const folder = mkdtempSync(join(tmpdir(), 'switchyard-outbox-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const port = await freePort();
    const openJournal = () => new OutboxFile(join(folder, 'outbox.db'), systemClock, nullLogger);
    const config = settings(`nats://127.0.0.1:${port}`, { jetstream: stream });
    const first = bench.bus(config, { openJournal });
    await first.start();
    const raised = await transitions((event) => first.publish(event), 20);
    await first.stop(100);
    const second = bench.bus(config, { openJournal });
    await second.start();
    assert.equal(second.restored.length, 20);
    const nats = await bench.server({ port });
    await delivered(second);
    assertExactlyOnceInOrder(raised, await stored(await bench.client(nats.url), 'DISPATCHER'));
    await second.stop(100);
    const third = bench.bus(config, { openJournal });
    await third.start();
    assert.equal(third.restored.length, 0, 'what was delivered is forgotten');
  });

  test('a stream that is removed while the daemon runs is made again, and later events are stored in it', async (t) => {
    const bench = new NatsBench(t);
    const nats = await bench.server();
    const ours = bench.bus(settings(nats.url, { jetstream: stream }));
    await ours.start();
    await transitions((event) => ours.publish(event), 3);
    await delivered(ours);
    const nc = await bench.client(nats.url);
    await (await nc.jetstreamManager()).streams.delete('DISPATCHER');
    const raised = await transitions((event) => ours.publish(event), 10);
    await delivered(ours);
    assertExactlyOnceInOrder(raised, await stored(nc, 'DISPATCHER'));
  });

  test('a stream made by the operator is not changed; one that does not store the events is logged', async (t) => {
    const bench = new NatsBench(t);
    const nats = await bench.server();
    const nc = await bench.client(nats.url);
    const manager = await nc.jetstreamManager();
    await manager.streams.add({ name: 'DISPATCHER', subjects: ['elsewhere.>'], max_msgs: 7 });
    const errors: string[] = [];
    const log = { ...nullLogger, error: (_fields: object, message: string) => void errors.push(message) };
    const ours = bench.bus(settings(nats.url, { jetstream: stream }), { log });
    await ours.start();
    const raised = await transitions((event) => ours.publish(event), 2);
    await until('the error', () => errors.length > 0);
    assert.match(errors[0] ?? '', /does not include opensips\.E_DISPATCHER_STATUS\.>/);
    await manager.streams.update('DISPATCHER', { subjects: ['elsewhere.>', 'opensips.E_DISPATCHER_STATUS.>'] });
    await delivered(ours);
    assertExactlyOnceInOrder(raised, await stored(nc, 'DISPATCHER'));
    assert.equal((await manager.streams.info('DISPATCHER')).config.max_msgs, 7);
  });
});
