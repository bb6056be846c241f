import { SwitchyardError } from '../core/errors.js';
import { canonicalIp } from '../core/ip-address.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import { KAMAILIO, moduleFunctions, param, type ScriptFunction, textOf } from './define.js';

/** A byte of an address in the tree, with what came from addresses that begin like this. */
interface PikeNode {
  /** Requests of the sampling unit that runs, and of the one before. */
  hits: number;
  before: number;
  /** Number of the sampling unit. */
  unit: number;
  /** Monotonic milliseconds of the last request that was counted in it. */
  touched: number;
  children: Map<number, PikeNode> | undefined;
}

/**
 * Sources are kept as a tree of the bytes of their addresses. A node gets children once it has counted a quarter of the permitted
 * requests. Addresses are blocked in the leaves of the last level only, so a new source may send a little more than `most` requests, and
 * a known one exactly that many.
 */
interface PikeState {
  /** Milliseconds of a sampling unit. */
  readonly span: number;
  readonly most: number;
  /** Milliseconds after which a source that is silent is forgotten. */
  readonly latency: number;
  root: Map<number, PikeNode>;
  nodes: number;
}

/** pike: sources that send more than so many requests in a sampling unit are blocked. */
export const pikeState = {
  module: 'pike',
  create: (parameters: ModuleParameters): PikeState => ({
    span: Math.max(1, parameters.int('sampling_time_unit', 2)) * 1000,
    most: parameters.int('reqs_density_per_unit', 30),
    latency: parameters.int('remove_latency', 120) * 1000,
    root: new Map(),
    nodes: 0,
  }),
  renew(before: PikeState, parameters: ModuleParameters): PikeState {
    return { ...this.create(parameters), root: before.root, nodes: before.nodes };
  },
  copy(state: PikeState): PikeState {
    if (state.nodes > MOST_COPIED) {
      throw new SwitchyardError('USAGE', `pike has ${state.nodes} nodes: more than ${MOST_COPIED} are not copied`);
    }
    return { ...state, root: copied(state.root) };
  },
};

function copied(children: ReadonlyMap<number, PikeNode>): Map<number, PikeNode> {
  return new Map(
    [...children].map(([byte, each]) => [
      byte,
      { ...each, children: each.children === undefined ? undefined : copied(each.children) },
    ]),
  );
}

/** Nodes that are copied at most: the copy is made in one event loop iteration. */
const MOST_COPIED = 50_000;

/** Nodes of the tree at most; a tree that has more is emptied. */
const MOST_NODES = 400_000;

function node(unit: number, now: number, hits: number): PikeNode {
  return { hits, before: 0, unit, touched: now, children: undefined };
}

/** The bytes of an address; undefined for what is none. */
function bytesOf(address: string): number[] | undefined {
  const text = canonicalIp(address);
  if (text === undefined) return undefined;
  if (!text.includes(':')) return text.split('.').map(Number);
  return text.split(':').flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 255];
  });
}

/** Counts a request: 1 when it may pass, -2 for the first above the limit, -1 for those after it. */
function pike(run: MessageRun, bytes: readonly number[], address: string): number {
  const state = run.env.modules.of(pikeState);
  const now = run.env.clock.monotonic();
  const unit = Math.floor(now / state.span);
  if (state.nodes > MOST_NODES) {
    state.root = new Map();
    state.nodes = 0;
  }
  let children = state.root;
  let last: PikeNode | undefined;
  let depth = 0;
  for (; depth < bytes.length; depth++) {
    const next: PikeNode | undefined = children.get(bytes[depth] as number);
    if (next === undefined || now - next.touched > state.latency) break;
    if (next.unit !== unit) {
      next.before = next.unit === unit - 1 ? next.hits : 0;
      next.hits = 0;
      next.unit = unit;
    }
    next.touched = now;
    last = next;
    if (depth < bytes.length - 1) children = next.children ??= new Map();
  }
  if (depth === bytes.length && last !== undefined) return judge(run, last, state.most, address);
  if (last === undefined) {
    children.set(bytes[0] as number, node(unit, now, 1));
    state.nodes++;
    return 1;
  }
  last.hits++;
  if (last.hits >= state.most >> 2) {
    children.set(bytes[depth] as number, node(unit, now, depth === bytes.length - 1 ? 0 : last.hits));
    state.nodes++;
  }
  return 1;
}

function judge(run: MessageRun, leaf: PikeNode, most: number, address: string): number {
  const blocked = leaf.hits >= most || leaf.before >= most;
  leaf.hits++;
  if (blocked) return -1;
  if (leaf.hits < most) return 1;
  run.env.peerLog.warn({ address }, 'script: pike blocks a source');
  return -2;
}

/** The sources that are blocked, at most so many of them. */
export function blockedSources(
  { root, most, span }: PikeState,
  now: number,
  limit: number,
): { readonly ip: string; readonly count: number }[] {
  const unit = Math.floor(now / span);
  const found: { readonly ip: string; readonly count: number }[] = [];
  const walk = (children: ReadonlyMap<number, PikeNode>, bytes: readonly number[]): void => {
    for (const [byte, each] of children) {
      if (found.length >= limit) return;
      if (each.children !== undefined) walk(each.children, [...bytes, byte]);
      else {
        const count = each.unit === unit ? Math.max(each.hits, each.before) : each.unit === unit - 1 ? each.hits : 0;
        if (count >= most && bytes.length + 1 >= 4) found.push({ ip: textOfBytes([...bytes, byte]), count });
      }
    }
  };
  walk(root, []);
  return found;
}

/** Forgets a source; false when it is not known. */
export function forgetSource(state: PikeState, address: string): boolean {
  const bytes = bytesOf(address);
  if (bytes === undefined) return false;
  let children: Map<number, PikeNode> | undefined = state.root;
  for (const byte of bytes.slice(0, -1)) children = children?.get(byte)?.children;
  return children?.delete(bytes.at(-1) as number) === true;
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
    summary: 'whether a source sends too much',
    compile: () => (run) => {
      const { address } = run.source;
      const bytes = bytesOf(address);
      return bytes === undefined ? 1 : pike(run, bytes, address);
    },
  },
  {
    name: 'pike_check_ip',
    dialects: KAMAILIO,
    parameters: [param('address', 'string')],
    summary: 'whether an IPv4 address sends too much; -1 for other text',
    compile:
      ([address]) =>
      (run) => {
        const text = textOf(address, run);
        const bytes = text.includes(':') ? undefined : bytesOf(text);
        return bytes === undefined ? -1 : pike(run, bytes, text);
      },
  },
]);
