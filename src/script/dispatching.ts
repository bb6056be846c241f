import type { HealthState } from '../engine/destination.js';
import { branchTargets } from '../engine/kamailio/branches.js';
import { kamailioOf } from '../engine/kamailio/flavour.js';
import { parseRoutes, type RoutesMode, routesMode } from '../engine/kamailio/select-routes.js';
import { markBits } from '../engine/kamailio/states.js';
import type { Partition } from '../engine/partition.js';
import { parseSelectArguments } from '../engine/select-arguments.js';
import type { SelectTarget } from '../engine/selection.js';
import type { PvarScope } from '../pvar/context.js';
import { RequestScope } from '../route/request-scope.js';
import { sendingSocket } from '../route/sending-socket.js';
import type { Call } from './call.js';
import { MOST_BRANCHES } from './request-branches.js';

/** Where a selection is written: $du, the request-URI, or only the list. */
export type Target = 'dst' | 'domain' | 'list';

/** A request as the engine looks at it: the variables are those of the script. */
class CallScope extends RequestScope {
  constructor(private readonly call: Call) {
    super(call.message, call.source, call.requestUri, call.env.formats);
  }

  override get pvars(): PvarScope {
    return this.call.scope;
  }
}

/** Puts the destination in use of a partition into $du or the request-URI. False when there is none or it cannot be written. */
function use(call: Call, partition: Partition, target: 'dst' | 'domain'): boolean {
  const { dispatch, env, scope } = call;
  const destination = dispatch.current(partition);
  if (destination === undefined) return false;
  registerAvps(call, partition);
  if (target === 'dst') {
    scope.destinationUri = destination.dialUri;
    scope.changed = true;
  } else {
    const uri = dispatch.rewriteRequestUri(partition, call.requestUri);
    if (uri !== undefined) scope.setRequestUri(uri);
    // As recorded, a destination with a user part leaves a request-URI that nothing can be read from.
    else if (kamailioOf(partition)?.strict === true) scope.setRequestUri(BROKEN);
    else return false;
  }
  if (kamailioOf(partition) === undefined) {
    const socket = dispatch.of(partition)?.socket ?? '';
    if (socket !== '') call.sendSocket = env.socket(socket);
  } else {
    const socket = sendingSocket(destination, partition.flavour, env.sockets);
    if (socket !== undefined) call.sendSocket = socket;
  }
  return true;
}

/** A request-URI without parts. */
const BROKEN = 'sip:@@';

/** The AVPs of a partition show its lists from the first access on. */
function registerAvps(call: Call, partition: Partition): void {
  const { registered, scope } = call;
  if (registered.at(-1) === partition) return;
  const fresh = !registered.includes(partition);
  call.registered = [...registered.filter((each) => each !== partition), partition];
  const { avps } = scope;
  const used = call.dispatch.current(partition) !== undefined;
  for (const avp of call.dispatch.open(partition).avps()) {
    const before = fresh && !used ? avps.all(avp.name) : [];
    avps.registerVirtual(avp.name, avp);
    if (before.length > 0) avp.set(before);
  }
}

/** Adds parallel targets as branches; false when not all fit. */
function addParallel(call: Call, partition: Partition, target: Target): boolean {
  const lists = call.dispatch.of(partition);
  if (lists?.branches === undefined || lists.current === undefined) return true;
  const { requestUri } = call;
  const ofFirst = lists.branches[0]?.setId === lists.current.setId || lists.branches.length === 0;
  const all = target === 'list' && ofFirst ? [lists.current, ...lists.branches] : lists.branches;
  let fit = true;
  for (const each of branchTargets(lists, requestUri, target === 'domain' ? 'domain' : 'dst', all)) {
    if (call.branches.length >= MOST_BRANCHES - 1) {
      fit = false;
      break;
    }
    call.branches.push({
      uri: each.requestUri ?? requestUri,
      destinationUri: each.byNextHop ? each.destination.dialUri : undefined,
      q: '',
      path: '',
      flags: call.branchFlags,
      socket: sendingSocket(each.destination, partition.flavour, call.env.sockets)?.description,
    });
  }
  return fit;
}

/** Writes what was selected to its target. 1, 2 when there were too many branches, -1. */
function selected(call: Call, partition: Partition, target: Target, good: boolean): number {
  const { tally } = call.env;
  if (!good) {
    tally.failed(partition.name);
    return -1;
  }
  tally.selected(partition.name);
  if (target === 'list') registerAvps(call, partition);
  else if (!use(call, partition, target)) {
    call.dispatch.of(partition)?.call?.end();
    return -1;
  }
  return addParallel(call, partition, target) ? 1 : 2;
}

/** ds_select_dst, ds_select_domain and ds_select of Kamailio. */
export function selectKamailio(
  call: Call,
  partition: Partition,
  target: Target,
  setId: number,
  algorithm: number,
  limit: number,
): number {
  const { env, scope } = call;
  if (kamailioOf(partition) === undefined) return -1;
  if (target === 'dst' && env.forceDst === false && scope.destinationUri !== undefined) return -1;
  const wanted: SelectTarget = {
    setId,
    algorithm,
    flags: 0,
    maxResults: limit > 0 ? limit : Number.POSITIVE_INFINITY,
  };
  const found = call.dispatch.selectOne(partition, wanted, new CallScope(call)) !== undefined;
  return selected(call, partition, target, found);
}

/** What ds_select_dst and ds_select_domain of OpenSIPS are given, as text. */
export interface SelectTexts {
  readonly set: string;
  readonly alg: string;
  readonly flags: string | undefined;
  readonly partition: string | undefined;
  readonly maxResults: string | undefined;
  readonly dialect: 'today';
}

/** ds_select_dst and ds_select_domain of OpenSIPS. A text says why the arguments are refused. */
export function selectOpensips(call: Call, target: 'dst' | 'domain', texts: SelectTexts): number | string {
  const given = parseSelectArguments(texts);
  if (typeof given === 'string') return given;
  const partition = call.env.engine.partition(given.partition);
  if (partition === undefined) return `no partition "${given.partition}"`;
  const isSet = target === 'dst' && call.scope.destinationUri !== undefined;
  const verdict = call.dispatch.select(partition, given.targets, new CallScope(call), isSet);
  return verdict === 'kept' ? 1 : selected(call, partition, target, verdict === 'selected');
}

const ROUTE_TARGETS: Readonly<Record<RoutesMode, Target>> = {
  destination: 'dst',
  'request-uri': 'domain',
  list: 'list',
};

/** ds_select_routes of Kamailio. */
export function selectRoutes(call: Call, partition: Partition, rules: string, mode: string, limit: number): number {
  const way = routesMode(mode);
  if (way === undefined) return -1;
  const routes = parseRoutes(rules, 0, limit);
  const { problem } = routes;
  const usable =
    problem === undefined || partition.options.compat === 'strict' ? { ...routes, problem: undefined } : routes;
  const { env, scope } = call;
  if (way === 'destination' && env.forceDst === false && scope.destinationUri !== undefined) return -1;
  const verdict = call.dispatch.selectRoutes(partition, usable, new CallScope(call), way);
  const code = selected(call, partition, ROUTE_TARGETS[way], verdict === 'selected');
  return problem === undefined ? code : -1;
}

/** ds_next_dst, ds_next_domain. */
export function selectNext(call: Call, partition: Partition, target: 'dst' | 'domain'): number {
  registerAvps(call, partition);
  return call.dispatch.next(partition) !== undefined && use(call, partition, target) ? 1 : -1;
}

/** ds_set_dst, ds_set_domain: the destination in use once more. */
export function selectAgain(call: Call, partition: Partition, target: 'dst' | 'domain'): number {
  return call.dispatch.of(partition)?.useFirst() !== undefined && use(call, partition, target) ? 1 : -1;
}

const MARKS: Readonly<Record<string, HealthState>> = {
  i: 'inactive',
  I: 'inactive',
  '0': 'inactive',
  a: 'active',
  A: 'active',
  '1': 'active',
  p: 'probing',
  P: 'probing',
  '2': 'probing',
};

/** Whether text may be a state of ds_mark_dst. */
export function isMark(text: string): boolean {
  return MARKS[text] !== undefined || /^[aidtp]{1,2}$/i.test(text);
}

/** ds_mark_dst: sets the state of the destination in use. `code`: the reply that led to it. */
export function mark(call: Call, partition: Partition, state: string, code: number | undefined): number {
  const lists = call.dispatch.of(partition);
  const kamailio = kamailioOf(partition);
  // The originals mark the first of the list, which OpenSIPS keeps with flag f only.
  const destination = partition.options.compat === 'strict' ? lists?.first : lists?.current;
  if (destination === undefined) return -1;
  const signal = { destination, kind: 'set', origin: 'script', reason: 'script function ds_mark()', code } as const;
  const { states } = call.env.engine;
  if (kamailio !== undefined) {
    const bits = markBits(state, kamailio.options);
    if (bits === undefined) return -1;
    states.apply({ ...signal, mark: { bits, how: 'update' } });
    return 1;
  }
  const to = state === '' ? 'inactive' : MARKS[state];
  if (to !== undefined) states.apply({ ...signal, to });
  return 1;
}
