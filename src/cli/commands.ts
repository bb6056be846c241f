import { createSocket } from 'node:dgram';
import { createReadStream, readFileSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { relative } from 'node:path';
import type { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { checkConfiguration } from '../config/check.js';
import { parseFreeswitchUrl } from '../config/freeswitch-url.js';
import { loadSettings } from '../config/load.js';
import { ConfigError, formatProblems } from '../config/problem.js';
import type { DispatcherConfig, PartitionConfig, Settings } from '../config/settings.js';
import { systemClock } from '../core/clock.js';
import { messageOf, SwitchyardError } from '../core/errors.js';
import { type Logger, nullLogger } from '../core/logger.js';
import { collectInTurns } from '../core/turn.js';
import { compositionFaults } from '../daemon/composition.js';
import { Daemon } from '../daemon/daemon.js';
import { createLogger } from '../daemon/logger.js';
import { ManagerNotifier } from '../daemon/notify.js';
import { parseSelectArguments } from '../engine/select-arguments.js';
import { plainNats } from '../events/sinks/nats-settings.js';
import { watchNats } from '../events/sinks/nats-watch.js';
import { parseEvent, renderEvent, type WatchedEvent } from '../events/watch.js';
import { JobQueue } from '../tenant/job-queue.js';
import { checkPartition, importRows, initPartition, showPartition } from './database-tools.js';
import { OfflineSelect } from './replay/offline-select.js';

/** Where a command writes: data to `out`, messages to `err`. */
export interface CommandIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly stdin: Readable;
}

type Values = Readonly<Record<string, string | boolean | undefined>>;

/** Loads the settings for a command; warnings go to `err`. Throws ConfigError. */
export function settingsFor(values: Values, io: CommandIo): Settings {
  const { settings, warnings } = loadSettings(values['config'] as string | undefined, { inspect: compositionFaults });
  if (warnings.length > 0) io.err(`${formatProblems(warnings)}\n`);
  return settings;
}

/**
 * switchyard serve: runs until SIGTERM or SIGINT, which let what is under way finish; a second one ends it at once. SIGHUP
 * reads the settings again. Returns the exit status.
 */
export async function serve(values: Values, io: CommandIo): Promise<number> {
  // The young generation holds little at any moment here: waking V8's helper threads for it cost more than they did
  // (5 to 10 % of the CPU per call, measured by interleaved runs).
  setFlagsFromString('--no-parallel-scavenge');
  collectInTurns();
  const settings = settingsFor(values, io);
  const log = createLogger(settings.log.level);
  const daemon = new Daemon({ settings, log });
  const ended = new Promise<string>((resolve) => {
    process.once('SIGTERM', () => resolve('SIGTERM'));
    process.once('SIGINT', () => resolve('SIGINT'));
  });
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'an error nobody caught; the daemon goes on');
  });
  process.on('unhandledRejection', (error) => {
    log.fatal({ err: error }, 'a rejection nobody handled; the daemon goes on');
  });
  const manager = await ManagerNotifier.open(process.env, log);
  // One reload after the other, and none before everything has started: the signal must not end us then.
  const jobs = new JobQueue();
  const started = jobs.run(undefined, async () => {
    await daemon.start();
    manager.ready('serving');
  });
  let stopping = false;
  process.on('SIGHUP', () => {
    void jobs.run('reload', async () => {
      if (stopping) return;
      manager.reloading();
      manager.ready((await reconfigure(daemon, values, log)) ? 'serving' : 'serving; the last settings were refused');
    });
  });
  try {
    await started;
    const signal = await ended;
    log.info({ signal }, 'stopping');
    stopping = true;
    manager.stopping();
    await daemon.stop();
  } finally {
    manager.close();
  }
  return 0;
}

/** New settings are taken whole (true), or refused whole with the old ones going on. */
async function reconfigure(daemon: Daemon, values: Values, log: Logger): Promise<boolean> {
  try {
    const { settings, warnings } = loadSettings(values['config'] as string | undefined, { inspect: compositionFaults });
    const restart = await daemon.reconfigure(settings);
    log.info({ warnings, needRestart: restart }, 'settings reloaded');
    return true;
  } catch (error) {
    const problems = error instanceof ConfigError ? error.problems : [messageOf(error)];
    log.error({ problems }, 'the new settings are refused, the old ones stay');
    return false;
  }
}

/** switchyard check. Returns the exit status. */
export async function check(values: Values, io: CommandIo): Promise<number> {
  const report = await checkConfiguration(
    values['config'] as string | undefined,
    { inspect: compositionFaults },
    {
      database: checkPartition,
      readable: (path) =>
        access(path, constants.R_OK).then(
          () => true,
          () => false,
        ),
    },
  );
  const problems = [...report.problems];
  if (report.settings !== undefined) {
    // The script, and whatever else only shows when everything is put together.
    try {
      const log = Object.assign(Object.create(nullLogger), { level: 'silent' });
      const daemon = new Daemon({ settings: report.settings, log });
      if (!problems.some((problem) => problem.pointer === '/route_script')) await daemon.loadScript();
    } catch (error) {
      const pointer = error instanceof SwitchyardError && error.code === 'SCRIPT_INVALID' ? '/route_script' : '';
      const path = relative(process.cwd(), report.settings.file);
      const file = path === '' || path.startsWith('..') ? report.settings.file : path;
      problems.push({ file, pointer, reason: messageOf(error) });
    }
  }
  if (values['json'] === true) io.out(`${JSON.stringify({ problems, warnings: report.warnings }, undefined, 2)}\n`);
  else {
    if (report.warnings.length > 0) io.err(`${formatProblems(report.warnings)}\n`);
    if (problems.length > 0) io.err(`${formatProblems(problems)}\n`);
    else
      io.out(
        `ok: ${counted(report.settings?.partitions.length ?? 0, 'partition')}, ${counted(report.settings?.routing.length ?? 0, 'rule')}\n`,
      );
  }
  return problems.length === 0 ? 0 : 1;
}

/** switchyard select. Returns the exit status. */
export async function select(values: Values, positionals: readonly string[], io: CommandIo): Promise<number> {
  const settings = settingsFor(values, io);
  const file = positionals[0] ?? '-';
  if (file !== '-') await access(file, constants.R_OK).catch((error) => unreadable(file, error));
  const batch = values['batch'] === true;
  if (!batch && (values['set'] === undefined || values['alg'] === undefined)) {
    throw new SwitchyardError('USAGE', 'select needs --set and --alg, or --batch');
  }
  if (!batch) {
    const { set, alg, flags, partition } = values as Readonly<Record<string, string>>;
    const problem = parseSelectArguments({
      set: set ?? '',
      alg: alg ?? '',
      flags,
      partition,
      maxResults: values['max-res'] as string,
    });
    if (typeof problem === 'string') throw new SwitchyardError('USAGE', problem);
  }
  const input = !batch ? undefined : file === '-' ? io.stdin : createReadStream(file);
  const request = batch ? '' : file === '-' ? await textOf(io.stdin) : readFileSync(file, 'latin1');
  const daemon = new Daemon({ settings, log: createLogger('error') });
  const failures = await daemon.loadOnly();
  const session = new OfflineSelect(daemon);
  if (input !== undefined) {
    await session.batch(input, (line) => io.out(`${line}\n`));
    await daemon.stop();
    return 0;
  }
  const answer = (await session.run({
    id: null,
    request,
    partition: values['partition'],
    fn: values['fn'] ?? 'dst',
    set: values['set'],
    alg: values['alg'],
    flags: values['flags'] ?? '',
    max_res: values['max-res'] ?? null,
  })) as {
    ok?: boolean;
    error?: { message: string };
    reason?: string;
    targets?: string[];
    attrs?: string[];
    group?: number;
  };
  await daemon.stop();
  for (const [partition, reason] of failures) io.err(`partition "${partition}" could not be loaded: ${reason}\n`);
  if (values['json'] === true) io.out(`${JSON.stringify(answer)}\n`);
  else if (answer.error !== undefined) io.err(`${answer.error.message}\n`);
  else if (answer.ok !== true) io.err(`nothing selected: ${answer.reason}\n`);
  else
    (answer.targets ?? []).forEach((target, i) => {
      io.out(
        `${i + 1}. ${target}${answer.attrs?.[i] ? `  attrs ${answer.attrs[i]}` : ''}${i === 0 ? `  (set ${answer.group})` : ''}\n`,
      );
    });
  return answer.ok === true ? 0 : 1;
}

function unreadable(file: string, error: NodeJS.ErrnoException): never {
  const reason = error.code === 'ENOENT' ? 'no such file' : messageOf(error);
  throw new SwitchyardError('USAGE', `cannot read ${file}: ${reason}`, { cause: error });
}

/** switchyard db. Returns the exit status. */
export async function database(values: Values, positionals: readonly string[], io: CommandIo): Promise<number> {
  const [action, file] = positionals;
  const settings = settingsFor(values, io);
  const wanted = values['partition'] as string | undefined;
  const partitions = settings.partitions.filter((each) => wanted === undefined || each.name === wanted);
  if (partitions.length === 0) throw new SwitchyardError('PARTITION_UNKNOWN', `no partition "${wanted ?? ''}"`);
  if (action === 'init') return initAll(partitions, io);
  if (action === 'show') return showAll(partitions, settings.dispatcher, values['json'] === true, io);
  if (action !== 'import') throw new SwitchyardError('USAGE', `db knows init, show and import, not "${action ?? ''}"`);
  const [only] = partitions;
  if (file === undefined || only === undefined || partitions.length > 1) {
    throw new SwitchyardError('USAGE', 'db import needs --partition P and a FILE');
  }
  if (values['if-empty'] === true) {
    const { rows, discarded } = await showPartition(only, settings.dispatcher);
    if (rows.length + discarded.length > 0) {
      io.out(`partition ${only.name}: has ${rows.length + discarded.length} rows already, nothing added\n`);
      return 0;
    }
  }
  const count = await importRows(only, file, values['replace'] === true, (problem) => io.err(`${problem}\n`));
  io.out(
    `partition ${only.name}: ${count} rows ${values['replace'] === true ? 'in place of those it had' : 'added'}\n`,
  );
  return 0;
}

/** "1 partition", "2 partitions" */
function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

async function initAll(partitions: readonly PartitionConfig[], io: CommandIo): Promise<number> {
  let status = 0;
  for (const partition of partitions) {
    try {
      const { tableCreated, versionAdded, version } = await initPartition(partition);
      const made = [tableCreated ? 'table' : '', versionAdded ? 'version row' : ''].filter((each) => each !== '');
      const what = made.length === 0 ? 'was there already' : `made its ${made.join(' and ')}`;
      io.out(`partition ${partition.name}: ${partition.tableName} version ${version}, ${what}\n`);
    } catch (error) {
      io.err(`partition ${partition.name}: ${messageOf(error)}\n`);
      status = 1;
    }
  }
  return status;
}

async function showAll(
  partitions: readonly PartitionConfig[],
  dispatcher: DispatcherConfig,
  json: boolean,
  io: CommandIo,
): Promise<number> {
  let status = 0;
  for (const partition of partitions) {
    try {
      const { rows, discarded } = await showPartition(partition, dispatcher);
      for (const row of rows) {
        const { setId, uri, state, weight, priority, attrs, weightFeed } = row;
        // The password in it is nobody's business.
        const feed = weightFeed === undefined ? {} : { weightFeed: parseFreeswitchUrl(weightFeed).display };
        if (json) io.out(`${JSON.stringify({ partition: partition.name, ...row, ...feed })}\n`);
        else
          io.out(`${partition.name}\t${setId}\t${uri}\t${state}\tweight ${weight}\tpriority ${priority}\t${attrs}\n`);
      }
      for (const { row, reason } of discarded) io.err(`partition ${partition.name}: ${row}: ${reason}\n`);
    } catch (error) {
      io.err(`partition ${partition.name}: ${messageOf(error)}\n`);
      status = 1;
    }
  }
  return status;
}

/** switchyard watch: prints events until `signal` aborts. `mi` calls a management command of the daemon watched. */
export async function watch(
  values: Values,
  io: CommandIo,
  signal: AbortSignal,
  mi: (target: string, method: string, params: Record<string, string | number>) => Promise<unknown>,
): Promise<number> {
  const print = (event: WatchedEvent, raw: string): void =>
    io.out(values['json'] === true ? `${raw}\n` : `${renderEvent(event)}\n`);
  const to = values['to'] as string | undefined;
  if (to !== undefined) return watchDatagrams(to, print, signal, mi);
  const url = values['nats'] as string | undefined;
  const settings = url === undefined ? settingsFor(values, io).events.nats : plainNats(url);
  if (settings === undefined) {
    throw new SwitchyardError('USAGE', 'no NATS server is configured: give --nats URL or --to TARGET');
  }
  const partition = values['partition'] as string | undefined;
  const options = {
    clock: systemClock,
    log: createLogger('warn'),
    signal,
    ...(partition === undefined ? {} : { partition }),
  };
  for await (const event of watchNats(settings, options)) print(event, JSON.stringify(event));
  return 0;
}

async function watchDatagrams(
  target: string,
  print: (event: WatchedEvent, raw: string) => void,
  signal: AbortSignal,
  mi: (target: string, method: string, params: Record<string, string | number>) => Promise<unknown>,
): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  socket.on('message', (data) => {
    const raw = data.toString('utf8');
    const event = parseEvent(raw);
    if (event !== undefined) print(event, raw);
  });
  const place = `udp:127.0.0.1:${socket.address().port}`;
  const subscribe = (expire: number) =>
    mi(target, 'event_subscribe', { event: 'E_DISPATCHER_STATUS', socket: place, expire });
  try {
    await subscribe(120);
    const renew = setInterval(() => void subscribe(120).catch(() => {}), 60_000);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    clearInterval(renew);
    await subscribe(0).catch(() => {});
  } finally {
    socket.close();
  }
  return 0;
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('latin1');
}
