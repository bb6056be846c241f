import { isIP } from 'node:net';
import type { ManagementCall } from '../../../access/call.js';
import { sees } from '../../../access/rights.js';
import type { MiCommand, MiParams, MiValue } from '../command.js';
import { MiError } from '../command.js';
import type { ListedAddress, MiDependencies } from '../dependencies.js';
import { treeLine } from '../tree.js';

const PROTOCOLS = ['udp', 'tcp', 'tls', 'sctp', 'ws', 'wss'];
/** The number that 2.1 shows as the owner of the dispatcher's lists (recorded). */
const OWNER_NUMBER = '313131';

/** The commands list_blacklists, check_blacklists (blacklists:check_all) and check_blacklist. */
export function blacklistCommands(deps: MiDependencies): readonly MiCommand[] {
  const name = { name: 'name', type: 'string' } as const;
  const ip = { name: 'ip', type: 'string' } as const;
  const proto = { name: 'proto', type: 'string' } as const;
  const port = { name: 'port', type: 'int' } as const;
  const pattern = { name: 'pattern', type: 'string' } as const;
  return [
    {
      name: 'list_blacklists',
      aliases: ['blacklists:list'],
      module: 'blacklists',
      help: 'lists the black lists and their rules, or those of one list',
      needs: { role: 'viewer' },
      paramLists: [[], [name]],
      run(params, call) {
        const lists = listed(deps, params, call);
        // For a single list, only its rules.
        if (params['name'] !== undefined) return lists.flatMap(({ rules }) => rules.map(ruleJson));
        return {
          Lists: lists.map((list) => ({
            name: list.name,
            owner: 'dispatcher',
            flags: [],
            Rules: list.rules.map(ruleJson),
          })),
        };
      },
      text: (params, call) =>
        listed(deps, params, call)
          .map((list) => {
            const head = treeLine(0, 'List', list.name, [
              ['owner', OWNER_NUMBER],
              ['flags', '0'],
            ]);
            return head + list.rules.map(ruleText).join('');
          })
          .join(''),
    },
    {
      name: 'check_blacklists',
      aliases: ['blacklists:check_all', 'check_all_blacklists'],
      module: 'blacklists',
      help: 'lists the black lists that have a rule for an address: ip, or proto, ip, port',
      needs: { role: 'viewer' },
      paramLists: [[ip], [proto, ip], [proto, ip, port], [proto, ip, port, pattern]],
      run(params, call) {
        const endpoint = readEndpoint(params);
        return listed(deps, {}, call)
          .filter((list) => check(deps, call, list.name, endpoint))
          .map((list) => list.name);
      },
    },
    {
      name: 'check_blacklist',
      aliases: ['blacklists:check'],
      module: 'blacklists',
      help: 'shows the first rule of a black list for an address: name, ip, or name, proto, ip, port',
      needs: { role: 'viewer' },
      paramLists: [
        [name, ip],
        [name, proto, ip],
        [name, proto, ip, port],
        [name, proto, ip, port, pattern],
      ],
      run(params, call) {
        const endpoint = readEndpoint(params);
        const [list] = listed(deps, params, call);
        const rule = list === undefined ? undefined : check(deps, call, list.name, endpoint);
        if (rule === undefined) throw new MiError(404, 'Not Matched');
        return ruleJson(rule);
      },
    },
  ];
}

/** Newest list first, as recorded. */
function listed(
  deps: MiDependencies,
  params: MiParams,
  call: ManagementCall,
): ReturnType<MiDependencies['blacklists']['lists']> {
  const lists = [...deps.blacklists.lists(visibleTo(call))].reverse();
  if (params['name'] === undefined) return lists;
  const one = lists.filter((list) => list.name === params['name']);
  if (one.length === 0) throw new MiError(404, 'Unknown name');
  return one;
}

interface Endpoint {
  readonly ip: string;
  readonly transport: string | undefined;
  readonly port: number | undefined;
}

/** A caller limited to some partitions does not see the rules of others. */
function visibleTo({ caller }: ManagementCall): ((partition: string) => boolean) | undefined {
  return caller.partitions === undefined ? undefined : (partition) => sees(caller, partition);
}

function check(deps: MiDependencies, call: ManagementCall, list: string, { ip, transport, port }: Endpoint) {
  return deps.blacklists.check(list, ip, transport, port, visibleTo(call));
}

function readEndpoint(params: MiParams): Endpoint {
  const ip = (params['ip'] as string).replace(/^\[(.*)\]$/, '$1');
  if (isIP(ip) === 0) throw new MiError(400, 'Bad parameter value', 'ip');
  const proto = ((params['proto'] as string | undefined) ?? 'any').toLowerCase();
  if (proto !== 'any' && !PROTOCOLS.includes(proto)) throw new MiError(400, 'Bad parameter value', 'proto');
  const port = (params['port'] as number | undefined) ?? 0;
  if (port < 0 || port > 65535) throw new MiError(400, 'Bad parameter value', 'port');
  return { ip, transport: proto === 'any' ? undefined : proto, port: port === 0 ? undefined : port };
}

function mask(rule: ListedAddress): string {
  return rule.address.includes(':') ? 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' : '255.255.255.255';
}

function ruleJson(rule: ListedAddress): MiValue {
  return { flags: 0, IP: rule.address, Mask: mask(rule), Proto: rule.transport ?? 'any', Port: rule.port ?? 0 };
}

/** 2.1 shows the protocol as a number: 0 any, 1 udp, 2 tcp, ... */
function ruleText(rule: ListedAddress): string {
  const protocols = ['any', 'udp', 'tcp', 'tls', 'sctp', 'ws', 'wss'];
  return (
    treeLine(1, 'Rule', '', [['flags', '0']]) +
    treeLine(2, 'IP', rule.address) +
    treeLine(2, 'Mask', mask(rule)) +
    treeLine(2, 'Proto', String(Math.max(0, protocols.indexOf(rule.transport ?? 'any')))) +
    treeLine(2, 'Port', String(rule.port ?? 0))
  );
}
