import { createReadStream, type ReadStream, readFileSync, statSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { SwitchyardError, unreadableReason } from '../../core/errors.js';
import { Daemon } from '../../daemon/daemon.js';
import { createLogger } from '../../daemon/logger.js';
import { parseSelectArguments } from '../../engine/select-arguments.js';
import type { CommandIo } from '../line/io.js';
import { progress } from '../line/progress.js';
import { standardInput } from '../line/standard-input.js';
import { OfflineSelect } from '../replay/offline-select.js';
import { settingsFor } from '../settings.js';

interface SelectOptions {
  readonly config?: string | undefined;
  readonly partition?: string | undefined;
  readonly set?: string | undefined;
  readonly alg?: string | undefined;
  readonly flags?: string | undefined;
  readonly 'max-res'?: number | undefined;
  readonly fn?: 'dst' | 'domain' | undefined;
  readonly batch?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** switchyard select. Returns the exit status. */
export async function select(options: SelectOptions, given: string | undefined, io: CommandIo): Promise<number> {
  const settings = settingsFor(options.config, io);
  const file = given ?? '-';
  if (file !== '-') await access(file, constants.R_OK).catch((error) => unreadable(file, error));
  const batch = options.batch === true;
  if (!batch && (options.set === undefined || options.alg === undefined)) {
    throw new SwitchyardError('USAGE', 'select needs --set and --alg, or --batch');
  }
  if (!batch) {
    const { set, alg, flags, partition } = options;
    const problem = parseSelectArguments({
      set: set ?? '',
      alg: alg ?? '',
      flags,
      partition,
      maxResults: options['max-res'] === undefined ? undefined : String(options['max-res']),
    });
    if (typeof problem === 'string') throw new SwitchyardError('USAGE', problem);
  }
  const input = !batch ? undefined : file === '-' ? io.stdin : createReadStream(file);
  const size = batch && file !== '-' ? statSync(file).size : undefined;
  const request = batch
    ? ''
    : file === '-'
      ? (await standardInput(io)).toString('latin1')
      : readFileSync(file, 'latin1');
  const daemon = new Daemon({ settings, log: createLogger('error'), anySocket: settings.listenByDefault === true });
  const outcomes = await daemon.loadOnly();
  const session = new OfflineSelect(daemon);
  if (input !== undefined) {
    // On a terminal, the answers would be mixed with the progress line.
    const shown = progress(io.terminal === undefined ? io : { err: io.err }, 'lines', undefined);
    let lines = 0;
    await session.batch(input, (line) => {
      io.out(`${line}\n`);
      shown.at(++lines, size === undefined ? undefined : (input as ReadStream).bytesRead / size);
    });
    shown.end();
    await daemon.stop();
    return 0;
  }
  const answer = (await session.run({
    id: null,
    request,
    partition: options.partition,
    fn: options.fn ?? 'dst',
    set: options.set,
    alg: options.alg,
    flags: options.flags ?? '',
    max_res: options['max-res'] ?? null,
  })) as {
    ok?: boolean;
    error?: { message: string };
    reason?: string;
    targets?: string[];
    attrs?: string[];
    group?: number;
  };
  await daemon.stop();
  for (const [partition, { failure }] of outcomes) {
    if (failure !== undefined) io.err(`partition "${partition}" could not be loaded: ${failure}\n`);
  }
  if (options.json === true) io.out(`${JSON.stringify(answer)}\n`);
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
  throw new SwitchyardError('USAGE', `cannot read ${file}: ${unreadableReason(error)}`, { cause: error });
}
