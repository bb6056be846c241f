import type { CommandIo } from '../line/io.js';
import { callMi } from '../mi/client.js';
import { endpointFor } from '../mi/mi.js';

interface AuditOptions {
  readonly config?: string | undefined;
  readonly to?: string | undefined;
  readonly partition?: string | undefined;
  readonly user?: string | undefined;
  readonly command?: string | undefined;
  readonly result?: string | undefined;
  readonly limit?: number | undefined;
  readonly json?: boolean | undefined;
}

interface ShownRecord {
  readonly time: string;
  readonly user: string | null;
  readonly endpoint: string;
  readonly peer: string;
  readonly command: string;
  readonly params: string;
  readonly partition: string | null;
  readonly result: string;
  readonly error: string | null;
  readonly changes: readonly string[];
}

/** switchyard audit. Returns the exit status. */
export async function audit(options: AuditOptions, io: CommandIo): Promise<number> {
  const { target, replyDir } = await endpointFor(options);
  const { partition, user, command, result, limit } = options;
  const filters = Object.entries({ partition, user, command, result, limit }).filter(
    ([, value]) => value !== undefined,
  );
  const params = Object.fromEntries(filters) as Record<string, string | number>;
  const answer = await callMi(target, 'audit_list', params, replyDir === undefined ? {} : { replyDir });
  for (const record of (answer as unknown as { Records: readonly ShownRecord[] }).Records) {
    io.out(`${options.json === true ? JSON.stringify(record) : line(record)}\n`);
  }
  return 0;
}

/**
 * For example "2026-11-28T19:00:00.000Z noc http 10.0.0.1 ds_set_state acme ok: sip:a of set 5: active to inactive".
 */
function line({ time, user, endpoint, peer, command, partition, result, error, changes, params }: ShownRecord): string {
  const words = [time, user ?? '-', endpoint, peer === '' ? '-' : peer, command, partition ?? '-', result];
  const what = error ?? (changes.length > 0 ? changes.join('; ') : params);
  return `${words.join(' ')}: ${what}`;
}
