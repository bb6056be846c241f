import type { Statistic, StatisticsSource } from '../../mi/dependencies.js';
import type { RpcCommand } from '../command.js';
import { type RpcMember, struct, valuesResult } from '../value.js';
import type { ShownSocket } from './core.js';

/** The largest BINRPC integer: a larger number would be sent as floating point, which exporters do not accept. */
const LARGEST = 2 ** 31 - 1;

function shown({ total, used }: MemoryFigures): MemoryFigures {
  return { total: Math.min(total, LARGEST), used: Math.min(used, LARGEST) };
}

const CLASSES = ['6xx', '5xx', '4xx', '3xx', '2xx'] as const;
/** Members of sl.stats, as recorded. */
const STATELESS_REPLIES = '200 202 2xx 300 301 302 3xx 400 401 403 404 407 408 483 4xx 500 5xx 6xx xxx'.split(' ');

/** Memory of the process in bytes. */
export interface MemoryFigures {
  readonly total: number;
  readonly used: number;
}

/**
 * Other commands that exporters use: tm.stats, sl.stats, core.shmmem, core.tcp_info. They have all members of Kamailio
 * in its order, since exporters take a missing one as a failure. Those without a counterpart are 0: transactions
 * waiting to be freed, our own requests, bytes queued for streams. Memory is that of the process, since there is no
 * shared memory.
 */
export function exporterCommands(
  statistics: StatisticsSource,
  memory: () => MemoryFigures,
  limits: { readonly maxConnections: number },
  sockets: () => readonly ShownSocket[],
): readonly RpcCommand[] {
  const needs = { role: 'viewer', wholeProcess: true } as const;
  let max = 0;
  const values = (): ((name: string) => number) => {
    const all = new Map([...statistics.list()].map((each: Statistic) => [`${each.group}:${each.name}`, each.value()]));
    return (name) => all.get(name) ?? 0;
  };
  return [
    {
      name: 'tm.stats',
      help: 'Returns transaction statistics.',
      needs,
      run() {
        const value = values();
        const total = value('tm:UAS_transactions');
        const current = value('tm:inuse_transactions');
        const byClass = CLASSES.map((each): RpcMember => [each, value(`tm:${each}_transactions`)]);
        return valuesResult(
          struct(
            ['current', current],
            ['waiting', 0],
            ['total', total],
            ['total_local', 0],
            ['rpl_received', value('core:rcv_replies')],
            ['rpl_generated', Math.max(0, value('core:fwd_replies') - value('core:rcv_replies'))],
            ['rpl_sent', value('core:fwd_replies')],
            ...byClass,
            ['created', total],
            ['freed', Math.max(0, total - current)],
            ['delayed_free', 0],
          ),
        );
      },
    },
    {
      name: 'sl.stats',
      help: 'Returns statistics of stateless replies.',
      needs,
      run() {
        const value = values();
        const [bad, busy] = [value('sl:4xx_replies'), value('sl:5xx_replies')];
        const known: Readonly<Record<string, number>> = { '400': bad, '4xx': bad, '5xx': busy, xxx: bad + busy };
        return valuesResult(struct(...STATELESS_REPLIES.map((name): RpcMember => [name, known[name] ?? 0])));
      },
    },
    {
      name: 'core.shmmem',
      help: 'Returns shared memory info.',
      needs,
      run() {
        const { total, used } = shown(memory());
        max = Math.max(max, used);
        return valuesResult(
          struct(
            ['total', total],
            ['free', Math.max(0, total - used)],
            ['used', used],
            ['real_used', used],
            ['max_used', max],
            ['fragments', 0],
          ),
        );
      },
    },
    {
      name: 'core.tcp_info',
      help: 'Returns TCP related info.',
      needs,
      run() {
        const streams = sockets().filter(({ transport }) => transport !== 'udp');
        const open = (secure: boolean): number =>
          streams
            .filter(({ transport }) => (transport === 'tls' || transport === 'wss') === secure)
            .reduce((sum, { counts }) => sum + (counts === undefined ? 0 : counts.inbound + counts.outbound), 0);
        const [plain, secure] = [open(false), open(true)];
        return valuesResult(
          struct(
            ['readers', streams.length],
            ['max_connections', limits.maxConnections],
            ['max_tls_connections', limits.maxConnections],
            ['opened_connections', plain + secure],
            ['opened_tls_connections', secure],
            ['write_queued_bytes', 0],
          ),
        );
      },
    },
  ];
}
