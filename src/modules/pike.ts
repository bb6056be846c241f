import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import { copiedEntries } from './copied-entries.js';
import { KAMAILIO, moduleFunctions, optional, param, type ScriptFunction, textOf } from './define.js';

interface Flood {
  count: number;
  since: number;
  blocked: boolean;
}

interface PikeState {
  /** Milliseconds. */
  readonly span: number;
  readonly most: number;
  /** Milliseconds. */
  readonly latency: number;
  readonly sources: Map<string, Flood>;
}

/** pike: sources that send more than so many requests in a span are blocked. */
export const pikeState = {
  module: 'pike',
  create: (parameters: ModuleParameters): PikeState => ({
    span: parameters.int('sampling_time_unit', 2) * 1000,
    most: parameters.int('reqs_density_per_unit', 30),
    latency: parameters.int('remove_latency', 120) * 1000,
    sources: new Map<string, Flood>(),
  }),
  renew(before: PikeState, parameters: ModuleParameters): PikeState {
    return { ...this.create(parameters), sources: before.sources };
  },
  copy: (state: PikeState): PikeState => ({ ...state, sources: copiedEntries(state.sources) }),
};

/** Sources remembered at most. */
const MOST_SOURCES = 100_000;

function pike(run: MessageRun, from?: string): number {
  const state = run.env.modules.of(pikeState);
  const { sources, span, most, latency } = state;
  const address = from ?? run.source.address;
  const now = run.env.clock.monotonic();
  let flood = sources.get(address);
  if (flood === undefined || now - flood.since > Math.max(span, flood.blocked ? latency : span)) {
    if (sources.size >= MOST_SOURCES) sources.clear();
    flood = { count: 0, since: now, blocked: false };
    sources.set(address, flood);
  } else if (!flood.blocked && now - flood.since > span) {
    flood.count = 0;
    flood.since = now;
  }
  flood.count++;
  if (flood.blocked) return -1;
  if (flood.count <= most) return 1;
  flood.blocked = true;
  run.env.peerLog.warn({ address }, 'script: pike blocks a source');
  return -2;
}

/** Functions of pike. */
export const pikeFunctions: ScriptFunction[] = moduleFunctions('pike', [
  {
    name: 'pike_check_req',
    parameters: [optional('source', 'string')],
    routes: ['request', 'event'],
    summary: 'whether a source sends too much',
    compile: () => (run) => pike(run),
  },
  {
    name: 'pike_check_ip',
    dialects: KAMAILIO,
    parameters: [param('address', 'string')],
    summary: 'whether an address sends too much',
    compile:
      ([address]) =>
      (run) =>
        pike(run, textOf(address, run)),
  },
]);
