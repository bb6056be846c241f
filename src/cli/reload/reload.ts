import type { CommandIo } from '../line/io.js';
import { colored } from '../line/style.js';
import { callMi, MiCallError } from '../mi/client.js';
import { endpointFor, type MiOptions } from '../mi/mi.js';

interface Answer {
  readonly changes: readonly { readonly path: string; readonly from?: string; readonly to?: string }[];
  readonly need_restart: readonly string[];
  readonly warnings: readonly string[];
}

/** Reading scripts and stopping stores of a large configuration takes its time. */
const TIMEOUT_MS = 60_000;

/** switchyard reload. Returns the exit status. Throws MiCallError, SwitchyardError. */
export async function reload(
  options: MiOptions & { readonly 'dry-run'?: boolean | undefined },
  io: CommandIo,
): Promise<number> {
  const { target, replyDir } = await endpointFor(options);
  const dryRun = options['dry-run'] === true;
  let answer: Answer;
  try {
    answer = (await callMi(target, 'config_reload', dryRun ? { dry_run: 1 } : undefined, {
      timeoutMs: options.timeout ?? TIMEOUT_MS,
      ...(replyDir === undefined ? {} : { replyDir }),
    })) as unknown as Answer;
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
  if (answer.need_restart.length > 0) io.err(`only a restart brings into force: ${answer.need_restart.join(', ')}\n`);
  const count = answer.changes.length;
  const what = count === 0 ? 'nothing differs' : `${count} ${count === 1 ? 'value differs' : 'values differ'}`;
  io.err(`${dryRun ? 'dry run' : 'reloaded'}: ${what}\n`);
  return 0;
}
