import type { RouteKind } from '../../cfg/ast.js';
import { parseUri } from '../../core/uri.js';
import type { MessageRun } from '../../script/call.js';
import type { ListEntry } from '../../script/gateway-rows.js';
import {
  type Arg,
  type FunctionSpec,
  intOf,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from '../define.js';
import { type AttributeTargets, assign, lastGateway, matchRule, routeByRules, routeTo, useNext } from './attempts.js';
import { type Gateway, gatewayAt, routingOf } from './gateways.js';
import { kamailioRouting } from './kamailio.js';

const SENDING: readonly RouteKind[] = ['request', 'failure', 'local'];
const PARTITION = optional('partition', 'string');

/** A group argument; in files of 2.x it may be "", for the caller's group. */
function groupOf(arg: Arg | undefined, run: MessageRun): number | undefined {
  return arg === undefined || arg.text.trim() === '' ? undefined : arg.int(run);
}

function targets(rule: Arg | undefined, gateway: Arg | undefined, carrier: Arg | undefined): AttributeTargets {
  return { rule: rule?.variable, gateway: gateway?.variable, carrier: carrier?.variable };
}

/** Writes what the flags s, p, i and c ask for when a gateway was found; returns the function's code. */
function answered(run: MessageRun, gateway: Gateway | undefined, flags: string, attributes: Arg | undefined): number {
  if (gateway === undefined) return -1;
  const routing = routingOf(run);
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
  assign(run, routing.settings.targets.gatewayAttributes, row.attributes);
  return 1;
}

/** Parses "gw1,gw2". */
function gatewaysIn(text: string): ListEntry[] {
  return text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
    .map((id) => ({ id, carrier: false, weight: 0, section: 0 }));
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
    compile: ([of, flags, whitelist, rule, gateway, carrier]) => {
      const wanted = targets(rule, gateway, carrier);
      return (run) => {
        const wish = { group: groupOf(of, run), flags: textOf(flags, run), whitelist: textOf(whitelist, run) };
        return routeByRules(run, wish, wanted);
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
      routes: SENDING,
      summary: 'sets the request-URI to the next gateway',
      compile: ([rule, gateway, carrier]) => {
        const wanted = targets(rule, gateway, carrier);
        return (run) => useNext(run, wanted);
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
    routes: SENDING,
    summary: 'sets the request-URI to the first gateway of a carrier',
    compile: ([carrier, gateway, attributes]) => {
      const wanted = targets(undefined, gateway, attributes);
      return (run) => routeTo(run, [{ id: textOf(carrier, run), carrier: true, weight: 0, section: 0 }], wanted);
    },
  },
  {
    name: 'route_to_gw',
    parameters: [param('gateways', 'string'), optional('gateway attributes', 'writable'), PARTITION],
    routes: SENDING,
    summary: 'sets the request-URI to the first usable gateway of a list',
    compile: ([gateways, attributes]) => {
      const wanted = targets(undefined, attributes, undefined);
      return (run) => routeTo(run, gatewaysIn(textOf(gateways, run)), wanted);
    },
  },
  {
    name: 'is_from_gw',
    parameters: [
      optional('type', 'int'),
      optional('flags', 'string'),
      optional('gateway attributes', 'writable'),
      PARTITION,
    ],
    routes: ['request', 'failure', 'onreply'],
    summary: 'whether the source is a gateway; s, p, i, n and c as documented',
    compile:
      ([type, flags, attributes]) =>
      (run) => {
        const letters = textOf(flags, run);
        const { address, port } = run.source;
        const found = routingOf(run).at(address, letters.includes('n') ? 0 : port, intOf(type, run, 0));
        return answered(run, found, letters, attributes);
      },
  },
  {
    name: 'goes_to_gw',
    parameters: [
      optional('type', 'int'),
      optional('flags', 'string'),
      optional('gateway attributes', 'writable'),
      PARTITION,
    ],
    routes: ['request', 'failure', 'branch', 'local'],
    summary: 'whether $du, or else the request-URI, belongs to a gateway',
    compile:
      ([type, flags, attributes]) =>
      (run) => {
        const letters = textOf(flags, run);
        const uri = run.pvars.destinationUri ?? run.call.requestUri;
        return answered(run, gatewayAt(run, uri, intOf(type, run, 0), letters.includes('n')), letters, attributes);
      },
  },
  {
    name: 'dr_is_gw',
    parameters: [
      param('uri', 'string'),
      optional('type', 'int'),
      optional('flags', 'string'),
      optional('gateway attributes', 'writable'),
      PARTITION,
    ],
    summary: 'whether a URI belongs to a gateway',
    compile:
      ([uri, type, flags, attributes]) =>
      (run) => {
        const letters = textOf(flags, run);
        const found = gatewayAt(run, textOf(uri, run), intOf(type, run, 0), letters.includes('n'));
        return answered(run, found, letters, attributes);
      },
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
      ([group, flags, number, attributes]) =>
      (run) =>
        matchRule(run, groupOf(group, run), textOf(flags, run), textOf(number, run), attributes?.variable),
  },
  {
    name: 'dr_disable',
    parameters: [PARTITION],
    routes: ['request', 'failure'],
    summary: 'disables the last used gateway until it answers a probe',
    compile: () => (run) => {
      const last = lastGateway(run);
      if (last === undefined) return -1;
      routingOf(run).disable(run.env, last);
      return 1;
    },
  },
];

/** The functions of drouting. */
export const droutingFunctions: ScriptFunction[] = moduleFunctions('drouting', [
  ...functions.map((each) => ({ ...each, dialects: OPENSIPS })),
  ...kamailioRouting,
]);
