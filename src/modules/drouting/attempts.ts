import { trimmed } from '../../core/characters.js';
import { addrSpecOf } from '../../core/name-addr.js';
import type { Random } from '../../core/random.js';
import { parseUri } from '../../core/uri.js';
import type { PvarValue } from '../../pvar/context.js';
import type { Format } from '../../pvar/format.js';
import { MessageRun } from '../../script/call.js';
import type { ListEntry, RuleRow } from '../../script/gateway-rows.js';
import { PerCall } from '../../script/per-call.js';
import type { Carrier, DroutingTables, Gateway } from './gateways.js';

/** A gateway to try, and the carrier it belongs to. */
interface Attempt {
  readonly gateway: Gateway;
  readonly carrier: Carrier | undefined;
  readonly rule: RuleRow | undefined;
}

/** The gateways still to be tried for a call. */
interface Pending {
  readonly routing: DroutingTables;
  /** The dialled number. */
  readonly number: string;
  readonly rest: Iterator<Attempt>;
  current: Attempt | undefined;
}

/** By the tables of the gateways: a call may be routed in several partitions. */
const pending = new PerCall<Map<DroutingTables, Pending>>(() => new Map());

/** Maximum number of gateways tried for one call. */
const MAX_ATTEMPTS = 64;

/** Variables into which a script wants attributes written. */
export interface AttributeTargets {
  readonly rule: Format | undefined;
  readonly gateway: Format | undefined;
  readonly carrier: Format | undefined;
}

/** Entries in the order they are tried: as listed, or each drawn at random by its weight. */
function ordered(list: readonly ListEntry[], byWeight: boolean, random: Random): readonly ListEntry[] {
  if (!byWeight || list.length < 2) return list;
  const left = [...list];
  const chosen: ListEntry[] = [];
  while (left.length > 0) {
    const sum = left.reduce((total, { weight }) => total + weight, 0);
    let at = sum === 0 ? random.uint32() % left.length : 0;
    if (sum > 0) {
      let point = random.uint32() % sum;
      while (point >= (left[at]?.weight ?? 0)) point -= left[at++]?.weight ?? 0;
    }
    chosen.push(...left.splice(at, 1));
  }
  return chosen;
}

/**
 * The gateways of a list, with carriers replaced by their gateways. Whether a gateway is usable is checked when it is
 * its time to be tried.
 */
export function* attemptsOf(
  routing: DroutingTables,
  list: readonly ListEntry[],
  byWeight: boolean,
  random: Random,
  rule: RuleRow | undefined,
  allowed: (id: string, carrier: boolean) => boolean,
): Generator<Attempt> {
  for (const entry of ordered(list, byWeight, random)) {
    if (!entry.carrier) {
      const gateway = routing.gateway(entry.id);
      if (gateway?.usable === true && allowed(entry.id, false)) yield { gateway, carrier: undefined, rule };
      continue;
    }
    const carrier = routing.carrier(entry.id);
    if (carrier === undefined || carrier.off) continue;
    const whole = allowed(entry.id, true);
    for (const each of ordered(carrier.row.list, carrier.row.byWeight, random)) {
      const gateway = each.carrier ? undefined : routing.gateway(each.id);
      if (gateway?.usable !== true || !(whole || allowed(each.id, false))) continue;
      yield { gateway, carrier, rule };
      if (carrier.row.firstOnly) break;
    }
  }
}

/** Maximum number of names in a list that a script gives: it may be a peer's text. */
const MAX_LISTED_GATEWAYS = 1024;

/** The names in a list "gw1,gw2". */
export function listedGateways(text: string): string[] {
  return text
    .split(',', MAX_LISTED_GATEWAYS)
    .map((each) => trimmed(each))
    .filter((each) => each !== '');
}

/** A test by a list "gw1,#carrier2"; an empty list allows everything. */
function allowedIn(whitelist: string): (id: string, carrier: boolean) => boolean {
  const ids = new Set(listedGateways(whitelist));
  return ids.size === 0 ? () => true : (id, carrier) => ids.has(carrier ? `#${id}` : id);
}

/** The arguments of do_routing(). */
export interface RoutingArguments {
  readonly group: number | undefined;
  /** Flags of do_routing(): F, L, W and C. */
  readonly flags: string;
  readonly whitelist: string;
}

/** do_routing(): sends the request to the first gateway of the rule that fits its number. Returns 1 or -1. */
export function routeByRules(
  run: MessageRun,
  routing: DroutingTables,
  wish: RoutingArguments,
  targets: AttributeTargets,
): number {
  const { env, message } = run;
  const from = parseUri(addrSpecOf(message.from));
  const group = wish.group ?? routing.groupOf(from?.user ?? '', from?.host ?? '');
  if (group === undefined) return -1;
  const number = userOf(run);
  const found = routing.rules.matching(group, number, env.clock.now(), wish.flags.includes('L'));
  if (wish.flags.includes('C')) return found.next().done === true ? -1 : 1;
  const allowed = allowedIn(wish.whitelist);
  const byWeight = wish.flags.includes('W');
  function* attempts(): Generator<Attempt> {
    for (const rule of found) {
      runRuleRoute(run, rule);
      yield* attemptsOf(routing, rule.list, byWeight || rule.byWeight, env.random, rule, allowed);
      if (!wish.flags.includes('F')) return;
    }
  }
  return begin(run, routing, number, attempts(), targets);
}

/** dr_match(): whether a rule of a group fits a number. */
export function matchRule(
  run: MessageRun,
  routing: DroutingTables,
  group: number | undefined,
  flags: string,
  number: string,
  attributes: Format | undefined,
): number {
  const from = parseUri(addrSpecOf(run.message.from));
  const wanted = group ?? routing.groupOf(from?.user ?? '', from?.host ?? '');
  if (wanted === undefined) return -1;
  const found = routing.rules.matching(wanted, number, run.env.clock.now(), flags.includes('L')).next().value;
  if (found === undefined) return -1;
  assign(run, attributes, found.attributes);
  assign(run, routing.settings.targets.ruleId, found.id);
  assign(run, routing.settings.targets.rulePrefix, found.prefix);
  return 1;
}

/** route_to_carrier(), route_to_gw(). */
export function routeTo(
  run: MessageRun,
  routing: DroutingTables,
  list: readonly ListEntry[],
  targets: AttributeTargets,
): number {
  return begin(
    run,
    routing,
    userOf(run),
    attemptsOf(routing, list, false, run.env.random, undefined, () => true),
    targets,
  );
}

/** Sends the request to the first of these gateways; the others are kept for `useNext`. */
export function begin(
  run: MessageRun,
  routing: DroutingTables,
  number: string,
  rest: Iterator<Attempt>,
  targets: AttributeTargets,
): number {
  const made: Pending = { routing, number, rest: bounded(rest), current: undefined };
  pending.of(run.call).set(routing, made);
  return advance(run, made, targets);
}

function* bounded(rest: Iterator<Attempt>): Generator<Attempt> {
  for (let i = 0; i < MAX_ATTEMPTS; i++) {
    const { value, done } = rest.next();
    if (done === true) return;
    yield value;
  }
}

/** use_next_gw(). */
export function useNext(run: MessageRun, routing: DroutingTables, targets: AttributeTargets): number {
  const found = pending.known(run.call)?.get(routing);
  return found === undefined ? -1 : advance(run, found, targets);
}

/** The gateway of these tables that the call was sent to last. */
export function lastGateway(run: MessageRun, routing: DroutingTables): Gateway | undefined {
  return pending.known(run.call)?.get(routing)?.current?.gateway;
}

function advance(run: MessageRun, from: Pending, targets: AttributeTargets): number {
  const { value: attempt, done } = from.rest.next();
  if (done === true) return -1;
  from.current = attempt;
  const { gateway, carrier, rule } = attempt;
  const { row } = gateway;
  const { targets: kept } = from.routing.settings;
  run.pvars.setRequestUri(requestUri(row.uri, row.prefix + from.number.slice(row.strip)));
  if (row.socket !== '') run.call.sendFrom(row.socket);
  assign(run, kept.gatewayId, row.id);
  assign(run, kept.gatewayPrefix, row.prefix);
  assign(run, kept.gatewayAttributes, row.attributes);
  assign(run, kept.carrierId, carrier?.row.id ?? null);
  assign(run, kept.carrierAttributes, carrier?.row.attributes ?? null);
  if (rule !== undefined) {
    assign(run, kept.ruleId, rule.id);
    assign(run, kept.rulePrefix, rule.prefix);
    assign(run, kept.ruleAttributes, rule.attributes);
  }
  assign(run, targets.rule, rule?.attributes ?? null);
  assign(run, targets.gateway, row.attributes);
  assign(run, targets.carrier, carrier?.row.attributes ?? null);
  return 1;
}

/** A gateway's URI with the number as its user. */
function requestUri(gateway: string, number: string): string {
  const colon = gateway.indexOf(':');
  const at = gateway.indexOf('@');
  const rest = gateway.slice((at < 0 ? colon : at) + 1);
  return `${gateway.slice(0, colon)}:${number === '' ? '' : `${number}@`}${rest}`;
}

/** Replaces all values of the variable by one. */
export function assign(run: MessageRun, variable: Format | undefined, value: PvarValue): void {
  variable?.replace(run.pvars, value);
}

/** The dialled number: the user of the request-URI. */
export function userOf(run: MessageRun): string {
  return parseUri(run.call.requestUri)?.user ?? '';
}

/** Runs the route that a rule names; it may not send anything. */
function runRuleRoute(run: MessageRun, rule: RuleRow): void {
  if (rule.route === '' || rule.route === '0') return;
  const { env, call } = run;
  const route = env.script.route('request', rule.route);
  if (route === undefined) return;
  const inner = new MessageRun(env, run.routeKind, run.pvars, run.message, run.source, run.edits, call);
  inner.routeName = rule.route;
  void route.run(inner);
  run.pvars.run = run;
}
