import type { CommandIo } from '../line/io.js';
import { progress } from '../line/progress.js';
import { callMi, MiCallError } from '../mi/client.js';
import { endpointFor, type MiOptions } from '../mi/mi.js';

/** Milliseconds to wait for the answer: a large table takes long. */
const TIMEOUT_MS = 60_000;

interface TableOptions extends MiOptions {
  readonly partition?: string | undefined;
  readonly 'dry-run'?: boolean | undefined;
}

interface Report {
  readonly name: string;
  readonly loaded: number;
  readonly added: { readonly count: number };
  readonly removed: { readonly count: number };
  readonly changed: { readonly count: number };
  readonly discarded: { readonly count: number };
}

/**
 * switchyard reload --tables. Returns the exit status: 1 when a partition could not be read. Throws SwitchyardError,
 * MiCallError.
 */
export async function reloadTables(options: TableOptions, io: CommandIo): Promise<number> {
  const { target, replyDir } = await endpointFor(options);
  const given = { timeoutMs: options.timeout ?? TIMEOUT_MS, ...(replyDir === undefined ? {} : { replyDir }) };
  const call = (method: string, params: Record<string, string | number>) => callMi(target, method, params, given);
  const names = options.partition === undefined ? await partitionsOf(call) : [options.partition];
  const shown = progress(io, 'partitions', names.length);
  const dryRun = options['dry-run'] === true;
  const reports: Report[] = [];
  let failed = 0;
  for (const [i, partition] of names.entries()) {
    try {
      const params = { partition, report: 1, ...(dryRun ? { dry_run: 1 } : {}) };
      const { PARTITIONS } = (await call('ds_reload', params)) as unknown as { PARTITIONS: readonly Report[] };
      reports.push(...PARTITIONS);
    } catch (error) {
      if (!(error instanceof MiCallError)) throw error;
      failed++;
      shown.end();
      io.err(`partition ${partition}: ${error.message}\n`);
    }
    shown.at(i + 1);
  }
  shown.end();
  for (const each of reports) io.out(options.json === true ? `${JSON.stringify(each)}\n` : line(each));
  const failures = failed === 0 ? '' : `, ${failed} could not be read and keep their destinations`;
  io.err(
    `${dryRun ? 'dry run' : 'reloaded'}: ${reports.length} ${reports.length === 1 ? 'partition' : 'partitions'}${failures}\n`,
  );
  return failed === 0 ? 0 : 1;
}

/** Names of the partitions that the caller may see. */
async function partitionsOf(
  call: (method: string, params: Record<string, string>) => Promise<unknown>,
): Promise<string[]> {
  const answer = (await call('sr_list_identifiers', { group: 'dispatcher' })) as { Identifiers: readonly string[] };
  return answer.Identifiers.filter((name) => !name.endsWith(';events'));
}

function line({ name, loaded, added, removed, changed, discarded }: Report): string {
  const counts = [
    `${loaded} loaded`,
    ...[
      ['added', added] as const,
      ['removed', removed] as const,
      ['changed', changed] as const,
      ['discarded', discarded] as const,
    ]
      .filter(([, { count }]) => count > 0)
      .map(([word, { count }]) => `${count} ${word}`),
  ];
  return `partition ${name}: ${counts.join(', ')}\n`;
}
