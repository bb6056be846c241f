import type { RouteKind } from '../../cfg/ast.js';
import { trimmed } from '../../core/characters.js';
import { parseUri } from '../../core/uri.js';
import type { MessageRun } from '../../script/call.js';
import type { ListEntry } from '../../script/gateway-rows.js';
import {
  type Arg,
  type Args,
  type FunctionSpec,
  intOf,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from '../define.js';
import {
  type AttributeTargets,
  assign,
  lastGateway,
  listedGateways,
  matchRule,
  routeByRules,
  routeTo,
  useNext,
} from './attempts.js';
import { ANY_TYPE, type DroutingTables, type Gateway, gatewayAt } from './gateways.js';
import { kamailioRouting } from './kamailio.js';
import { oldForms } from './old-forms.js';
import { routingOf, routingState } from './partitions.js';

const SENDING: readonly RouteKind[] = ['request', 'failure', 'local'];
const PARTITION = optional('partition', 'string');
const CHOOSING: readonly RouteKind[] = ['request', 'failure', 'branch', 'local'];
const CHECKING: readonly RouteKind[] = ['request', 'failure', 'branch', 'onreply', 'local'];
/**
 * The last two parameters of functions that got a parameter before the partition in later versions: a variable that
 * need not be set, or a text.
 */
const CARRIER_OR_PARTITION = [optional('carrier attributes, or partition', 'expression'), PARTITION] as const;

/**
 * Compiles the last two arguments of a call. In files for versions without the first of them, the only one of a call
 * with partitions is the partition. Throws an Error for carrier attributes that are no variable.
 */
function lastOf(
  fourth: Arg | undefined,
  fifth: Arg | undefined,
): (run: MessageRun) => { readonly carrier: Arg | undefined; readonly partition: Arg | undefined } {
  if (fourth !== undefined && fifth !== undefined && fourth.variable === undefined)
    throw new Error('carrier attributes must be a variable');
  return (run) =>
    fifth === undefined && run.env.modules.of(routingState).partitioned
      ? { carrier: undefined, partition: fourth }
      : { carrier: fourth, partition: fifth };
}

/** A group argument; in files of 2.x it may be "", for the caller's group. */
function groupOf(arg: Arg | undefined, run: MessageRun): number | undefined {
  return arg === undefined || trimmed(arg.text) === '' ? undefined : arg.int(run);
}

/** Splits off the partition name before the first colon, in files of 2.x: "part:1", "part:gw1,gw2". */
function splitPartition(text: string): { readonly partition: string; readonly rest: string } {
  const colon = text.indexOf(':');
  return colon < 0
    ? { partition: '', rest: text }
    : { partition: trimmed(text.slice(0, colon)), rest: trimmed(text.slice(colon + 1)) };
}

/** The tables and the rest of an argument that may begin with the name of a partition. */
function named(
  run: MessageRun,
  argument: Arg | undefined,
  partition: Arg | undefined,
): { readonly tables: DroutingTables | undefined; readonly rest: string } {
  const text = textOf(argument, run);
  const { partitioned } = run.env.modules.of(routingState);
  if (!partitioned || partition !== undefined) return { tables: routingOf(run, textOf(partition, run)), rest: text };
  const { partition: name, rest } = splitPartition(text);
  return { tables: routingOf(run, name), rest };
}

/** The first gateway that `find` returns from the named partitions, and its tables. */
function gatewayIn(
  run: MessageRun,
  partition: Arg | undefined,
  find: (tables: DroutingTables) => Gateway | undefined,
): Found | undefined {
  return run.env.modules.of(routingState).first(run, textOf(partition, run), (tables): Found | undefined => {
    const gateway = find(tables);
    return gateway === undefined ? undefined : { gateway, tables };
  });
}

interface Found {
  readonly gateway: Gateway;
  readonly tables: DroutingTables;
}

function targets(rule: Arg | undefined, gateway: Arg | undefined, carrier: Arg | undefined): AttributeTargets {
  return { rule: rule?.variable, gateway: gateway?.variable, carrier: carrier?.variable };
}

/** Writes what the flags s, p, i and c request when a gateway was found; returns the function's code. */
function answered(
  run: MessageRun,
  found: Found | undefined,
  flags: string,
  attributes: Arg | undefined,
  carrier: Arg | undefined,
): number {
  if (found === undefined) return -1;
  const { gateway, tables: routing } = found;
  const { row } = gateway;
  const strips = flags.includes('s') && row.strip > 0;
  const prefixes = flags.includes('p') && row.prefix !== '';
  if (strips || prefixes) {
    const uri = parseUri(run.call.requestUri);
    if (uri !== undefined) {
      const user = (prefixes ? row.prefix : '') + uri.user.slice(strips ? row.strip : 0);
      const { requestUri } = run.call;
      const colon = requestUri.indexOf(':');
      const at = uri.user === '' ? -1 : requestUri.indexOf('@');
      const rest = requestUri.slice((at < 0 ? colon : at) + 1);
      run.pvars.setRequestUri(`${requestUri.slice(0, colon)}:${user === '' ? '' : `${user}@`}${rest}`);
    }
  }
  if (flags.includes('i')) assign(run, routing.settings.targets.gatewayId, row.id);
  if (flags.includes('c'))
    assign(run, routing.settings.targets.carrierId, routing.carrierWith(gateway)?.row.id ?? null);
  assign(run, attributes?.variable, row.attributes);
  if (carrier?.variable !== undefined)
    assign(run, carrier.variable, routing.carrierWith(gateway)?.row.attributes ?? null);
  assign(run, routing.settings.targets.gatewayAttributes, row.attributes);
  return 1;
}

/** Parameters of the functions that `gatewayTest` compiles. */
const TESTED = [
  optional('type', 'int'),
  optional('flags', 'string'),
  optional('gateway attributes', 'writable'),
  ...CARRIER_OR_PARTITION,
] as const;

/** Compiles a test for a gateway. `finder` returns what looks for it in the tables of one partition. */
function gatewayTest(
  [type, flags, attributes, fourth, fifth]: Args,
  finder: (run: MessageRun, type: number, anyPort: boolean) => (tables: DroutingTables) => Gateway | undefined,
): (run: MessageRun) => number {
  const last = lastOf(fourth, fifth);
  return (run) => {
    const { carrier, partition } = last(run);
    const letters = textOf(flags, run);
    const found = gatewayIn(run, partition, finder(run, intOf(type, run, ANY_TYPE), letters.includes('n')));
    return answered(run, found, letters, attributes, carrier);
  };
}

/** A group given as text; "" means none. */
function numberIn(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** Parses "gw1,gw2", or the same with carriers. */
function entriesIn(text: string, carrier: boolean): ListEntry[] {
  return listedGateways(text).map((id) => ({ id, carrier, weight: 0, section: 0 }));
}

/** The group is a number; in files of 2.x also "", for the caller's group. */
function doRouting(group: 'int' | 'string', until?: number): Omit<FunctionSpec, 'dialects'> {
  return {
    name: 'do_routing',
    ...(until === undefined ? {} : { until }),
    parameters: [
      optional('group', group),
      optional('flags', 'string'),
      optional('whitelist', 'string'),
      optional('rule attributes', 'writable'),
      optional('gateway attributes', 'writable'),
      optional('carrier attributes', 'writable'),
      PARTITION,
    ],
    routes: SENDING,
    summary:
      'the request-URI becomes the first gateway of the rule with the longest prefix of the number; F, L, W and C as documented',
    compile: ([of, flags, whitelist, rule, gateway, carrier, partition]) => {
      const wanted = targets(rule, gateway, carrier);
      return (run) => {
        const { tables, rest } = named(run, group === 'string' ? of : undefined, partition);
        if (tables === undefined) return -1;
        const inPartition = group === 'string' && run.env.modules.of(routingState).partitioned;
        const wish = {
          group: inPartition ? numberIn(rest) : groupOf(of, run),
          flags: textOf(flags, run),
          whitelist: textOf(whitelist, run),
        };
        return routeByRules(run, tables, wish, wanted);
      };
    },
  };
}

const functions: readonly Omit<FunctionSpec, 'dialects'>[] = [
  doRouting('string', 2),
  doRouting('int'),
  ...['use_next_gw', 'next_routing'].map(
    (name): Omit<FunctionSpec, 'dialects'> => ({
      name,
      parameters: [
        optional('rule attributes', 'writable'),
        optional('gateway attributes', 'writable'),
        optional('carrier attributes', 'writable'),
        PARTITION,
      ],
      routes: CHOOSING,
      summary: 'sets the request-URI to the next gateway',
      compile: ([rule, gateway, carrier, partition]) => {
        const wanted = targets(rule, gateway, carrier);
        return (run) => {
          const tables = routingOf(run, textOf(partition, run));
          return tables === undefined ? -1 : useNext(run, tables, wanted);
        };
      },
    }),
  ),
  {
    name: 'route_to_carrier',
    parameters: [
      param('carrier', 'string'),
      optional('gateway attributes', 'writable'),
      optional('carrier attributes', 'writable'),
      PARTITION,
    ],
    summary: 'sets the request-URI to the first gateway of a carrier, or of several carriers',
    compile: ([carrier, gateway, attributes, partition]) => {
      const wanted = targets(undefined, gateway, attributes);
      return (run) => {
        const { tables, rest } = named(run, carrier, partition);
        return tables === undefined ? -1 : routeTo(run, tables, entriesIn(rest, true), wanted);
      };
    },
  },
  {
    name: 'route_to_gw',
    parameters: [param('gateways', 'string'), optional('gateway attributes', 'writable'), ...CARRIER_OR_PARTITION],
    summary: 'sets the request-URI to the first usable gateway of a list',
    compile: ([gateways, attributes, fourth, fifth]) => {
      const last = lastOf(fourth, fifth);
      return (run) => {
        const { carrier, partition } = last(run);
        const { tables, rest } = named(run, gateways, partition);
        if (tables === undefined) return -1;
        const result = routeTo(run, tables, entriesIn(rest, false), targets(undefined, attributes, undefined));
        const used = result > 0 ? lastGateway(run, tables) : undefined;
        // As documented, those of the first carrier that has the gateway.
        if (used !== undefined && carrier?.variable !== undefined)
          assign(run, carrier.variable, tables.carrierWith(used)?.row.attributes ?? null);
        return result;
      };
    },
  },
  {
    name: 'is_from_gw',
    parameters: TESTED,
    routes: ['request', 'failure', 'branch', 'onreply'],
    summary: 'whether the source is a gateway; s, p, i, n and c as documented',
    compile: (args) =>
      gatewayTest(
        args,
        ({ source: { address, port } }, type, anyPort) =>
          (tables) =>
            tables.at(address, anyPort ? 0 : port, type),
      ),
  },
  {
    name: 'goes_to_gw',
    parameters: TESTED,
    routes: CHECKING,
    summary: 'whether $du, or else the request-URI, belongs to a gateway',
    compile: (args) =>
      gatewayTest(args, (run, type, anyPort) => {
        const uri = run.pvars.destinationUri ?? run.call.requestUri;
        return (tables) => gatewayAt(tables, uri, type, anyPort);
      }),
  },
  {
    name: 'dr_is_gw',
    parameters: [param('uri', 'string'), ...TESTED],
    summary: 'whether a URI belongs to a gateway',
    compile: ([uri, ...args]) =>
      gatewayTest(args, (run, type, anyPort) => {
        const text = textOf(uri, run);
        return (tables) => gatewayAt(tables, text, type, anyPort);
      }),
  },
  {
    name: 'dr_match',
    parameters: [
      optional('group', 'int'),
      optional('flags', 'string'),
      param('number', 'string'),
      optional('rule attributes', 'writable'),
      PARTITION,
    ],
    summary: 'whether a rule of a group fits a number',
    compile:
      ([group, flags, number, attributes, partition]) =>
      (run) => {
        const tables = routingOf(run, textOf(partition, run));
        if (tables === undefined) return -1;
        return matchRule(
          run,
          tables,
          groupOf(group, run),
          textOf(flags, run),
          textOf(number, run),
          attributes?.variable,
        );
      },
  },
  {
    name: 'dr_disable',
    parameters: [PARTITION],
    routes: CHECKING,
    summary: 'disables the last used gateway until it answers a probe',
    compile:
      ([partition]) =>
      (run) => {
        const tables = routingOf(run, textOf(partition, run));
        const last = tables === undefined ? undefined : lastGateway(run, tables);
        if (tables === undefined || last === undefined) return -1;
        tables.disable(run.env, last);
        return 1;
      },
  },
];

/** The functions of drouting. */
export const droutingFunctions: ScriptFunction[] = moduleFunctions('drouting', [
  ...[...oldForms(functions), ...functions].map((each) => ({ ...each, dialects: OPENSIPS })),
  ...kamailioRouting,
]);
