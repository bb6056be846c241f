import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCfgDaemon } from '../support/cfg-daemon.js';
import { Child } from '../support/child-process.js';
import { freePort } from '../support/ports.js';
import { requireTool } from '../support/servers.js';
import { type Answers, holds, Lane, type TestCall } from '../support/side-by-side.js';

const CFG = readFileSync(new URL('../fixtures/side-by-side/kamailio.cfg', import.meta.url), 'latin1');
const RINGING = [180, 'Ringing'] as const;
const ANSWERED = [RINGING, [200, 'OK']] as const;

/** The first gateway refuses some users; the second only those that nobody answers. */
const GATEWAYS: Readonly<Record<string, Answers>> = {
  gw1: (method, user) => {
    if (method !== 'INVITE') return user === 'lost' ? [[404, 'Not Found']] : [[202, 'Accepted']];
    if (user === 'busy') return [[486, 'Busy Here']];
    if (user === 'over' || user === 'none') return [[503, 'Service Unavailable']];
    if (user === 'late') return [RINGING, [503, 'Service Unavailable']];
    if (user === 'decline') return [[603, 'Decline']];
    if (user === 'moved') return [[302, 'Moved Temporarily']];
    if (user === 'silent') return [];
    return user === 'ring' ? [RINGING] : ANSWERED;
  },
  gw2: (_method, user) => (user === 'none' ? [[503, 'Service Unavailable']] : ANSWERED),
};

async function answered(call: TestCall, more = ''): Promise<void> {
  const answer = await call.invite({ more });
  call.send('ACK', call.within(answer, 1));
  await call.ask('BYE', call.within(answer, 2));
}

/** Calls by name, each with the user that it is for. */
const CALLS: Readonly<Record<string, readonly [user: string, make: (call: TestCall) => Promise<unknown>]>> = {
  answered: ['bob', answered],
  'answered, with an INFO within': [
    'bob',
    async (call) => {
      const answer = await call.invite();
      call.send('ACK', call.within(answer, 1));
      await call.ask('INFO', call.within(answer, 2));
      await call.ask('BYE', call.within(answer, 3));
    },
  ],
  'a number that is rewritten': ['004930123', (call) => answered(call, 'X-Internal: secret\r\nX-Kept: yes\r\n')],
  'the first gateway answers 503': ['over', answered],
  'the first gateway rings, then answers 503': ['late', answered],
  'the first gateway is silent': ['silent', answered],
  busy: ['busy', (call) => call.invite()],
  'every gateway answers 503': ['none', (call) => call.invite()],
  'declined, which the script replaces': ['decline', (call) => call.invite()],
  redirected: ['moved', (call) => call.invite()],
  'given up while it rings': [
    'ring',
    async (call) => {
      call.send('INVITE');
      await call.reply('INVITE', /180/);
      call.send('CANCEL');
      await call.reply('CANCEL', /200/);
      const final = await call.reply('INVITE', /487/);
      call.send('ACK', { to: /;tag=[^\r]*/.exec(final.slice(final.search(/^To:/m)))?.[0] ?? '' });
    },
  ],
  'no destination': ['nowhere', (call) => call.invite()],
  'refused by the script': ['forbidden', (call) => call.invite()],
  'too many hops': ['bob', (call) => call.ask('MESSAGE', { hops: 0 })],
  'a MESSAGE': ['bob', (call) => call.ask('MESSAGE', { body: 'hello' })],
  'a MESSAGE to nobody': ['lost', (call) => call.ask('MESSAGE')],
  'an OPTIONS for the proxy': ['ping', (call) => call.ask('OPTIONS')],
  'a BYE of no call': ['bob', (call) => call.ask('BYE', { to: ';tag=none' })],
};
const callIdOf = (name: string) => name.replaceAll(/\W+/g, '-');

/** Starts Kamailio on the file; returns how to end it. */
async function startKamailio(program: string, lane: Lane): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'side-by-side-'));
  lane.proxyPort = await freePort();
  const file = join(folder, 'kamailio.cfg');
  writeFileSync(file, CFG.replaceAll('LISTEN', `udp:127.0.0.1:${lane.proxyPort}`).replaceAll('FOLDER', folder));
  writeFileSync(join(folder, 'dispatcher.list'), lane.list());
  const args = ['-f', file, '-DD', '-E', '-m', '64', '-M', '8', '-w', folder, '-Y', folder];
  const child = new Child(program, args, { cwd: folder });
  return async () => {
    await child.stop('SIGTERM', 5000);
    rmSync(folder, { recursive: true, force: true });
  };
}

test('Kamailio and switchyard send the same messages for the same file and the same calls', async (t) => {
  const program = requireTool(t, 'kamailio');
  if (program === undefined) return;
  const [theirs, ours] = [await Lane.open(GATEWAYS), await Lane.open(GATEWAYS)];
  const stopKamailio = await startKamailio(program, theirs);
  const daemon = await startCfgDaemon({
    text: CFG,
    prepare: (folder) => writeFileSync(join(folder, 'dispatcher.list'), ours.list()),
  });
  ours.proxyPort = daemon.port;
  try {
    for (const lane of [theirs, ours]) assert.ok(await lane.ready(), 'the proxy answers');
    await Promise.all(
      [theirs, ours].flatMap((lane) =>
        Object.entries(CALLS).map(([name, [user, make]]) => make(lane.call(callIdOf(name), user))),
      ),
    );
    for (const name of Object.keys(CALLS)) {
      await t.test(name, async () => {
        const callId = callIdOf(name);
        // The last ACK of a call may still be on its way.
        await holds(() => JSON.stringify(ours.got(callId)) === JSON.stringify(theirs.got(callId)));
        assert.deepEqual(ours.got(callId), theirs.got(callId));
        assert.notEqual(theirs.got(callId)['caller']?.length, 0);
      });
    }
  } finally {
    await daemon.stop();
    await stopKamailio();
    theirs.close();
    ours.close();
  }
});
