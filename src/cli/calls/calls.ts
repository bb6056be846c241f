import { setTimeout as sleep } from 'node:timers/promises';
import type { CallEntry } from '../../calls/call-entry-types.js';
import { renderCall } from '../../calls/call-text.js';
import { interrupted } from '../line/interrupted.js';
import type { CommandIo } from '../line/io.js';
import { callMi } from '../mi/client.js';
import { endpointFor } from '../mi/mi.js';

/** Options of "calls". */
export interface CallsOptions {
  readonly config?: string | undefined;
  readonly to?: string | undefined;
  readonly partition?: string | undefined;
  readonly set?: number | undefined;
  readonly destination?: string | undefined;
  readonly code?: string | undefined;
  readonly from?: string | undefined;
  readonly 'to-uri'?: string | undefined;
  readonly 'call-id'?: string | undefined;
  readonly source?: string | undefined;
  readonly method?: string | undefined;
  readonly limit?: number | undefined;
  readonly follow?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** Milliseconds between two requests of --follow. */
const ASK_EVERY = 500;
/** Records in one request of --follow, since an answer must fit into a datagram. */
const RECORDS_PER_REQUEST = 50;

/** switchyard calls. Returns the exit status. Throws MiCallError, SwitchyardError. */
export async function calls(options: CallsOptions, io: CommandIo, signal = interrupted()): Promise<number> {
  const { target, replyDir } = await endpointFor(options);
  const ask = async (more: Record<string, number>): Promise<{ newest: number; Calls: readonly CallEntry[] }> => {
    const params = { ...filterOf(options), ...more };
    const answer = await callMi(target, 'calls_list', params, replyDir === undefined ? {} : { replyDir });
    return answer as unknown as { newest: number; Calls: readonly CallEntry[] };
  };
  const print = (entry: CallEntry) => io.out(options.json === true ? `${JSON.stringify(entry)}\n` : renderCall(entry));
  const first = await ask({ limit: options.limit ?? 50 });
  for (const entry of first.Calls) print(entry);
  if (options.follow !== true) {
    if (first.Calls.length === 0 && options.json !== true) io.err('no calls\n');
    return 0;
  }
  let after = first.newest;
  while (!signal.aborted) {
    const { newest, Calls } = await ask({ after, limit: RECORDS_PER_REQUEST });
    for (const entry of Calls) {
      // A call in progress is shown when it ends.
      if (entry.in_progress !== true) print(entry);
    }
    after = Calls.length < RECORDS_PER_REQUEST ? Math.max(newest, after) : (Calls[Calls.length - 1] as CallEntry).seq;
    if (Calls.length < RECORDS_PER_REQUEST) await sleep(ASK_EVERY, undefined, { signal }).catch(() => {});
  }
  return 0;
}

function filterOf(options: CallsOptions): Record<string, string | number> {
  const { partition, set, destination, code, from, source, method } = options;
  const given = { partition, set, destination, code, from, source, method };
  const all = { ...given, to: options['to-uri'], call_id: options['call-id'] };
  return Object.fromEntries(
    Object.entries(all).filter((each): each is [string, string | number] => each[1] !== undefined),
  );
}
