import { parseUri, type TransportName } from '../core/uri.js';
import { countDestinations } from '../engine/count.js';
import { findInList } from '../engine/in-list.js';
import { kamailioOf } from '../engine/kamailio/flavour.js';
import { FROM_LIST, findFromList } from '../engine/kamailio/from-list.js';
import { groupCounts, groupOverload } from '../engine/kamailio/group.js';
import { announceOverload } from '../engine/kamailio/overload.js';
import { markBits } from '../engine/kamailio/states.js';
import type { Partition } from '../engine/partition.js';
import type { PvarValue } from '../pvar/context.js';
import type { MessageRun } from '../script/call.js';
import {
  isMark,
  mark,
  selectAgain,
  selectKamailio,
  selectNext,
  selectOpensips,
  selectRoutes,
  type Target,
} from '../script/dispatching.js';
import {
  type Arg,
  type Args,
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

/** A partition by name, "" for the default one; undefined, with a log line, when there is none. */
function partitionOf(run: MessageRun, name: string): Partition | undefined {
  const found = run.env.engine.partition(name.trim());
  if (found === undefined) run.env.log.warn({ partition: name }, `script: no partition "${name}"`);
  return found;
}

/** "3" or "part:3" as a set with its partition. */
function setOf(run: MessageRun, text: string, partition = ''): { partition: Partition; setId: number } | undefined {
  const colon = text.lastIndexOf(':');
  const found = partitionOf(run, colon < 0 ? partition : text.slice(0, colon));
  const set = text.slice(colon + 1).trim();
  if (found === undefined || !/^[+-]?\d{1,10}$/.test(set)) return undefined;
  return { partition: found, setId: Number(set) };
}

const FLAGS_CHECK = (value: string | number): string | undefined =>
  /^[fFuUdDaA]*$/.test(String(value)) ? undefined : `unknown flags "${value}"`;

function opensipsSelect(name: string, target: 'dst' | 'domain'): FunctionSpec {
  return {
    name,
    dialects: OPENSIPS,
    parameters: [
      param('set', 'int'),
      param('algorithm', 'int'),
      optional('flags', 'string', { check: FLAGS_CHECK }),
      optional('partition', 'string'),
      optional('max results', 'int'),
    ],
    routes: ['request', 'failure', 'branch'],
    summary: target === 'dst' ? 'selects a destination for $du' : 'selects a destination for the request-URI',
    compile:
      ([set, alg, flags, partition, most]: Args) =>
      (run) => {
        const result = selectOpensips(run.call, target, {
          set: textOf(set, run),
          alg: textOf(alg, run),
          flags: flags === undefined ? undefined : textOf(flags, run),
          dialect: 'today',
          partition: partition === undefined ? undefined : textOf(partition, run),
          maxResults: most === undefined ? undefined : textOf(most, run),
        });
        if (typeof result === 'number') return result;
        run.env.log.warn({}, `script: ${name}(): ${result}`);
        return -1;
      },
  };
}

function kamailioSelect(name: string, target: Target): FunctionSpec {
  return {
    name,
    dialects: KAMAILIO,
    parameters: [param('set', 'string'), param('algorithm', 'string'), optional('limit', 'string')],
    routes: ['request', 'failure', 'branch', 'branch-failure', 'event'],
    summary: `selects a destination${target === 'dst' ? ' for $du' : target === 'domain' ? ' for the request-URI' : ' without using it'}`,
    compile:
      ([set, alg, limit]: Args) =>
      (run) => {
        const found = setOf(run, textOf(set, run));
        const algorithm = (alg as Arg).int(run);
        if (found === undefined || algorithm === undefined) return -1;
        return selectKamailio(run.call, found.partition, target, found.setId, algorithm, intOf(limit, run, 0));
      },
  };
}

function next(name: string, target: 'dst' | 'domain', again: boolean): FunctionSpec[] {
  const summary = again ? 'uses the destination at hand once more' : 'goes on to the next destination';
  return [
    {
      name,
      dialects: again ? KAMAILIO : OPENSIPS,
      parameters: again ? [] : [optional('partition', 'string')],
      routes: ['request', 'failure', 'branch', 'branch-failure', 'event'],
      summary,
      compile:
        ([partition]) =>
        (run) => {
          const found = partitionOf(run, textOf(partition, run));
          if (found === undefined) return -1;
          return again ? selectAgain(run.call, found, target) : selectNext(run.call, found, target);
        },
    },
    ...(again
      ? []
      : [
          {
            name,
            dialects: KAMAILIO,
            parameters: [],
            routes: ['request', 'failure', 'branch', 'branch-failure', 'event'] as const,
            summary,
            compile: () => (run: MessageRun) => {
              const found =
                run.call.registered.findLast((each) => kamailioOf(each) !== undefined) ?? partitionOf(run, '');
              return found === undefined ? -1 : selectNext(run.call, found, target);
            },
          },
        ]),
  ];
}

/** Where the message came from, or an address in a URI. */
function addressOf(
  run: MessageRun,
  uri: string | undefined,
): { ip: string; port: number; transport: string } | undefined {
  const { pvars } = run;
  if (uri === undefined) {
    return { ip: pvars.sourceAddress, port: pvars.sourcePort, transport: pvars.protocol.toLowerCase() };
  }
  const parsed = parseUri(/^[a-z]{3,4}:/i.test(uri) ? uri : `sip:${uri}`);
  if (parsed === undefined || parsed.scheme === 'tel') return undefined;
  const named = /;transport=([A-Za-z]+)/i.exec(parsed.params)?.[1]?.toLowerCase();
  const transport = named ?? (parsed.scheme === 'sips' ? 'tls' : 'udp');
  return { ip: parsed.host, port: parsed.port ?? (transport === 'tls' ? 5061 : 5060), transport };
}

function fromList(run: MessageRun, set: number | string, mode: number, uri: string | undefined): number {
  const found = setOf(run, String(set));
  const address = addressOf(run, uri);
  if (found === undefined || address === undefined) return -1;
  const { pvars } = run;
  const destination = findFromList(found.partition, {
    ...address,
    transport: address.transport as TransportName,
    socket: `${pvars.protocol.toLowerCase()}:${pvars.receivedAddress}:${pvars.receivedPort}`,
    setId: found.setId === -1 ? undefined : found.setId,
    mode,
  });
  if (destination === undefined) return -1;
  if (found.setId === -1) run.env.setidPvar?.assign(pvars, destination.setId);
  if (destination.row.attrs !== '') run.env.attrsPvar?.assign(pvars, destination.row.attrs);
  return 1;
}

function inList(run: MessageRun, [ip, port, set, partition, active, pattern]: Args): number {
  const found = partitionOf(run, textOf(partition, run));
  if (found === undefined) return -1;
  const setId = set === undefined ? undefined : intOf(set, run, -1);
  const destination = findInList(found, {
    ip: textOf(ip, run),
    port: intOf(port, run, 0),
    setId,
    activeOnly: intOf(active, run, 0) !== 0,
    pattern: pattern === undefined ? undefined : textOf(pattern, run),
  });
  if (destination === undefined) return -1;
  const { pvars } = run;
  if (setId === undefined || setId === -1) run.env.setidPvar?.assign(pvars, destination.setId);
  const { attrsAvp } = found.options;
  if (attrsAvp !== undefined) pvars.avps.set(attrsAvp, destination.row.attrs);
  return 1;
}

/** $dsg(field) after ds_dsg_fetch(). */
function groupField(
  run: MessageRun,
  partition: Partition,
  setId: number,
  uri: string | undefined,
  field: string,
): PvarValue {
  const counts = groupCounts(partition, setId);
  if (counts === undefined) return null;
  const percent = (part: number): number => (counts.count === 0 ? 0 : Math.floor((part * 100) / counts.count));
  switch (field) {
    case 'count':
      return counts.count;
    case 'active':
      return counts.active;
    case 'inactive':
      return counts.inactive;
    case 'pactive':
      return percent(counts.active);
    case 'pinactive':
      return percent(counts.inactive);
  }
  const overload = uri === undefined ? undefined : groupOverload(partition, setId, uri);
  if (overload === undefined) return null;
  const { clock } = run.env;
  const until = overload.until === 0 ? 0 : clock.now() + overload.until - clock.monotonic();
  const fields: Readonly<Record<string, number>> = {
    octime_sec: Math.floor(until / 1000),
    octime_usec: Math.floor(until % 1000) * 1000,
    ocseq: overload.seq,
    ocrate: overload.rate,
  };
  return fields[field] ?? null;
}

const kamailio: FunctionSpec[] = [
  kamailioSelect('ds_select_dst', 'dst'),
  kamailioSelect('ds_select_domain', 'domain'),
  kamailioSelect('ds_select', 'list'),
  {
    name: 'ds_select_routes',
    dialects: KAMAILIO,
    parameters: [param('rules', 'string'), param('mode', 'string'), optional('limit', 'int')],
    routes: ['request', 'failure', 'branch', 'event'],
    summary: 'selects in several sets, one after the other',
    compile:
      ([rules, mode, limit]) =>
      (run) => {
        const text = textOf(rules, run);
        const colon = text.lastIndexOf(':');
        const found = partitionOf(run, colon < 0 ? '' : text.slice(0, colon));
        if (found === undefined || kamailioOf(found) === undefined) return -1;
        return selectRoutes(run.call, found, text.slice(colon + 1), textOf(mode, run), intOf(limit, run, 0));
      },
  },
  {
    name: 'ds_mark_dst',
    dialects: KAMAILIO,
    parameters: [optional('state', 'string')],
    routes: ['request', 'failure', 'branch', 'event', 'branch-failure', 'onreply'],
    summary: 'sets the state of the destination at hand',
    compile:
      ([state]) =>
      (run) => {
        const found = run.call.registered.findLast((each) => kamailioOf(each) !== undefined) ?? partitionOf(run, '');
        return found === undefined ? -1 : mark(run.call, found, textOf(state, run), run.pvars.txCode);
      },
  },
  {
    name: 'ds_mark_addr',
    dialects: KAMAILIO,
    parameters: [param('state', 'string'), param('set', 'string'), param('uri', 'string')],
    summary: 'sets the state of a destination',
    compile:
      ([state, set, uri]) =>
      (run) => {
        const found = setOf(run, textOf(set, run));
        const kamailio = found === undefined ? undefined : kamailioOf(found.partition);
        if (found === undefined || kamailio === undefined) return -1;
        const bits = markBits(textOf(state, run), kamailio.options);
        const destination = found.partition.find(found.setId, textOf(uri, run));
        if (bits === undefined || destination === undefined) return -1;
        const reason = 'script function ds_mark_addr()';
        run.env.engine.states.apply({ destination, kind: 'set', mark: { bits, how: 'set' }, origin: 'script', reason });
        return 1;
      },
  },
  ...['ds_list_exist', 'ds_list_exists'].map(
    (name): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      parameters: [param('set', 'string')],
      summary: 'whether a set is there',
      compile:
        ([set]) =>
        (run) => {
          const found = setOf(run, textOf(set, run));
          return found === undefined ? -2 : code(found.partition.snapshot.sets.has(found.setId));
        },
    }),
  ),
  {
    name: 'ds_is_from_list',
    dialects: KAMAILIO,
    parameters: [optional('set', 'string'), optional('mode', 'string'), optional('uri', 'string')],
    summary: 'whether an address is that of a destination',
    compile:
      ([set, mode, uri]) =>
      (run) =>
        fromList(
          run,
          set === undefined ? -1 : textOf(set, run),
          intOf(mode, run, FROM_LIST.anyProtocol),
          uri === undefined ? undefined : textOf(uri, run),
        ),
  },
  {
    name: 'ds_is_active',
    dialects: KAMAILIO,
    parameters: [param('set', 'string'), optional('uri', 'string')],
    summary: 'whether a set has an active destination',
    compile:
      ([set, uri]) =>
      (run) => {
        const found = setOf(run, textOf(set, run));
        const wanted = uri === undefined ? undefined : textOf(uri, run);
        const all = found?.partition.snapshot.sets.get(found.setId)?.destinations ?? [];
        return code(
          all.some(({ row, health }) => health.state === 'active' && (wanted === undefined || row.uri === wanted)),
        );
      },
  },
  {
    name: 'ds_load_update',
    dialects: KAMAILIO,
    summary: 'counts the call by the reply that came',
    compile: () => (run) => {
      const { message } = run.call;
      if (message.method === 'BYE' || message.method === 'CANCEL') {
        for (const each of run.env.engine.partitions) kamailioOf(each)?.endCall(message.callId);
      }
      return 1;
    },
  },
  {
    name: 'ds_load_unset',
    dialects: KAMAILIO,
    summary: 'the call counts no longer',
    compile: () => (run) => {
      const { message } = run.call;
      for (const each of run.env.engine.partitions) {
        const kamailio = kamailioOf(each);
        if (kamailio === undefined) continue;
        const lists = run.call.dispatch.of(each);
        const counted = lists?.first !== undefined && lists.call !== undefined;
        if (each.options.compat === 'strict' && message.method === 'INVITE' && !counted) continue;
        kamailio.endCall(message.callId);
      }
      return 1;
    },
  },
  {
    name: 'ds_reload',
    dialects: KAMAILIO,
    summary: 'loads the destinations anew',
    compile: () => (run) => code(run.env.reload(partitionOf(run, '')?.name ?? '')),
  },
  ...['ds_dsg_fetch', 'ds_dsg_fetch_uri'].map(
    (name): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      parameters: name === 'ds_dsg_fetch' ? [param('set', 'string')] : [param('set', 'string'), param('uri', 'string')],
      summary: 'chooses the set that $dsg(...) is about',
      compile:
        ([set, uri]) =>
        (run) => {
          const found = setOf(run, textOf(set, run));
          if (found === undefined) return -1;
          const of = uri === undefined ? undefined : textOf(uri, run);
          run.pvars.groupField = (field) => groupField(run, found.partition, found.setId, of, field);
          return 1;
        },
    }),
  ),
  {
    name: 'ds_oc_set_attrs',
    dialects: KAMAILIO,
    parameters: [
      param('set', 'string'),
      param('uri', 'string'),
      param('rate', 'string'),
      param('time', 'string'),
      param('sequence', 'string'),
    ],
    summary: 'a destination asks for fewer calls',
    compile:
      ([set, uri, rate, time, seq]) =>
      (run) => {
        const found = setOf(run, textOf(set, run));
        if (found === undefined) return -1;
        const announcement = { rate: intOf(rate, run, 0), time: intOf(time, run, 0), seq: intOf(seq, run, 0) };
        return announceOverload(found.partition, found.setId, textOf(uri, run), announcement);
      },
  },
];

const opensips: FunctionSpec[] = [
  opensipsSelect('ds_select_dst', 'dst'),
  opensipsSelect('ds_select_domain', 'domain'),
  {
    name: 'ds_mark_dst',
    dialects: OPENSIPS,
    parameters: [optional('state', 'string'), optional('partition', 'string')],
    routes: ['request', 'failure'],
    summary: 'sets the state of the destination at hand',
    compile:
      ([state, partition]) =>
      (run) => {
        let [wanted, name] = [textOf(state, run), textOf(partition, run)];
        // 2.1 has them the other way round.
        if (name !== '' && isMark(name) && !isMark(wanted)) [wanted, name] = [name, wanted];
        const found = partitionOf(run, name);
        return found === undefined ? -1 : mark(run.call, found, wanted, run.pvars.txCode);
      },
  },
  {
    name: 'ds_count',
    dialects: OPENSIPS,
    parameters: [
      param('set', 'int'),
      param('filter', 'string'),
      param('result', 'writable'),
      optional('partition', 'string'),
    ],
    routes: ['request', 'failure', 'branch', 'onreply', 'local', 'timer', 'event'],
    summary: 'counts the destinations of a set in some states',
    compile:
      ([set, filter, result, partition]) =>
      (run) => {
        const found = partitionOf(run, textOf(partition, run));
        const setId = (set as Arg).int(run);
        if (found === undefined || setId === undefined) return -1;
        const count = countDestinations(found, setId, textOf(filter, run));
        if (count === undefined) return -1;
        (result as Arg).variable?.assign(run.pvars, count);
        return 1;
      },
  },
  {
    name: 'ds_is_in_list',
    dialects: OPENSIPS,
    parameters: [
      param('address', 'string'),
      param('port', 'int'),
      optional('set', 'int'),
      optional('partition', 'string'),
      optional('active only', 'int'),
      optional('pattern', 'string'),
    ],
    routes: ['request', 'failure', 'branch', 'onreply', 'local', 'event'],
    summary: 'whether an address is that of a destination',
    compile: (args) => (run) => inList(run, args),
  },
  {
    name: 'ds_push_script_attrs',
    dialects: OPENSIPS,
    parameters: [
      param('attributes', 'string'),
      param('address', 'string'),
      param('port', 'int'),
      param('set', 'int'),
      optional('partition', 'string'),
    ],
    summary: 'attaches attributes to the destinations of an address',
    compile:
      ([attrs, address, port, set, partition]) =>
      (run) => {
        const found = partitionOf(run, textOf(partition, run));
        if (found === undefined) return -1;
        const setId = intOf(set, run, -1);
        const wanted = intOf(port, run, 0);
        for (const each of found.destinationsAt(textOf(address, run).replace(/^\[(.*)\]$/, '$1'))) {
          if (setId !== -1 && each.setId !== setId) continue;
          if (wanted !== 0 && !each.resolved.some((one) => one.port === wanted)) continue;
          each.health.scriptAttrs = textOf(attrs, run);
        }
        // Also where no destination has that address, as recorded.
        return 1;
      },
  },
  {
    name: 'ds_get_script_attrs',
    dialects: OPENSIPS,
    parameters: [
      param('uri', 'string'),
      param('set', 'int'),
      optional('partition', 'string'),
      param('result', 'writable'),
    ],
    summary: 'reads the attributes a script attached',
    compile:
      ([uri, set, partition, result]) =>
      (run) => {
        const found = partitionOf(run, textOf(partition, run));
        const destination = found?.find(intOf(set, run, -1), textOf(uri, run));
        if (destination === undefined) return -1;
        (result as Arg).variable?.assign(run.pvars, destination.health.scriptAttrs ?? '');
        return 1;
      },
  },
];

export const dispatcherFunctions: ScriptFunction[] = moduleFunctions('dispatcher', [
  ...opensips,
  ...kamailio,
  ...next('ds_next_dst', 'dst', false),
  ...next('ds_next_domain', 'domain', false),
  ...next('ds_set_dst', 'dst', true),
  ...next('ds_set_domain', 'domain', true),
]);
