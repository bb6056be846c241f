import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { startCfgDaemon } from './cfg-daemon.js';
import { Child } from './child-process.js';
import { freePort } from './ports.js';
import { requireTool } from './servers.js';
import { type Answers, holds, Lane, type TestCall } from './side-by-side.js';

/** Calls by name, each with the user that it is for. */
export type Calls = Readonly<
  Record<string, readonly [user: string, make: (call: TestCall, lane: Lane) => Promise<unknown>]>
>;

export interface SideBySide {
  /** The file; "LISTEN" in it is an address of UDP, "PORT" its port, "FOLDER" the folder it stands in. */
  readonly text: string;
  readonly gateways: Readonly<Record<string, Answers>>;
  readonly calls: Calls;
  /** Writes files beside it: tables, lists. dispatcher.list is there. */
  readonly prepare?: (folder: string, lane: Lane) => void;
  /** What stands for a word of the file, once for each proxy: ports of further peers. */
  readonly words?: () => Promise<Readonly<Record<string, string>>>;
  /** Differences that are meant, with what stands for both. */
  readonly alike?: (text: string) => string;
}

const callIdOf = (name: string) => name.replaceAll(/\W+/g, '-');

/** Starts Kamailio on the file; returns how to end it. */
async function startKamailio(
  program: string,
  { prepare }: SideBySide,
  text: string,
  lane: Lane,
): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'side-by-side-'));
  lane.proxyPort = await freePort();
  const file = join(folder, 'kamailio.cfg');
  const listen = `udp:127.0.0.1:${lane.proxyPort}`;
  const written = text
    .replaceAll('LISTEN', listen)
    .replaceAll('PORT', String(lane.proxyPort))
    .replaceAll('FOLDER', folder);
  writeFileSync(file, written);
  writeFileSync(join(folder, 'dispatcher.list'), lane.list());
  prepare?.(folder, lane);
  const args = ['-f', file, '-DD', '-E', '-m', '64', '-M', '8', '-w', folder, '-Y', folder];
  const child = new Child(program, args, { cwd: folder });
  return async () => {
    await child.stop('SIGTERM', 5000);
    rmSync(folder, { recursive: true, force: true });
  };
}

/** The file with the ports of the peers. */
async function fileOf(lane: Lane, { text, words }: SideBySide): Promise<string> {
  const all = Object.entries((await words?.()) ?? {});
  return lane.named(all.reduce((whole, [word, value]) => whole.replaceAll(word, value), text));
}

/** Makes the same calls through Kamailio and through switchyard, each with the same file, and compares all that their peers get. */
export async function sideBySide(t: TestContext, options: SideBySide): Promise<void> {
  const program = requireTool(t, 'kamailio');
  if (program === undefined) return;
  const { gateways, calls, prepare, alike = (each) => each } = options;
  const [theirs, ours] = [await Lane.open(gateways), await Lane.open(gateways)];
  const stops: (() => Promise<void> | void)[] = [() => theirs.close(), () => ours.close()];
  try {
    stops.unshift(await startKamailio(program, options, await fileOf(theirs, options), theirs));
    const daemon = await startCfgDaemon({
      text: await fileOf(ours, options),
      prepare: (folder) => {
        writeFileSync(join(folder, 'dispatcher.list'), ours.list());
        prepare?.(folder, ours);
      },
    });
    ours.proxyPort = daemon.port;
    stops.unshift(() => daemon.stop());
    const got = (lane: Lane, callId: string) => JSON.parse(alike(JSON.stringify(lane.got(callId)))) as object;
    for (const lane of [theirs, ours]) assert.ok(await lane.ready(), 'the proxy answers');
    const made = await Promise.allSettled(
      [theirs, ours].flatMap((lane, i) =>
        Object.entries(calls).map(async ([name, [user, make]]) => {
          await make(lane.call(callIdOf(name), user), lane).catch((error: unknown) => {
            throw new Error(`${name} through ${i === 0 ? 'Kamailio' : 'switchyard'}`, { cause: error });
          });
        }),
      ),
    );
    for (const name of Object.keys(calls)) {
      await t.test(name, async () => {
        const callId = callIdOf(name);
        // The last ACK of a call may still be on its way.
        await holds(() => JSON.stringify(got(ours, callId)) === JSON.stringify(got(theirs, callId)));
        assert.deepEqual(got(ours, callId), got(theirs, callId));
        assert.notEqual(theirs.got(callId)['caller']?.length, 0);
      });
    }
    for (const each of made) if (each.status === 'rejected') throw each.reason;
  } finally {
    for (const stop of stops) await stop();
  }
}

/** An answered call: INVITE, ACK, BYE. */
export async function answered(call: TestCall, more = ''): Promise<void> {
  const answer = await call.invite({ more });
  call.send('ACK', call.within(answer, 1));
  await call.ask('BYE', call.within(answer, 2));
}

/** A call that is given up while it rings. */
export async function givenUp(call: TestCall): Promise<void> {
  call.send('INVITE');
  await call.reply('INVITE', /180/);
  call.send('CANCEL');
  await call.reply('CANCEL', /200/);
  const final = await call.reply('INVITE', /487/);
  call.send('ACK', { to: /;tag=[^\r]*/.exec(final.slice(final.search(/^To:/m)))?.[0] ?? '' });
}
