import { SwitchyardError } from '../core/errors.js';
import { addrSpecOf } from '../core/name-addr.js';
import { fnmatch } from '../engine/fnmatch.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import type { AddressRow } from '../script/tables.js';
import {
  type Arg,
  code,
  type FunctionSpec,
  intOf,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';
import { permissionFileFunctions } from './permission-files.js';

interface Wanted {
  readonly group: number;
  readonly ip: string;
  readonly port: number;
  readonly protocol: string;
  readonly text: string | undefined;
  /** The table; "default" when the file has no partitions. */
  readonly partition: string;
}

/** The first matching row of an address table; group 0 means any group. */
function findAddress(run: MessageRun, wanted: Wanted): AddressRow | undefined {
  const { group, ip, port, protocol, text, partition } = wanted;
  const lower = protocol.toLowerCase();
  return run.env.tables.addresses.first(
    partition,
    ip,
    (row) =>
      (group === 0 || row.group === 0 || row.group === group) &&
      (row.port === 0 || port === 0 || row.port === port) &&
      (row.protocol === 'any' || lower === 'any' || lower === '' || row.protocol === lower) &&
      (row.pattern === undefined || text === undefined || fnmatch(row.pattern, text)),
  );
}

function partitionOf(arg: Arg | undefined, run: MessageRun): string {
  const name = textOf(arg, run);
  return name === '' ? DEFAULT : name;
}

const DEFAULT = 'default';

function answer(run: MessageRun, row: AddressRow | undefined, context: Arg | undefined): number {
  if (row === undefined) return -1;
  context?.variable?.assign(run.pvars, row.context ?? null);
  return 1;
}

function fromSource(run: MessageRun, group: number, text?: string, partition = DEFAULT): Wanted {
  const { source } = run;
  return { group, ip: source.address, port: source.port, protocol: source.socket.transport, text, partition };
}

/**
 * Settings of Kamailio's permissions: the AVP that gets the tag of the match, and whether all trusted rows are used.
 */
export const permissionTags = {
  module: 'permissions',
  create: (parameters: ModuleParameters) => {
    const avp = parameters.avp('peer_tag_avp');
    if (avp === undefined && parameters.text('peer_tag_avp', '') !== '')
      throw new SwitchyardError('USAGE', 'peer_tag_avp must be an AVP');
    if (parameters.int('load_backends', 1) === 0)
      throw new SwitchyardError('USAGE', 'load_backends 0 leaves no table to read');
    return { avp, all: parameters.int('peer_tag_mode', 0) !== 0 };
  },
};

function tag(run: MessageRun, text: string | undefined): void {
  const { avp } = run.env.modules.of(permissionTags);
  if (avp !== undefined && text !== undefined) run.pvars.avps.push(avp, text);
}

/**
 * The row of Kamailio's address table for an address or name, in any group when none is given. As recorded, the tag of
 * a row with a name is not used in that case.
 */
function allowed(run: MessageRun, address: string, port: number, group: number | undefined): AddressRow | undefined {
  const test = (row: AddressRow): boolean =>
    (group === undefined || row.group === group) && (row.port === 0 || row.port === port);
  const { addresses } = run.env.tables;
  const numeric = addresses.first(DEFAULT, address, test);
  const row = numeric ?? addresses.named(address, test);
  if (numeric !== undefined || group !== undefined) tag(run, row?.context);
  return row;
}

/** Protocols that allow_trusted() accepts. */
const PROTOCOLS = new Set(['any', 'udp', 'tcp', 'tls', 'sctp', 'ws', 'wss']);

/** Number of matching rows of the trusted table, at most one without peer_tag_mode; -1 for none. */
function trusted(run: MessageRun, source: string, protocol: string, from: string): number {
  if (!PROTOCOLS.has(protocol)) return -1;
  const { all } = run.env.modules.of(permissionTags);
  let count = 0;
  for (const row of run.env.tables.trusted.get(source) ?? []) {
    if (row.protocol !== 'any' && protocol !== 'any' && row.protocol !== protocol) continue;
    if (row.from?.test(from) === false || row.requestUri?.test(run.message.requestUri) === false) continue;
    tag(run, row.tag);
    count++;
    if (!all) break;
  }
  return count === 0 ? -1 : count;
}

const permissions: FunctionSpec[] = [
  {
    name: 'check_address',
    dialects: OPENSIPS,
    parameters: [
      param('group', 'int'),
      param('address', 'string'),
      param('port', 'int'),
      param('protocol', 'string'),
      optional('context', 'writable'),
      optional('pattern', 'string'),
      optional('partition', 'string'),
    ],
    summary: 'whether an address is in the table',
    compile:
      ([group, ip, port, protocol, context, pattern, partition]) =>
      (run) =>
        answer(
          run,
          findAddress(run, {
            group: intOf(group, run, 0),
            ip: textOf(ip, run),
            port: intOf(port, run, 0),
            protocol: textOf(protocol, run).toLowerCase(),
            text: pattern === undefined ? undefined : textOf(pattern, run),
            partition: partitionOf(partition, run),
          }),
          context,
        ),
  },
  {
    name: 'check_source_address',
    dialects: OPENSIPS,
    parameters: [
      param('group', 'int'),
      optional('context', 'writable'),
      optional('pattern', 'string'),
      optional('partition', 'string'),
    ],
    summary: 'whether the source address is in the table',
    compile:
      ([group, context, pattern, partition]) =>
      (run) => {
        const text = pattern === undefined ? undefined : textOf(pattern, run);
        const wanted = fromSource(run, intOf(group, run, 0), text, partitionOf(partition, run));
        return answer(run, findAddress(run, wanted), context);
      },
  },
  {
    name: 'get_source_group',
    dialects: OPENSIPS,
    parameters: [param('result', 'writable'), optional('partition', 'string')],
    summary: 'the group of the source address',
    compile:
      ([result, partition]) =>
      (run) => {
        const row = findAddress(run, fromSource(run, 0, undefined, partitionOf(partition, run)));
        if (row === undefined) return -1;
        result?.variable?.assign(run.pvars, row.group);
        return 1;
      },
  },
  {
    name: 'allow_source_address',
    dialects: KAMAILIO,
    parameters: [optional('group', 'int')],
    summary: 'whether the source address is in the table',
    compile:
      ([group]) =>
      (run) =>
        code(allowed(run, run.source.address, run.source.port, intOf(group, run, 1)) !== undefined),
  },
  {
    name: 'allow_address',
    dialects: KAMAILIO,
    parameters: [param('group', 'int'), param('address', 'string'), param('port', 'int')],
    summary: 'whether an address or a name is in the table',
    compile:
      ([group, ip, port]) =>
      (run) =>
        code(allowed(run, textOf(ip, run), intOf(port, run, 0), intOf(group, run, 1)) !== undefined),
  },
  {
    name: 'allow_address_group',
    dialects: KAMAILIO,
    parameters: [param('address', 'string'), param('port', 'int')],
    summary: 'the group of an address',
    compile:
      ([ip, port]) =>
      (run) =>
        allowed(run, textOf(ip, run), intOf(port, run, 0), undefined)?.group ?? -1,
  },
  {
    name: 'allow_source_address_group',
    dialects: KAMAILIO,
    summary: 'the group of the source address',
    compile: () => (run) => allowed(run, run.source.address, run.source.port, undefined)?.group ?? -1,
  },
  {
    name: 'allow_trusted',
    dialects: KAMAILIO,
    parameters: [optional('address', 'string'), optional('protocol', 'string'), optional('uri', 'string')],
    summary: 'whether source, protocol and From URI are in the table of trusted peers',
    compile:
      ([address, protocol, uri]) =>
      (run) =>
        trusted(
          run,
          textOf(address, run, run.source.address),
          textOf(protocol, run, run.source.socket.transport).toLowerCase(),
          uri === undefined ? addrSpecOf(run.message.from) : textOf(uri, run),
        ),
  },
  ...permissionFileFunctions,
];

/** Functions of permissions. */
export const permissionsFunctions: ScriptFunction[] = moduleFunctions('permissions', permissions);
