import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hashToken, newToken } from '../../src/access/secret.js';
import { readSettings } from '../../src/config/load.js';
import { nullLogger } from '../../src/core/logger.js';
import { Daemon } from '../../src/daemon/daemon.js';
import { runCli } from '../support/command-line.js';
import { freePort } from '../support/ports.js';

const SCRIPT = `let calls = 0;
export const routes = {
  request(r) {
    calls++;
    r.xlog('L_WARN', \`call \${calls} to $rU\`);
    if (r.get('$rU') === 'broken') throw new Error('of the script');
    if (!r.ds_select_dst(1, 4)) return r.send_reply(404, 'Nobody');
    if (r.get('$rU') === 'mark') r.ds_mark_dst('i');
    r.t_on_branch('OUT');
    r.t_relay();
  },
  branch: {
    OUT(r) {
      r.append_hf('X-Way: $du\\r\\n');
    },
  },
};
`;

const invite = (user: string) =>
  `INVITE sip:${user}@sw.example SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKx\nMax-Forwards: 70\n` +
  `From: <sip:a@c.example>;tag=f\nTo: <sip:${user}@sw.example>\nCall-ID: x@y\nCSeq: 1 INVITE\nContent-Length: 0\n\n`;

test('a route script is shown call by call on a copy, and its own variables stay', { timeout: 30_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-explain-js-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const script = join(folder, 'route.js');
  writeFileSync(script, SCRIPT);
  writeFileSync(join(folder, 'd.list'), '1 sip:127.0.0.1:5071\n1 sip:127.0.0.1:5072\n');
  const tokens = { all: newToken(), tenant: newToken() };
  const http = await freePort();
  const users = [
    { name: 'all', role: 'operator', token: hashToken(tokens.all), partitions: '*' },
    { name: 'tenant', role: 'operator', token: hashToken(tokens.tenant), partitions: ['default'] },
  ];
  const config = {
    listen: [`udp:127.0.0.1:${await freePort()}`],
    http: `127.0.0.1:${http}`,
    mi: { http: {} },
    access: { users },
    route_script: './route.js',
    partitions: [{ name: 'default', flavour: 'kamailio', db_url: `list:${join(folder, 'd.list')}` }],
  };
  const { settings } = readSettings(config, { cwd: `${folder}/` });
  const daemon = new Daemon({ settings, log: nullLogger, drainMs: 20 });
  await daemon.start();
  after(() => daemon.stop());
  const explained = async (user: string, token = tokens.all) => {
    process.env['SWITCHYARD_TOKEN'] = token;
    const file = join(folder, `${user}.sip`);
    writeFileSync(file, invite(user));
    const ran = await runCli(['explain', '--to', `http://127.0.0.1:${http}/mi`, file]);
    delete process.env['SWITCHYARD_TOKEN'];
    return ran;
  };
  const states = () =>
    [...daemon.engine.partitions].flatMap(({ snapshot }) =>
      [...snapshot.sets.values()].flatMap((set) => [
        (set as unknown as { last: number }).last,
        ...set.destinations.map(({ health: { state, hits, seq, failures } }) => [state, hits, seq, failures].join()),
      ]),
    );
  const before = states();

  const first = await explained('bob');
  assert.equal(first.status, 0, first.err);
  const steps = [
    /route\.js:5 {2}r\.xlog\('L_WARN', .*\n {4}returns true: call 1 to \$rU = call 1 to bob\n/,
    /route\.js:7 {2}if \(!r\.ds_select_dst\(1, 4\)\).*\n {4}returns true: \$du = sip:127\.0\.0\.1:5072\n/,
    /route\.js:14 {4}r\.append_hf\('X-Way: \$du\\r\\n'\);\n {4}returns true: .*\$du/,
    /route\.js:10 {2}r\.t_relay\(\);\n {4}returns true\n/,
    /log: WARN call 1 to bob\n(?:sends to .* 100 .*\n)?sends to 127\.0\.0\.1:5072: INVITE sip:bob@/,
  ];
  for (const step of steps) assert.match(first.out, step);

  // Explaining a request does not advance the round robin, mark a destination or change the calls of the daemon.
  assert.match((await explained('mark')).out, /ds_mark_dst\('i'\);\n {4}returns true/);
  const broken = await explained('broken');
  assert.equal(broken.status, 1);
  assert.match(broken.out, /log: ERROR .*route\.js:6: of the script\n.*SIP\/2\.0 500/s);
  assert.deepEqual(states(), before);
  assert.match((await explained('bob')).out, /sends to 127\.0\.0\.1:5072: INVITE/);

  assert.match((await explained('bob', tokens.tenant)).err, /403|not allowed|forbidden/i);
  writeFileSync(script, SCRIPT.replace('404', '480'));
  assert.match((await explained('bob')).out, /sends to/, 'the script that is loaded is shown');
  await daemon.reconfigure(settings);
  writeFileSync(script, SCRIPT);
  assert.match((await explained('bob')).err, /has changed since it was loaded/);

  // Without a daemon: the script of the configuration with the tables.
  const file = join(folder, 'switchyard.json');
  writeFileSync(file, JSON.stringify({ ...config, route_script: script }));
  const offline = await runCli(['explain', '--config', file, join(folder, 'bob.sip')]);
  assert.equal(offline.status, 0, offline.err);
  assert.match(offline.out, /route\.js:10 {2}r\.t_relay\(\);\n {4}returns true\n/);
  assert.match(offline.out, /sends to 127\.0\.0\.1:507[12]: INVITE sip:bob@/);
});
