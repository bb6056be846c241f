import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { hashToken } from '../../src/access/secret.js';
import { TestAuthority } from '../support/certificates.js';
import { Child, isBound } from '../support/child-process.js';
import { writeTable } from '../support/daemon-process.js';
import { freePort } from '../support/ports.js';
import { SWITCHYARD } from '../support/program.js';
import { requireTool } from '../support/servers.js';
import { until } from '../support/until.js';

/** A daemon with a TLS listener and a separate access file. */
async function daemonFor(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-hup-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const authority = new TestAuthority();
  t.after(() => authority.remove());
  const show = (certificate: { readonly cert: string; readonly key: string }) => {
    copyFileSync(certificate.cert, join(folder, 'cert.pem'));
    copyFileSync(certificate.key, join(folder, 'key.pem'));
  };
  const users = (...given: object[]) => writeFileSync(join(folder, 'access.json'), JSON.stringify({ users: given }));
  show(authority.issue('first', ['IP:127.0.0.1']));
  users({ name: 'ci', token: hashToken('one'), role: 'viewer', partitions: '*' });
  await writeTable(join(folder, 'db'), [[1, 'sip:127.0.0.1:9']]);
  const [sip, http] = [await freePort(), await freePort()];
  writeFileSync(
    join(folder, 'switchyard.json'),
    JSON.stringify({
      listen: [`udp:127.0.0.1:${sip}`],
      http: { listen: `127.0.0.1:${http}`, tls: { certificate: './cert.pem', private_key: './key.pem' } },
      mi: { http: {} },
      access: './access.json',
      modparam: { db_url: 'text:./db' },
    }),
  );
  const child = new Child(process.execPath, [...SWITCHYARD, 'serve'], { cwd: folder });
  t.after(() => child.stop('SIGKILL'));
  await child.until(() => isBound(http, 'tcp'), 20_000, 'switchyard');
  /** Sends SIGHUP and waits for the log line with the result. */
  const reload = async (outcome: 'settings reloaded' | 'the new settings are refused') => {
    const before = child.stderr.split(outcome).length;
    child.process.kill('SIGHUP');
    await until(outcome, () => child.stderr.split(outcome).length > before, { milliseconds: 10_000 });
  };
  /** Status of the answer to a token. */
  const ask = (token: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port: http, host: '127.0.0.1', ca: readFileSync(authority.ca) });
      let text = '';
      socket.setEncoding('latin1');
      socket.on('data', (part: string) => {
        text += part;
        const status = /^HTTP\/1\.1 ([0-9]{3})/.exec(text)?.[1];
        if (status === undefined) return;
        socket.destroy();
        resolve(Number(status));
      });
      socket.on('error', reject);
      const body = '{"jsonrpc":"2.0","id":1,"method":"version"}';
      socket.write(
        `POST /mi HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
    });
  /** Common name of the certificate presented to a new connection. */
  const shown = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port: http, host: '127.0.0.1', ca: readFileSync(authority.ca) }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      });
      socket.on('error', reject);
    });
  return { folder, authority, show, users, child, reload, ask, shown };
}

test('SIGHUP reads the access file and the certificate of the HTTP listener again; a faulty one changes nothing', async (t) => {
  if (requireTool(t, 'openssl') === undefined) return;
  const { folder, authority, show, users, child, reload, ask, shown } = await daemonFor(t);
  assert.deepEqual([await ask('one'), await ask('two'), await shown()], [200, 401, 'first']);

  users({ name: 'ci', token: hashToken('two'), role: 'viewer', partitions: '*' });
  show(authority.issue('second', ['IP:127.0.0.1']));
  await reload('settings reloaded');
  assert.deepEqual([await ask('one'), await ask('two'), await shown()], [401, 200, 'second']);

  // An incomplete access file leaves the users unchanged, and the new certificate is not used either.
  show(authority.issue('third', ['IP:127.0.0.1']));
  writeFileSync(join(folder, 'access.json'), '{ "users": [ { "name": "ci", ');
  await reload('the new settings are refused');
  assert.deepEqual([await ask('two'), await shown()], [200, 'second']);

  // The key belongs to another certificate: the new users are not used either.
  users({ name: 'ci', token: hashToken('three'), role: 'viewer', partitions: '*' });
  copyFileSync(authority.issue('fourth', ['IP:127.0.0.1']).key, join(folder, 'key.pem'));
  await reload('the new settings are refused');
  assert.match(child.stderr, /the certificate of \\"http\\" cannot be used/);
  assert.deepEqual([await ask('two'), await ask('three'), await shown()], [200, 401, 'second']);

  show(authority.issue('fifth', ['IP:127.0.0.1']));
  await reload('settings reloaded');
  assert.deepEqual([await ask('two'), await ask('three'), await shown()], [401, 200, 'fifth']);
});
