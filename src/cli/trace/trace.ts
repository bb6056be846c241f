import { appendFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { renderLadders } from '../../trace/ladder.js';
import { PcapWriter, pcapHeader } from '../../trace/pcap.js';
import type { TracedMessage } from '../../trace/traced-message.js';
import { usageError } from '../line/command.js';
import { interrupted } from '../line/interrupted.js';
import type { CommandIo } from '../line/io.js';
import { callMi } from '../mi/client.js';
import { endpointFor } from '../mi/mi.js';

/** Options of "trace". */
export interface TraceOptions {
  readonly config?: string | undefined;
  readonly to?: string | undefined;
  readonly 'call-id'?: string | undefined;
  readonly from?: string | undefined;
  readonly 'to-uri'?: string | undefined;
  readonly source?: string | undefined;
  readonly partition?: string | undefined;
  readonly 'one-in'?: number | undefined;
  readonly seconds?: number | undefined;
  readonly calls?: number | undefined;
  readonly messages?: number | undefined;
  readonly 'no-bodies'?: boolean | undefined;
  readonly pcap?: string | undefined;
  readonly json?: boolean | undefined;
}

/** The answer of trace_get. */
interface TraceAnswer {
  readonly ended: string | null;
  readonly more: boolean;
  readonly Messages: readonly (Omit<TracedMessage, 'callId'> & { readonly call_id: string })[];
}

const ASK_EVERY = 500;

/** switchyard trace. Returns the exit status: 1 when no message came. Throws MiCallError, SwitchyardError. */
export async function trace(options: TraceOptions, io: CommandIo, signal = interrupted()): Promise<number> {
  const filters = ['call-id', 'from', 'to-uri', 'source', 'partition', 'one-in'] as const;
  if (filters.every((name) => options[name] === undefined)) {
    throw usageError(`a trace needs a filter: ${filters.map((name) => `--${name}`).join(', ')}`);
  }
  const { target, replyDir } = await endpointFor(options);
  const mi = (method: string, params: Record<string, string | number>) =>
    callMi(target, method, params, replyDir === undefined ? {} : { replyDir });
  const { pcap } = options;
  if (pcap !== undefined) writeFileSync(pcap, pcapHeader());
  const { id } = (await mi('trace_start', paramsOf(options))) as unknown as { id: number };
  const kept: TracedMessage[] = [];
  const packets = new PcapWriter();
  let count = 0;
  let after = 0;
  let ended: string | null = null;
  io.err('tracing; interrupt to end\n');
  try {
    for (;;) {
      const isLast = signal.aborted || ended !== null;
      const answer = (await mi('trace_get', { id, after })) as unknown as TraceAnswer;
      ended = answer.ended;
      for (const { call_id, ...rest } of answer.Messages) {
        const message: TracedMessage = { ...rest, callId: call_id };
        after = message.n;
        count++;
        if (pcap !== undefined) appendFileSync(pcap, packets.packet(message));
        else if (options.json === true) io.out(`${JSON.stringify(message)}\n`);
        else kept.push(message);
      }
      if (answer.more) continue;
      if (isLast) break;
      if (ended === null) await sleep(ASK_EVERY, undefined, { signal }).catch(() => {});
    }
  } finally {
    await mi('trace_stop', { id }).catch(() => {});
  }
  if (kept.length > 0) io.out(renderLadders(kept));
  const why = ended === null || ended === 'time' ? '' : `, ended by its limit on ${ended}`;
  io.err(`${count} messages${why}${pcap === undefined ? '' : ` in ${pcap}`}\n`);
  return count === 0 ? 1 : 0;
}

function paramsOf(options: TraceOptions): Record<string, string | number> {
  const { from, source, partition, seconds, calls, messages } = options;
  const all = {
    call_id: options['call-id'],
    from,
    to: options['to-uri'],
    source,
    partition,
    one_in: options['one-in'],
    seconds,
    calls,
    messages,
    bodies: options['no-bodies'] === true ? 0 : undefined,
  };
  return Object.fromEntries(
    Object.entries(all).filter((each): each is [string, string | number] => each[1] !== undefined),
  );
}
