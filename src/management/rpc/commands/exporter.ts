import type { Statistic, StatisticsSource } from '../../mi/dependencies.js';
import type { RpcCommand } from '../command.js';
import { type RpcMember, struct, valuesResult } from '../value.js';
import type { ShownSocket } from './core.js';

const CLASSES = ['6xx', '5xx', '4xx', '3xx', '2xx'] as const;

/** Memory of the process in bytes. */
export interface MemoryFigures {
  readonly total: number;
  readonly used: number;
}

/**
 * What exporters ask for besides: tm.stats, sl.stats, core.shmmem, core.tcp_info. Members of the original that are not counted
 * here are left out; memory is that of the process, since none is shared among several.
 */
export function exporterCommands(
  statistics: StatisticsSource,
  memory: () => MemoryFigures,
  limits: { readonly maxConnections: number },
  sockets: () => readonly ShownSocket[],
): readonly RpcCommand[] {
  const needs = { role: 'viewer', wholeProcess: true } as const;
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
            ['total', total],
            ['rpl_received', value('core:rcv_replies')],
            ['rpl_sent', value('core:fwd_replies')],
            ...byClass,
            ['created', total],
            ['freed', Math.max(0, total - current)],
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
        return valuesResult(struct(['400', bad], ['4xx', bad], ['5xx', busy], ['xxx', bad + busy]));
      },
    },
    {
      name: 'core.shmmem',
      help: 'Returns shared memory info.',
      needs,
      run() {
        const { total, used } = memory();
        return valuesResult(
          struct(['total', total], ['free', Math.max(0, total - used)], ['used', used], ['real_used', used]),
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
            ['opened_connections', plain + secure],
            ['opened_tls_connections', secure],
          ),
        );
      },
    },
  ];
}
