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

/** Calls by name, each with its user. */
export type Calls = Readonly<
  Record<string, readonly [user: string, make: (call: TestCall, lane: Lane) => Promise<unknown>]>
>;

export interface SideBySide {
  /** The file; "LISTEN" in it is replaced by a UDP address, "PORT" by its port, "FOLDER" by the folder of the file. */
  readonly text: string | ((lane: Lane) => Promise<string>);
  readonly gateways: Readonly<Record<string, Answers>>;
  readonly calls: Calls;
  /** Writes further files: tables, lists. dispatcher.list exists. */
  readonly prepare?: (folder: string, lane: Lane) => void;
  /** Replacements for words of the file, made for each proxy: ports of further peers. */
  readonly words?: () => Promise<Readonly<Record<string, string>>>;
  /** Replaces intended differences by a common text. */
  readonly alike?: (text: string) => string;
  /** Calls are made one by one, for files whose decisions depend on earlier calls. Default: in parallel. */
  readonly inOrder?: boolean;
  /** Further arguments of kamailio. */
  readonly args?: readonly string[];
}

/** Results of one call through both proxies. */
export interface Compared {
  readonly name: string;
  readonly ours: object;
  readonly theirs: object;
  /** Errors while it was made. */
  readonly errors: readonly unknown[];
}

const callIdOf = (name: string) => name.replaceAll(/\W+/g, '-');

/** Starts Kamailio with the file; returns a function that stops it. */
async function startKamailio(
  program: string,
  { prepare, args: more = [] }: SideBySide,
  text: string,
  lane: Lane,
): Promise<{ readonly child: Child; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'side-by-side-'));
  const file = join(folder, 'kamailio.cfg');
  const listen = `udp:127.0.0.1:${lane.proxyPort}`;
  const written = text
    .replaceAll('LISTEN', listen)
    .replaceAll('PORT', String(lane.proxyPort))
    .replaceAll('FOLDER', folder);
  writeFileSync(file, written);
  writeFileSync(join(folder, 'dispatcher.list'), lane.list());
  lane.folder = folder;
  prepare?.(folder, lane);
  const args = [...more, '-f', file, '-DD', '-E', '-m', '64', '-M', '8', '-w', folder, '-Y', folder];
  const child = new Child(program, args, { cwd: folder });
  return {
    child,
    stop: async () => {
      await child.stop('SIGTERM', 5000);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The file with the ports of the peers. */
async function fileOf(lane: Lane, { text, words }: SideBySide): Promise<string> {
  const all = Object.entries((await words?.()) ?? {});
  const whole = typeof text === 'string' ? text : await text(lane);
  return lane.named(all.reduce((part, [word, value]) => part.replaceAll(word, value), whole));
}

/** Makes the calls through one proxy; returns errors by the name of the call. */
async function makeCalls(
  proxy: string,
  lane: Lane,
  { calls, inOrder }: SideBySide,
): Promise<ReadonlyMap<string, unknown>> {
  const errors = new Map<string, unknown>();
  const one = async ([name, [user, make]]: [string, Calls[string]]): Promise<void> => {
    await make(lane.call(callIdOf(name), user), lane).catch((error: unknown) => {
      errors.set(name, new Error(`${name} through ${proxy}`, { cause: error }));
    });
  };
  if (inOrder !== true) await Promise.all(Object.entries(calls).map(one));
  else for (const each of Object.entries(calls)) await one(each);
  return errors;
}

/**
 * Makes the same calls through Kamailio and through switchyard, each with the same file. `each` receives the messages
 * of a call from both, `said` at the end the script output of both.
 */
export async function throughBoth(
  program: string,
  options: SideBySide,
  each: (call: Compared) => Promise<void> | void,
  said: (theirs: string, ours: readonly string[]) => void = () => {},
): Promise<void> {
  const { gateways, calls, prepare, alike = (text) => text } = options;
  const [theirs, ours] = [await Lane.open(gateways), await Lane.open(gateways)];
  const stops: (() => Promise<void> | void)[] = [() => theirs.close(), () => ours.close()];
  try {
    theirs.proxyPort = await freePort();
    const kamailio = await startKamailio(program, options, await fileOf(theirs, options), theirs);
    stops.unshift(() => kamailio.stop());
    let log: readonly string[] = [];
    stops.unshift(() => said(kamailio.child.stderr, log));
    ours.proxyPort = await freePort();
    const daemon = await startCfgDaemon({
      port: ours.proxyPort,
      text: (await fileOf(ours, options)).replaceAll('PORT', String(ours.proxyPort)),
      prepare: (folder) => {
        writeFileSync(join(folder, 'dispatcher.list'), ours.list());
        ours.folder = folder;
        prepare?.(folder, ours);
      },
    });
    stops.unshift(() => daemon.stop());
    log = daemon.log;
    const got = (lane: Lane, callId: string) => JSON.parse(alike(JSON.stringify(lane.got(callId)))) as object;
    for (const lane of [theirs, ours]) assert.ok(await lane.ready(), 'the proxy answers');
    const [through, beside] = await Promise.all([
      makeCalls('Kamailio', theirs, options),
      makeCalls('switchyard', ours, options),
    ]);
    for (const name of Object.keys(calls)) {
      const callId = callIdOf(name);
      // The last ACK of a call may still be on its way.
      await holds(() => JSON.stringify(got(ours, callId)) === JSON.stringify(got(theirs, callId)), 2000);
      const errors = [through.get(name), beside.get(name)].filter((error) => error !== undefined);
      await each({ name, ours: got(ours, callId), theirs: got(theirs, callId), errors });
    }
  } finally {
    for (const stop of stops) await stop();
  }
}

/** A test for each call: all peers receive the same messages from both proxies. */
export async function sideBySide(t: TestContext, options: SideBySide): Promise<void> {
  const program = requireTool(t, 'kamailio');
  if (program === undefined) return;
  await throughBoth(program, options, ({ name, ours, theirs, errors }) =>
    t.test(name, () => {
      assert.deepEqual(ours, theirs);
      if (errors[0] !== undefined) throw errors[0];
      assert.notEqual((theirs as { caller?: string[] }).caller?.length, 0);
    }),
  );
}

/** An answered call: INVITE, ACK, BYE. One that is refused ends with the refusal. */
export async function answered(call: TestCall, more = ''): Promise<void> {
  const answer = await call.invite({ more });
  if (answer[8] !== '2') return;
  call.send('ACK', call.within(answer, 1));
  await call.ask('BYE', call.within(answer, 2));
}

/** A call that is cancelled while it rings; the final reply may be another one than 487, or come before it rings. */
export async function givenUp(call: TestCall): Promise<void> {
  call.send('INVITE');
  const first = await call.reply('INVITE', /180|[3-6]../);
  if (first.startsWith('SIP/2.0 180')) {
    call.send('CANCEL');
    await call.reply('CANCEL', /200/);
  }
  const final = await call.reply('INVITE', /[3-6]../);
  call.send('ACK', { to: /;tag=[^\r]*/.exec(final.slice(final.search(/^To:/m)))?.[0] ?? '' });
}
