import { FLAG } from '../../engine/algorithms/algorithm.js';
import type { Destination } from '../../engine/destination.js';
import type { DispatchContext } from '../../engine/dispatch-context.js';
import type { Engine } from '../../engine/engine.js';
import { parseAttributes } from '../../engine/kamailio/attributes.js';
import { updateCalls } from '../../engine/kamailio/calls.js';
import { MAX_FURTHER_BRANCHES } from '../../engine/kamailio/choose.js';
import { kamailioOf } from '../../engine/kamailio/flavour.js';
import { callsAt, liveOf } from '../../engine/kamailio/live.js';
import { branchRequestUri, kamailioRequestUri } from '../../engine/kamailio/request-uri.js';
import { parseRoutes, type RoutesMode, routesMode } from '../../engine/kamailio/select-routes.js';
import type { Partition } from '../../engine/partition.js';
import { parseSelectArguments } from '../../engine/select-arguments.js';
import type { TargetLists } from '../../engine/target-lists.js';
import type { BatchMessage, BatchView } from './batch.js';
import type { SelectionLine } from './batch-line.js';

/** What a batch of Kamailio selections needs. */
export interface KamailioBatchOptions {
  readonly engine: Engine;
  /** Makes a view of a message. Throws for an invalid SIP request. */
  open(message: BatchMessage, context: DispatchContext): BatchView;
}

/** What is needed to answer a line. */
interface Work {
  readonly line: SelectionLine;
  readonly partition: Partition;
  readonly context: DispatchContext;
  readonly view: BatchView;
  readonly strict: boolean;
}

/**
 * Answers a line of `switchyard select --batch` in a partition of flavour kamailio: fn dst, domain, select or routes,
 * and load_update and load_unset for call load. With "next": n, the call proceeds to its n-th next target.
 */
export function answerKamailio(line: SelectionLine, partition: Partition, options: KamailioBatchOptions): object {
  const context = options.engine.context();
  const view = options.open(line.message, context);
  const work: Work = { line, partition, context, view, strict: partition.options.compat === 'strict' };
  if (line.second !== undefined) return fault('"then" is not available in a partition of flavour kamailio');
  switch (line.select.fn.replace(/^ds_(?:select_)?/, '')) {
    case 'dst':
      return single(work, 'dst');
    case 'domain':
      return single(work, 'domain');
    case 'select':
      return single(work, 'select');
    case 'routes':
      return routes(work);
    case 'load_update':
      return loadUpdate(work);
    case 'load_unset':
      return { ok: true, ended: kamailioOf(partition)?.calls.endByCallId(view.callId) ?? false };
    default:
      return fault(
        `fn "${line.select.fn}" is unknown: expected dst, domain, select, routes, load_update or load_unset`,
      );
  }
}

function single(work: Work, fn: 'dst' | 'domain' | 'select'): object {
  const { line, partition, context, view, strict } = work;
  const args = parseSelectArguments({ ...line.select, partition: undefined });
  if (typeof args === 'string') return fault(args);
  if (context.select(partition, args.targets, view) === 'failed') return refused(work);
  const lists = context.of(partition) as TargetLists;
  const first = lists.current as Destination;
  const listed = lists.listed();
  // In a strict partition the list may begin with a destination other than the one that was set.
  const kept = listed.length > 0 ? [first, ...listed.slice(1)] : [first];
  const targets = fn === 'select' ? (lists.branches === undefined ? listed : []) : kept;
  let ruris: string[] | undefined;
  if (fn !== 'dst') {
    if (fn === 'domain' && kamailioRequestUri(view.requestUri, first, strict) === undefined) {
      lists.call?.end();
      return { ok: false, reason: `request-uri "${view.requestUri}" cannot be rewritten` };
    }
    ruris = walk(fn === 'domain' ? kept : [undefined, ...targets.slice(1)], view.requestUri, strict);
  }
  const branches =
    lists.branches === undefined
      ? undefined
      : (fn === 'select' ? [first] : []).concat(lists.branches).slice(0, MAX_FURTHER_BRANCHES);
  advance(work, lists);
  return {
    ok: true,
    targets: targets.map(uriOf),
    ...(ruris === undefined ? {} : { ruris }),
    ...describe(targets, lists),
    ...(branches === undefined ? {} : branchesOf(work, branches, fn === 'domain')),
    ...loads(partition, args.targets[0]?.setId, args.targets[0]?.algorithm),
  };
}

function routes(work: Work): object {
  const { line, partition, context, view, strict } = work;
  const { rules, mode: given } = line.raw;
  if (typeof rules !== 'string') return fault('rules is missing');
  const mode = routesMode(typeof given === 'string' || typeof given === 'number' ? String(given) : 'd');
  if (mode === undefined) return { ok: false, reason: `mode "${String(given)}" is not one of d, r, x` };
  const flags = flagBits(line.select.flags);
  if (typeof flags === 'string') return fault(flags);
  const limit = Number(line.select.maxResults ?? 0);
  if (!Number.isInteger(limit)) return fault(`max_res "${line.select.maxResults}" is not a number`);
  const parsed = parseRoutes(rules, flags, limit);
  if (context.selectRoutes(partition, parsed, view, mode) === 'failed') {
    context.of(partition)?.call?.end();
    return parsed.problem === undefined ? refused(work) : { ok: false, reason: parsed.problem };
  }
  const lists = context.of(partition) as TargetLists;
  const first = lists.current as Destination;
  const listed = lists.listed();
  let targets = mode === 'destination' ? [first, ...listed.slice(1)] : listed;
  let ruris: string[] | undefined;
  if (mode === 'request-uri') {
    ruris = walk(listed, view.requestUri, strict);
    if (kamailioRequestUri(view.requestUri, first, strict) === undefined) {
      return { ok: false, reason: `request-uri "${view.requestUri}" cannot be rewritten` };
    }
    // In this mode, the recordings show each next target as it is in the list.
    if (strict) ruris = listed.slice(1).map(uriOf);
  } else if (mode === 'list' && strict && given === 'X') {
    // Recorded with an immediate ds_next_dst, which skips the first target of the list.
    targets = listed.slice(1);
  }
  const branches = lists.branches;
  advance(work, lists);
  return {
    ok: true,
    targets: targets.map(uriOf),
    ...(ruris === undefined ? {} : { ruris }),
    groups: listed.map((each) => each.setId),
    ...describe(targets, lists),
    ...(branches === undefined ? {} : routeBranches(work, branches, first, mode)),
  };
}

/**
 * Branches of ds_select_routes. In mode x nothing is set, so the first target of a parallel group is a branch too.
 * Targets of a later group keep the request-URI of the first target and differ in the next hop, as recorded.
 */
function routeBranches(work: Work, branches: readonly Destination[], first: Destination, mode: RoutesMode): object {
  if (mode === 'list') {
    const ofFirst = branches[0]?.setId === first.setId;
    return branchesOf(work, ofFirst ? [first, ...branches] : branches, false);
  }
  if (mode !== 'request-uri') return branchesOf(work, branches, false);
  const { view, strict } = work;
  const left = kamailioRequestUri(view.requestUri, first, strict) ?? view.requestUri;
  return {
    branches: branches.map((each) =>
      each.setId === first.setId
        ? { ruri: branchRequestUri(view.requestUri, each, strict) ?? view.requestUri, duri: null }
        : { ruri: left, duri: uriOf(each) },
    ),
  };
}

function loadUpdate({ partition, view, line }: Work): object {
  const status = Number(line.raw['status'] ?? 0);
  const calls = kamailioOf(partition)?.calls;
  if (calls !== undefined) {
    updateCalls(calls, view.callId, view.method ?? 'INVITE', Number.isInteger(status) ? status : 0);
  }
  const set = Number(line.raw['set']);
  return { ok: true, ...(Number.isInteger(set) ? loads(partition, set, 10) : {}) };
}

/**
 * The request-URIs after each rewriting; ends where one is impossible. An undefined target leaves the URI unchanged.
 */
function walk(targets: readonly (Destination | undefined)[], ruri: string, strict: boolean): string[] {
  const ruris: string[] = [];
  let current: string | undefined = ruri;
  for (const target of targets) {
    if (target !== undefined) current = kamailioRequestUri(current, target, strict);
    if (current === undefined || current === '') break;
    ruris.push(current);
  }
  return ruris;
}

/** Runs the ds_next_dst calls that the line requests. */
function advance({ line }: Work, lists: TargetLists): void {
  const next = Number(line.raw['next'] ?? 0);
  for (let i = 0; i < Math.min(next, 1000); i++) if (lists.next() === undefined) return;
}

function describe(targets: readonly Destination[], lists: TargetLists): object {
  return {
    attrs: targets.map((each) => each.row.attrs),
    sockets: targets.map((each) => each.row.socket),
    socknames: targets.map((each) => parseAttributes(each.row.attrs).sockname ?? ''),
    group: lists.group,
    count: lists.count,
  };
}

function branchesOf({ view, strict }: Work, branches: readonly Destination[], rewritten: boolean): object {
  return {
    branches: branches.map((each) => ({
      ruri: rewritten ? (branchRequestUri(view.requestUri, each, strict) ?? view.requestUri) : view.requestUri,
      duri: rewritten ? null : uriOf(each),
    })),
  };
}

/** Calls in progress at the destinations of a set, if algorithm 10 was used. */
function loads(partition: Partition, setId: number | undefined, algorithm: number | undefined): object {
  const set = algorithm === 10 && setId !== undefined ? partition.snapshot.sets.get(setId) : undefined;
  if (set === undefined) return {};
  return { load: Object.fromEntries(set.destinations.map((each) => [uriOf(each), callsAt(liveOf(each))])) };
}

function uriOf(destination: Destination): string {
  return destination.row.uri;
}

function refused({ context }: Work): object {
  return { ok: false, reason: context.failure ?? 'failed' };
}

function fault(message: string): object {
  return { error: { message } };
}

function flagBits(flags: string | number | undefined): number | string {
  let bits = 0;
  for (const letter of String(flags ?? '').toLowerCase()) {
    if (letter === 'f') bits |= FLAG.failover;
    else if (letter === 'u') bits |= FLAG.userOnly;
    else if (letter === 'd') bits |= FLAG.useDefault;
    else if (letter !== ' ') return `flag "${letter}" is not known: f, u or d`;
  }
  return bits;
}
