import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCfgDaemon } from '../support/cfg-daemon.js';
import { Child, isBound } from '../support/child-process.js';
import { freePort } from '../support/ports.js';
import { requireTool } from '../support/servers.js';
import { comparable } from '../support/side-by-side.js';
import { haveSipp, runSipp, type SippResult, startSippUas } from '../support/sipp.js';

/** Kinds of calls, and the users that the files send to a set of their own. */
const KINDS = [
  { kind: 'failover from a dead gateway', user: 'service', scenario: 'uac-call', calls: 5, values: {} },
  { kind: 'cancelled while it rings', user: 'ring', scenario: 'uac-cancel-ringing', calls: 3, values: {} },
  { kind: 'busy', user: 'busy', scenario: 'uac-rejected', calls: 3, values: { status: 486 } },
] as const;

/** The result of one proxy: comparable messages that each SIPp received, and the callers' counts. */
interface Run {
  readonly got: Readonly<Record<string, readonly string[]>>;
  readonly results: Readonly<Record<string, readonly (number | null)[]>>;
}

/** Messages that one SIPp received, from its message file. */
function received(file: string, ports: ReadonlyMap<string, string>): string[] {
  const parts = readFileSync(file, 'latin1').split(/^-{20,}[^\n]*\n/m);
  const texts = parts
    .filter((part) => /^\S* ?message received/i.test(part))
    .map((part) => part.slice(part.indexOf('\n\n') + 2).replace(/\n+$/, ''))
    // SIPp writes its process id into tags and branches and chooses its media port; each proxy writes its own name.
    .map((text) =>
      text
        .replace(/z9hG4bK-\d+-/g, 'z9hG4bK-')
        .replace(/tag=([cs])\d+-/g, 'tag=$1-')
        .replace(/^m=audio \d+/gm, 'm=audio *')
        .replace(/^(Server: )(?:kamailio|switchyard).*$/gm, '$1*'),
    )
    .map((text) => text.replace(/\r?\n/g, '\r\n'));
  return [...new Set(texts.map((text) => comparable(`${text}\r\n`.replace(/(?:\r\n)*$/, '\r\n\r\n'), ports)))].sort();
}

interface Started {
  readonly port: number;
  stop(): Promise<void>;
}

/** Sends all kinds of calls through one proxy; its destinations are SIPp. */
async function through(start: (list: string) => Promise<Started>): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'side-by-side-'));
  const traced = (name: string): string[] => ['-trace_msg', '-message_file', join(folder, name)];
  const gateways = await Promise.all([
    startSippUas({ scenario: 'uas-answer', args: traced('answers') }),
    startSippUas({ scenario: 'uas-ringing', args: traced('rings') }),
    startSippUas({ scenario: 'uas-reject', values: { status: 486, reason: 'Busy Here' }, args: traced('refuses') }),
  ]);
  const [answers, rings, refuses] = gateways;
  const dead = await freePort();
  const list = [
    `1 sip:127.0.0.1:${dead} 0 10`,
    `1 ${answers?.uri} 0 9`,
    `2 ${rings?.uri} 0 0`,
    `3 ${refuses?.uri} 0 0`,
    '',
  ].join('\n');
  const proxy = await start(list);
  const ports = new Map([
    [String(proxy.port), 'PROXY'],
    [String(dead), 'DEAD'],
    ...gateways.map(({ port }, i): [string, string] => [String(port), `GATEWAY${i + 1}`]),
  ]);
  try {
    const made = await Promise.all(
      KINDS.map(async ({ kind, user, scenario, calls, values }): Promise<[string, SippResult]> => {
        const port = await freePort();
        ports.set(String(port), `CALLER ${user}`);
        const args = [...traced(user), '-cid_str', `%u-${user}`];
        const target = `127.0.0.1:${proxy.port}`;
        return [kind, await runSipp({ scenario, calls, values, port, service: user, target, args })];
      }),
    );
    for (const each of gateways) await each.stop();
    const files = ['answers', 'rings', 'refuses', ...KINDS.map(({ user }) => user)];
    return {
      got: Object.fromEntries(files.map((name) => [name, received(join(folder, name), ports)])),
      results: Object.fromEntries(made.map(([kind, { exitCode, ok, failed }]) => [kind, [exitCode, ok, failed]])),
    };
  } finally {
    await proxy.stop();
    for (const each of gateways) await each.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Starts Kamailio with a file and waits until its socket is bound. */
async function kamailio(program: string, text: string, list: string): Promise<Started> {
  const folder = mkdtempSync(join(tmpdir(), 'side-by-side-'));
  const port = await freePort();
  const file = join(folder, 'kamailio.cfg');
  writeFileSync(file, text.replaceAll('LISTEN', `udp:127.0.0.1:${port}`).replaceAll('FOLDER', folder));
  writeFileSync(join(folder, 'dispatcher.list'), list);
  const args = ['-f', file, '-DD', '-E', '-m', '64', '-M', '8', '-w', folder, '-Y', folder];
  const child = new Child(program, args, { cwd: folder });
  await child.until(() => isBound(port, 'udp'), 10_000, 'kamailio');
  return {
    port,
    stop: async () => {
      await child.stop('SIGTERM', 5000);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function switchyard(text: string, list: string): Promise<Started> {
  const daemon = await startCfgDaemon({
    text,
    prepare: (folder) => writeFileSync(join(folder, 'dispatcher.list'), list),
  });
  return { port: daemon.port, stop: () => daemon.stop() };
}

for (const name of ['default', 'edge']) {
  test(`calls of SIPp through ${name}.cfg: Kamailio and switchyard forward the same messages`, async (t) => {
    const program = requireTool(t, 'kamailio');
    if (program === undefined) return;
    if (!(await haveSipp())) {
      t.skip('SIPp is not installed');
      return;
    }
    const text = readFileSync(new URL(`../fixtures/side-by-side/${name}.cfg`, import.meta.url), 'latin1');
    const [theirs, ours] = await Promise.all([
      through((list) => kamailio(program, text, list)),
      through((list) => switchyard(text, list)),
    ]);
    assert.deepEqual(ours.results, Object.fromEntries(KINDS.map(({ kind, calls }) => [kind, [0, calls, 0]])));
    assert.deepEqual(theirs.results, ours.results);
    for (const [peer, messages] of Object.entries(theirs.got)) {
      assert.ok(messages.length > 0, `${peer} got messages`);
      assert.deepEqual(ours.got[peer], messages, `what "${peer}" got`);
    }
  });
}
