import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { DgramSocket } from 'node-unix-socket';
import { type KamailioDaemon, runTool, startKamailioDaemon } from '../support/kamailio-daemon.js';
import { within } from '../support/mi-endpoints.js';
import { requireTool } from '../support/servers.js';

/** Answers recorded from Kamailio 5.6.3, replayed against a daemon with a "strict" kamailio partition. */
const RECORDED = JSON.parse(readFileSync(new URL('./data/kamailio-rpc.json', import.meta.url), 'utf8')) as {
  readonly list: readonly string[];
  readonly kamcmd: readonly { readonly command: string; readonly output: string; readonly flags?: string }[];
  readonly wire: readonly { readonly command: string; readonly request: string; readonly reply: string }[];
  readonly datagram: readonly { readonly request: string; readonly reply: string | null }[];
};
/** List file of the recordings on the wire. */
const ONE = ['1 sip:127.0.0.1:7001 0 0 duid=a'];

/** Cases in which our answer differs, and why. */
const DIFFERS: ReadonlyMap<string, string> = new Map([
  ['error: 500 - Ongoing reload', 'no pause of five seconds is asked for between two edits, as in 6.x'],
]);

async function daemonFor(
  t: { after(run: () => Promise<void>): void },
  list: readonly string[],
): Promise<KamailioDaemon> {
  const daemon = await startKamailioDaemon({ list, compat: 'strict' });
  t.after(() => daemon.stop());
  return daemon;
}

test('answers by BINRPC have the recorded bytes', async (t) => {
  const { ctl } = await daemonFor(t, ONE);
  const socket = connect(ctl);
  t.after(async () => void socket.destroy());
  for (const { command, request, reply } of RECORDED.wire) {
    const wanted = Buffer.from(reply, 'hex');
    let got = Buffer.alloc(0);
    const whole = new Promise<void>((resolve) => {
      socket.on('data', (chunk: Buffer) => {
        got = Buffer.concat([got, chunk]);
        if (command === 'core.version' ? got.length > 8 : got.length >= wanted.length) resolve();
      });
    });
    socket.write(Buffer.from(request, 'hex'));
    await within(whole, command);
    socket.removeAllListeners('data');
    if (command === 'core.version') assert.match(got.toString('latin1'), /switchyard [0-9.]+ \(\S+\/linux\) \0$/);
    else assert.equal(got.toString('hex'), wanted.toString('hex'), command);
  }
  assert.ok(RECORDED.wire.length >= 6);
});

test('answers by JSON-RPC over the datagram socket have the recorded text', async (t) => {
  const { socket, folder } = await daemonFor(t, ONE);
  const client = new DgramSocket();
  client.bind(join(folder, 'client.sock'));
  t.after(async () => client.close());
  const ask = (request: string): Promise<string> => {
    const answer = new Promise<string>((resolve) => client.once('data', (bytes: Buffer) => resolve(bytes.toString())));
    const bytes = Buffer.from(request);
    client.sendTo(bytes, 0, bytes.length, socket, () => {});
    return within(answer, request);
  };
  for (const { request, reply } of RECORDED.datagram) {
    if (reply === null) {
      // Invalid JSON gets no answer: the next answer belongs to the next request.
      const bytes = Buffer.from(request);
      client.sendTo(bytes, 0, bytes.length, socket, () => {});
      continue;
    }
    if (DIFFERS.has(`error: 500 - ${/"message":\t"(.*)"/.exec(reply)?.[1]}`)) continue;
    const got = await ask(request);
    // Probing was disabled when the first answer was recorded.
    const pinged = request.includes('ping_active') && reply.includes('NewPingState');
    assert.equal(pinged ? got.replace('"OldPingState":\t1', '"OldPingState":\t0') : got, reply, request);
  }
  assert.ok(RECORDED.datagram.length >= 15);
});

describe('kamcmd', () => {
  test('prints what was recorded, command after command', async (t) => {
    const kamcmd = requireTool(t, 'kamcmd');
    if (kamcmd === undefined) return;
    const { ctl, list } = await daemonFor(t, RECORDED.list);
    const run = async (command: string): Promise<string> => {
      const text = await runTool(kamcmd, ['-s', `unixs:${ctl}`, ...command.split(' ')]);
      return text.replace(/\n$/, '');
    };
    let edited = false;
    let reloaded = 0;
    for (const { command, output, flags } of RECORDED.kamcmd) {
      if (DIFFERS.has(output)) continue;
      if (command === 'dispatcher.reload' && ++reloaded === 2) {
        assert.equal(output, 'error: 500 - Reload Failed');
        await unlink(list);
      }
      const got = await run(command);
      if (command === 'system.listMethods') {
        const missing = ['core.version', 'core.uptime', 'core.psx', 'system.methodHelp', 'dispatcher.list'];
        for (const name of missing) assert.ok(got.split('\n').includes(name) && output.includes(name), name);
        continue;
      }
      edited ||= command.startsWith('dispatcher.add');
      // In the original, changes rebuild the sets, which changes their order in the listing.
      if (edited && command.startsWith('dispatcher.list'))
        assert.deepEqual(inAnyOrder(got), inAnyOrder(output), command);
      else assert.equal(got, output, command);
      if (flags !== undefined) {
        const shown = /URI: sip:127\.0\.0\.1:7001\n\t*FLAGS: (..)/.exec(await run('dispatcher.list short'));
        assert.equal(shown?.[1], flags, command);
      }
    }
    assert.equal(reloaded, 2);
    assert.ok(RECORDED.kamcmd.length >= 90);
  });
});

/** A listing as sorted sets, each with sorted destinations. */
function inAnyOrder(listing: string): string[][] {
  return listing
    .split(/\t+SET: \{\n/)
    .map((set) =>
      set
        .replace(/\}[\s}]*$/, '')
        .split(/\t+DEST: \{\n/)
        .map((each) => each.replace(/[\s}]+$/, ''))
        .sort(),
    )
    .sort((a, b) => a.join().localeCompare(b.join()));
}
