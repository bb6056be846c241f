import { canonicalIp } from '../core/ip-address.js';
import { Call, MessageRun } from '../script/call.js';
import type { ModuleParameters, ModuleStates, ScriptEnvironment } from '../script/environment.js';
import { NO_HOOKS, type ScriptHooks } from '../script/hooks.js';
import { raiseEvent } from '../script/raised-events.js';
import type { SipMessage } from '../sip/message.js';
import type { Source } from '../sip/transport/transport.js';
import { KAMAILIO, moduleFunctions, param, type ScriptFunction, textOf } from './define.js';
import { MAX_NODES, OwnPikeTree, type PikeLevel, type PikeNode, type PikeTree, SharedPikeTree } from './pike-tree.js';

/**
 * Sources are kept as a tree of the bytes of their addresses. A node gets children after it has counted a quarter of
 * the allowed requests. Only leaves of the last level block, so a new source may send a few requests more than `max`,
 * and a known one exactly `max`.
 */
interface PikeState {
  /** Length of a sampling unit in milliseconds. */
  readonly span: number;
  readonly max: number;
  /** Milliseconds after which a silent source is removed. */
  readonly latency: number;
  readonly tree: PikeTree;
}

/** State of pike: blocks sources that send more than the allowed requests in a sampling unit. */
export const pikeState = {
  module: 'pike',
  create(parameters: ModuleParameters, states: ModuleStates): PikeState {
    const latency = Math.max(1, parameters.int('remove_latency', 120)) * 1000;
    const density = parameters.int('reqs_density_per_unit', 30);
    const shared = states.shared?.table('pike', MAX_NODES);
    return {
      span: Math.max(1, parameters.int('sampling_time_unit', 2)) * 1000,
      // As recorded: 0 is 1, and a negative number no limit.
      max: density < 0 ? Number.MAX_SAFE_INTEGER : Math.max(1, density),
      latency,
      tree: shared === undefined ? new OwnPikeTree() : new SharedPikeTree(shared, latency),
    };
  },
  renew(before: PikeState, parameters: ModuleParameters, states: ModuleStates): PikeState {
    const after = this.create(parameters, states);
    return states.shared === undefined ? { ...after, tree: before.tree } : after;
  },
  copy: (state: PikeState): PikeState => ({ ...state, tree: state.tree.copy() }),
};

function node(unit: number, now: number, hits: number): PikeNode {
  return { hits, before: 0, unit, touched: now };
}

/** The bytes of an address; undefined for other texts. */
function bytesOf(address: string): number[] | undefined {
  const text = canonicalIp(address);
  if (text === undefined) return undefined;
  if (!text.includes(':')) return text.split('.').map(Number);
  return text.split(':').flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 255];
  });
}

/** Counts a request. Returns 1 when it is allowed, -2 for the first above the limit, -1 for the following ones. */
function pike(env: ScriptEnvironment, bytes: readonly number[], address: string): number {
  const state = env.modules.of(pikeState);
  const result = state.tree.alone(() => counted(state, bytes, env.clock.monotonic()));
  if (result === -2) {
    env.peerLog.warn({ address }, 'script: pike blocks a source');
    if (env.dialect === 'opensips') raiseEvent(env, 'E_PIKE_BLOCKED', new Map([['ip', address]]));
  }
  return result;
}

function counted({ tree, span, latency, max }: PikeState, bytes: readonly number[], now: number): number {
  const unit = Math.floor(now / span);
  tree.bound();
  let level = tree.root;
  let last: { readonly node: PikeNode; readonly level: PikeLevel; readonly byte: number } | undefined;
  let depth = 0;
  for (; depth < bytes.length; depth++) {
    const byte = bytes[depth] as number;
    const next = level.get(byte);
    if (next === undefined || now - next.touched > latency) break;
    if (next.unit !== unit) {
      next.before = next.unit === unit - 1 ? next.hits : 0;
      next.hits = 0;
      next.unit = unit;
    }
    next.touched = now;
    level.set(byte, next);
    last = { node: next, level, byte };
    if (depth < bytes.length - 1) level = level.below(byte);
  }
  if (last === undefined) {
    level.set(bytes[0] as number, node(unit, now, 1));
    return 1;
  }
  if (depth === bytes.length) {
    const result = judge(last.node, max);
    last.level.set(last.byte, last.node);
    return result;
  }
  last.node.hits++;
  last.level.set(last.byte, last.node);
  if (last.node.hits >= Math.floor(max / 4))
    level.set(bytes[depth] as number, node(unit, now, depth === bytes.length - 1 ? 0 : last.node.hits));
  return 1;
}

function judge(leaf: PikeNode, max: number): number {
  const blocked = leaf.hits >= max || leaf.before >= max;
  leaf.hits++;
  if (blocked) return -1;
  return leaf.hits < max ? 1 : -2;
}

/** Parameter check_route of OpenSIPS: the route that says which sources are not watched; '' without automatic mode. */
const automatic = {
  module: 'pike',
  create: (parameters: ModuleParameters) => parameters.text('check_route', ''),
};

/**
 * OpenSIPS' automatic mode: as documented, each received message counts unless check_route drops it, and those of a
 * blocked source are dropped.
 */
function admitted(env: ScriptEnvironment, message: SipMessage, source: Source): boolean {
  const name = env.dialect === 'opensips' ? env.modules.of(automatic) : '';
  const route = name === '' ? undefined : env.script.route('request', name);
  if (route === undefined) return true;
  // What the route changes is discarded.
  const call = new Call(env, message, source);
  const run = new MessageRun(env, 'event', call.scope, message, source, call.edits, call);
  run.routeName = name;
  // A route that waits for something cannot leave a source out.
  if (route.run(run) === 'drop') return true;
  const bytes = bytesOf(source.address);
  return bytes === undefined || pike(env, bytes, source.address) > 0;
}

/** Hooks of pike. */
export const pikeHooks: ScriptHooks<MessageRun, ScriptEnvironment> = { ...NO_HOOKS, received: [admitted] };

/** The blocked sources, up to a maximum number. */
export function blockedSources(
  { tree, max, span }: PikeState,
  now: number,
  limit: number,
): { readonly ip: string; readonly count: number }[] {
  const unit = Math.floor(now / span);
  const found: { readonly ip: string; readonly count: number }[] = [];
  for (const [bytes, each] of tree.leaves()) {
    if (found.length >= limit) break;
    const count = each.unit === unit ? Math.max(each.hits, each.before) : each.unit === unit - 1 ? each.hits : 0;
    if (count >= max && bytes.length >= 4) found.push({ ip: textOfBytes(bytes), count });
  }
  return found;
}

/** Removes a source; false when it is unknown. */
export function forgetSource({ tree }: PikeState, address: string): boolean {
  const bytes = bytesOf(address);
  return bytes !== undefined && tree.forget(bytes);
}

function textOfBytes(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups: string[] = [];
  for (let i = 0; i < bytes.length; i += 2) {
    groups.push((((bytes[i] as number) << 8) | (bytes[i + 1] ?? 0)).toString(16));
  }
  return groups.join(':');
}

/** Functions of pike. */
export const pikeFunctions: ScriptFunction[] = moduleFunctions('pike', [
  {
    name: 'pike_check_req',
    routes: ['request', 'onreply', 'event'],
    summary: 'whether a source sends too many requests',
    compile: () => (run) => {
      const { address } = run.source;
      const bytes = bytesOf(address);
      return bytes === undefined ? 1 : pike(run.env, bytes, address);
    },
  },
  {
    name: 'pike_check_ip',
    dialects: KAMAILIO,
    parameters: [param('address', 'string')],
    summary: 'whether an IPv4 address sends too many requests; -1 for other text',
    compile:
      ([address]) =>
      (run) => {
        const text = textOf(address, run);
        const bytes = text.includes(':') ? undefined : bytesOf(text);
        return bytes === undefined ? -1 : pike(run.env, bytes, text);
      },
  },
]);
