import type { CommandIo } from '../line/io.js';
import { progress } from '../line/progress.js';
import { colored } from '../line/style.js';
import { callMi, MiCallError } from '../mi/client.js';
import { endpointFor, type MiOptions } from '../mi/mi.js';

interface Answer {
  readonly changes: readonly { readonly path: string; readonly from?: string; readonly to?: string }[];
  readonly need_restart: readonly string[];
  readonly warnings: readonly string[];
}

/** Milliseconds to wait for the answer: a large configuration takes long. */
const TIMEOUT_MS = 60_000;

/** Milliseconds between two requests for the progress. */
const ASK_EVERY_MS = 500;

interface Status {
  readonly running: boolean;
  readonly step?: string;
  readonly done?: number;
  readonly total?: number;
}

type Call = (params: Record<string, number> | undefined, timeoutMs: number) => Promise<unknown>;

/** Shows the progress of the reload on a terminal until the returned function is called. */
function watched(call: Call, io: CommandIo): () => void {
  if (io.errTerminal === undefined) return () => {};
  const shown = progress(io, 'partitions', undefined);
  let isAsked = false;
  let isOver = false;
  const timer = setInterval(() => {
    if (isAsked) return;
    isAsked = true;
    call({ status: 1 }, ASK_EVERY_MS * 10).then(
      (answer) => {
        const { step, done = 0, total = 0 } = answer as Status;
        if (!isOver && step === 'load' && total > 0) shown.at(done, done / total);
        isAsked = false;
      },
      // If the daemon does not report progress, the reload continues nevertheless.
      () => clearInterval(timer),
    );
  }, ASK_EVERY_MS);
  return () => {
    isOver = true;
    clearInterval(timer);
    shown.end();
  };
}

/** switchyard reload. Returns the exit status. Throws MiCallError, SwitchyardError. */
export async function reload(
  options: MiOptions & { readonly 'dry-run'?: boolean | undefined },
  io: CommandIo,
): Promise<number> {
  const { target, replyDir } = await endpointFor(options);
  const dryRun = options['dry-run'] === true;
  const call: Call = (params, timeoutMs) =>
    callMi(target, 'config_reload', params, { timeoutMs, ...(replyDir === undefined ? {} : { replyDir }) });
  const end = watched(call, io);
  let answer: Answer;
  try {
    answer = (await call(dryRun ? { dry_run: 1 } : undefined, options.timeout ?? TIMEOUT_MS).finally(end)) as Answer;
  } catch (error) {
    if (options.json === true || !(error instanceof MiCallError) || error.data === undefined) throw error;
    io.err(`${error.data}\n${error.plain}; the old settings stay in force\n`);
    return 1;
  }
  if (options.json === true) {
    io.out(`${JSON.stringify(answer)}\n`);
    return 0;
  }
  const paint = colored(io.terminal);
  for (const { path, from, to } of answer.changes) {
    if (from !== undefined) io.out(`${paint('red', `- ${path}: ${from}`)}\n`);
    if (to !== undefined) io.out(`${paint('green', `+ ${path}: ${to}`)}\n`);
  }
  for (const warning of answer.warnings) io.err(`${paint('yellow', 'warning')}: ${warning}\n`);
  if (answer.need_restart.length > 0) io.err(`take effect only after a restart: ${answer.need_restart.join(', ')}\n`);
  const count = answer.changes.length;
  const what = count === 0 ? 'nothing differs' : `${count} ${count === 1 ? 'value differs' : 'values differ'}`;
  io.err(`${dryRun ? 'dry run' : 'reloaded'}: ${what}\n`);
  return 0;
}
