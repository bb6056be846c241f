import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { nullLogger } from '../../src/core/logger.js';
import { TestAuthority } from '../support/certificates.js';
import { makeOperator } from '../support/nats-credentials.js';
import { delivered, NatsBench, settings, stream, transitions, withoutNats } from '../support/nats-fixtures.js';
import { requireTool } from '../support/servers.js';
import { until } from '../support/until.js';

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'nats-access-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('access to NATS', { timeout: 120_000, skip: withoutNats }, () => {
  test('a credentials file that is half written or missing at a reconnect is read again later', async (t) => {
    const bench = new NatsBench(t);
    const folder = folderOf(t);
    const { serverConfig, credentials } = makeOperator();
    const config = join(folder, 'nats.conf');
    const credsFile = join(folder, 'user.creds');
    writeFileSync(config, serverConfig);
    writeFileSync(credsFile, credentials);
    const nats = await bench.server({ args: ['-c', config] });
    const lines: string[] = [];
    const log = { ...nullLogger, warn: (_fields: object, message: string) => void lines.push(message) };
    const ours = bench.bus(settings(nats.url, { jetstream: stream, credsFile }), { log });
    await ours.start();
    await until('connected', () => ours.connected);
    for (const damage of [() => writeFileSync(credsFile, credentials.slice(0, 200)), () => rmSync(credsFile)]) {
      await nats.kill();
      await until('noticed', () => !ours.connected);
      damage();
      await nats.restart();
      await until('back', () => ours.connected);
    }
    await nats.kill();
    writeFileSync(credsFile, makeOperator().credentials);
    await until('noticed', () => !ours.connected);
    const raised = await transitions((event) => ours.publish(event), 10);
    await nats.restart();
    await until('refused', () => lines.some((line) => /refused/.test(line)));
    assert.equal(ours.connected, false, "somebody else's credentials are refused");
    writeFileSync(credsFile, credentials);
    await delivered(ours);
    assert.equal(raised.length, 10);
  });

  test('a credentials file that cannot be used is refused at the start, and its text is not shown', (t) => {
    const bench = new NatsBench(t);
    const folder = folderOf(t);
    const { credentials } = makeOperator();
    const credsFile = join(folder, 'user.creds');
    writeFileSync(credsFile, credentials.slice(0, 200));
    assert.throws(
      () => bench.bus(settings('nats://127.0.0.1:1', { credsFile })),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'CONFIG_INVALID');
        assert.ok(error.message.includes(credsFile), error.message);
        assert.ok(!error.message.includes(credentials.slice(40, 80)), error.message);
        return true;
      },
    );
  });

  test('over TLS the daemon shows its certificate; a server that demands one refuses clients without it', async (t) => {
    if (requireTool(t, 'openssl') === undefined) return;
    const bench = new NatsBench(t);
    const authority = new TestAuthority();
    t.after(() => authority.remove());
    const server = authority.issue('server', ['IP:127.0.0.1']);
    const client = authority.issue('client', ['DNS:client']);
    const { ca } = authority;
    const tls = ['--tlsverify', '--tlscacert', ca, '--tlscert', server.cert, '--tlskey', server.key];
    const nats = await bench.server({ args: tls });
    const url = `tls://127.0.0.1:${nats.port}`;
    const lines: string[] = [];
    const log = { ...nullLogger, warn: (_fields: object, message: string) => void lines.push(message) };
    const ours = bench.bus(settings(url, { jetstream: stream, tls: { ca, ...client } }));
    const bare = bench.bus(settings(url, { tls: { ca } }), { log });
    await Promise.all([ours.start(), bare.start()]);
    const raised = await transitions((event) => ours.publish(event), 10);
    await delivered(ours);
    await until('refused', () => lines.some((line) => line.includes('cannot be reached')));
    assert.equal(bare.connected, false);
    await nats.kill();
    await until('noticed', () => !ours.connected);
    const text = readFileSync(client.cert);
    writeFileSync(client.cert, text.subarray(0, 100));
    await nats.restart();
    await until('refused again', () => bare.connected || lines.length > 0);
    writeFileSync(client.cert, text);
    await until('back', () => ours.connected);
    assert.equal(raised.length, 10);
  });
});
