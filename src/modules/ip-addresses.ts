import { isIPv6 } from 'node:net';
import { canonicalIp, ipFamily } from '../core/ip-address.js';
import { networkTest } from '../core/network-index.js';
import type { MessageRun } from '../script/call.js';
import type { Resolution } from '../sip/resolve.js';
import {
  type Arg,
  type Args,
  code,
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';
import { dnsQueryFunctions } from './dns-queries.js';

const bare = (text: string): string => text.replace(/^\[(.*)\]$/, '$1');

/** Networks with the names that the module has for them, the narrower first. */
const NETWORKS_4: readonly (readonly [string, string])[] = [
  ['0.0.0.0/8', 'PRIVATE'],
  ['10.0.0.0/8', 'PRIVATE'],
  ['100.64.0.0/10', 'SHARED'],
  ['127.0.0.0/8', 'LOOPBACK'],
  ['169.254.0.0/16', 'LINK-LOCAL'],
  ['172.16.0.0/12', 'PRIVATE'],
  ['192.0.0.0/24', 'RESERVED'],
  ['192.0.2.0/24', 'TEST-NET'],
  ['192.88.99.0/24', '6TO4-RELAY'],
  ['192.168.0.0/16', 'PRIVATE'],
  ['198.18.0.0/15', 'RESERVED'],
  ['198.51.100.0/24', 'TEST-NET'],
  ['203.0.113.0/24', 'TEST-NET'],
  ['224.0.0.0/4', 'MULTICAST'],
  ['255.255.255.255/32', 'BROADCAST'],
  ['240.0.0.0/4', 'RESERVED'],
];

const NETWORKS_6: readonly (readonly [RegExp, string])[] = [
  [/^0:0:0:0:0:0:0:1$/, 'LOOPBACK'],
  [/^0:0:0:0:0:0:0:0$/, 'UNSPECIFIED'],
  [/^0:0:0:0:0:ffff:/, 'IPV4MAP'],
  [/^2001:db8:/, 'DOCUMENTATION'],
  [/^2001:0:/, 'TEREDO'],
  [/^2001:1[0-9a-f]:/, 'ORCHID'],
  [/^100:0:0:0:/, 'DISCARD'],
  [/^2002:/, '6TO4'],
  [/^fe[89ab][0-9a-f]:/, 'LINK-LOCAL-UNICAST'],
  [/^f[cd][0-9a-f]{2}:/, 'UNIQUE-LOCAL-UNICAST'],
  [/^ff[0-9a-f]{2}:/, 'MULTICAST'],
  [/^[23][0-9a-f]{3}:/, 'GLOBAL-UNICAST'],
];

function typeOf(address: string): string | undefined {
  if (ipFamily(address) === 4) {
    const contains = networkTest(address);
    return NETWORKS_4.find(([network]) => contains(network))?.[1] ?? 'PUBLIC';
  }
  const groups = address.startsWith('[') ? undefined : canonicalIp(address);
  if (groups === undefined) return undefined;
  return NETWORKS_6.find(([pattern]) => pattern.test(groups))?.[1] ?? 'RESERVED';
}

function detailed(name: string, family: 0 | 4 | 6): FunctionSpec {
  return {
    name,
    dialects: KAMAILIO,
    parameters: [param('address', 'string'), param('result', 'writable')],
    summary: 'the kind of an address, by its network',
    compile:
      ([address, target]) =>
      (run) => {
        const text = bare(textOf(address, run));
        const type = family === 0 || ipFamily(text) === family ? typeOf(text) : undefined;
        if (type === undefined) return -1;
        target?.variable?.assign(run.pvars, type);
        return 1;
      },
  };
}

/** Return code of dns_sys_match_ip() and dns_int_match_ip() when the text to match is not an address, as recorded. */
const NO_ADDRESS = -3;

/** Whether the operating system's look-up of a name gives an address. */
async function systemMatch(run: MessageRun, [name, address]: Args): Promise<number> {
  if (ipFamily(textOf(address, run)) === 0) return NO_ADDRESS;
  const found = await run.env.resolver.systemAddresses(textOf(name, run), run.call.source.address);
  return code(found.includes(textOf(address, run)));
}

function resolved(run: MessageRun, [name, address]: Args): number | Promise<number> {
  const wanted = textOf(address, run);
  const host = textOf(name, run);
  if (ipFamily(wanted) === 0) return NO_ADDRESS;
  if (ipFamily(host) !== 0) return code(host === wanted);
  const uri = { scheme: 'sip', user: '', password: '', host, port: 1, portText: '1', params: '', headers: '' } as const;
  return new Promise((resolve) => {
    const done = (result: Resolution): void =>
      resolve(code(!(result instanceof Error) && result.some((each) => each.address === wanted)));
    run.env.resolver.resolve(uri, done, run.call.source.address);
  });
}

/** Functions of Kamailio's ipops, besides the simple tests. */
export const addressFunctions: ScriptFunction[] = moduleFunctions('ipops', [
  {
    name: 'ip_type',
    dialects: KAMAILIO,
    parameters: [param('address', 'string')],
    summary: '1 for IPv4, 2 for IPv6, 3 for IPv6 in brackets',
    compile:
      ([address]) =>
      (run) => {
        const text = textOf(address, run);
        if (ipFamily(text) === 4) return 1;
        if (isIPv6(text) && !text.includes('%')) return 2;
        return /^\[.*\]$/.test(text) && isIPv6(bare(text)) ? 3 : -1;
      },
  },
  ...(['compare_ips', 'compare_pure_ips'] as const).map(
    (name): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      parameters: [param('one', 'string'), param('other', 'string')],
      summary: 'whether two addresses are the same',
      compile:
        ([one, other]) =>
        (run) => {
          const [a, b] = [one, other].map((each) =>
            name === 'compare_ips' ? bare(textOf(each, run)) : textOf(each, run),
          );
          if (a === undefined || b === undefined || ipFamily(a) === 0) return -1;
          return code(isIPv6(a) && isIPv6(b) ? canonicalIp(a) === canonicalIp(b) : a === b);
        },
    }),
  ),
  ...dnsQueryFunctions,
  detailed('detailed_ip_type', 0),
  detailed('detailed_ipv4_type', 4),
  detailed('detailed_ipv6_type', 6),
  ...['dns_sys_match_ip', 'dns_int_match_ip'].map(
    (name): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      waits: true,
      parameters: [param('name', 'string'), param('address', 'string')],
      summary: 'whether a name resolves to an address',
      compile: (args: readonly (Arg | undefined)[]) => (run) =>
        name === 'dns_sys_match_ip' ? systemMatch(run, args) : resolved(run, args),
    }),
  ),
  {
    name: 'dns_set_local_ttl',
    dialects: KAMAILIO,
    parameters: [param('seconds', 'string')],
    summary: 'accepted; the resolver has its own timeouts',
    compile: () => () => 1,
  },
]);
