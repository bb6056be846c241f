import type { Clock } from '../../core/clock.js';
import type { SelectEnv } from '../algorithms/algorithm.js';
import type { CompiledSet } from '../compiled-set.js';
import type { Destination, HealthState } from '../destination.js';
import type {
  DestinationLoad,
  DestinationsByAddress,
  DestinationView,
  Flavour,
  NamedSocket,
  ProbeEnd,
  ProbeVia,
  RequestSource,
  RequestUris,
  SourceWanted,
  StateWanted,
} from '../flavour.js';
import type { KamailioVersion, PartitionOptions } from '../options.js';
import type { Partition } from '../partition.js';
import type { RequestView } from '../request-view.js';
import type { Choice, SelectFailure, SelectTarget } from '../selection.js';
import type { DestinationSet, Snapshot } from '../set.js';
import type { Counted, SharedLoads } from '../shared-loads.js';
import type { StateSignal } from '../state.js';
import { parseAttributes } from './attributes.js';
import { LoadLedger } from './call-ledger.js';
import type { CallsInProgress } from './calls.js';
import { chooseKamailio } from './choose.js';
import type { KamailioEnv } from './environment.js';
import { FROM_LIST, findFromList } from './from-list.js';
import { LatencyEstimate } from './latency.js';
import { BIT, callsAt, copyLive, liveOf, STATE_BITS, shareLoad, shareOf, UNUSABLE } from './live.js';
import { KAMAILIO_DEFAULTS, type KamailioOptions } from './options.js';
import { kamailioRequestUri } from './request-uri.js';
import { planOf } from './set-plan.js';
import { SharedCalls } from './shared-calls.js';
import { acceptsCode, decideKamailio, markBits, wantsPing } from './states.js';
import { viewOf } from './view.js';

/** A request-URI that cannot be parsed. */
const BROKEN = 'sip:@@';

/** The rules of Kamailio's dispatcher. The options in `partition` may change later, so they are read when needed. */
export class KamailioFlavour implements Flavour, KamailioEnv {
  readonly name = 'kamailio';
  readonly equalPriorities = 'reverse row order';
  readonly repeatedRows = 'destinations of their own';
  readonly reloadKeepsStates = false;
  readonly weightsAtRunTime = false;
  readonly listKeepsOne = false;
  readonly leavesOlderSelection = false;
  readonly dropsLastTarget = true;
  readonly raisesUpDown = true;
  readonly socketOf = 'destination';
  private known: CallsInProgress | undefined = undefined;
  readonly random: SelectEnv['random'];

  constructor(
    readonly partition: PartitionOptions,
    private readonly env: SelectEnv,
    private readonly clock: Clock,
  ) {
    this.random = env.random;
  }

  get calls(): CallsInProgress {
    const { known, env } = this;
    return known !== undefined && known.shared === env.loads ? known : (this.known = this.newCalls(env.loads));
  }

  private newCalls(shared: SharedLoads | undefined): CallsInProgress {
    const expire = () => this.options.hashExpire;
    const initExpire = () => this.options.hashInitexpire;
    if (shared === undefined) return new LoadLedger({ clock: this.clock, expire, initExpire });
    return new SharedCalls(shared, this.partition.name, initExpire, expire);
  }

  /** The module parameters. */
  get options(): KamailioOptions {
    return this.partition.kamailio ?? KAMAILIO_DEFAULTS;
  }

  /** The Kamailio version that the partition follows. */
  get version(): KamailioVersion {
    return this.partition.version ?? '5.6';
  }

  get showsFieldsOf6(): boolean {
    return this.version === '6';
  }

  get stacksSelections(): boolean {
    return this.strict;
  }

  /** Whether the partition reproduces faults of Kamailio. */
  get strict(): boolean {
    return this.partition.compat === 'strict';
  }

  /** In a strict partition, each edit reverses the order of destinations with the same priority (recorded). */
  get editOrder(): 'as listed' | 'reverse' {
    return this.strict ? 'as listed' : 'reverse';
  }

  get keepsNextHop(): boolean {
    return this.strict;
  }

  get refusesUnresolved(): boolean {
    return this.strict;
  }

  /** Recorded for a call that ds_load_unset() has removed. */
  get nextNeedsCounting(): boolean {
    return this.strict;
  }

  /** Kamailio marks the first target of its list. */
  get marksFirstOfList(): boolean {
    return this.strict;
  }

  /** Kamailio waits for ds_load_unset in the script, or until the call expires. */
  get endsCallsItself(): boolean {
    return !this.strict;
  }

  get defaultSocket(): NamedSocket {
    const { defaultSockname, defaultSocket } = this.options;
    return { sockname: defaultSockname, socket: defaultSocket };
  }

  now(): number {
    return this.clock.monotonic();
  }

  warn(partition: string, message: string): void {
    this.env.warn(partition, message);
  }

  choose(snapshot: Snapshot, target: SelectTarget, request: RequestView): Choice | SelectFailure {
    return chooseKamailio(snapshot, this, target, request);
  }

  requestUris(): RequestUris {
    return { rewrite: (uri, destination) => kamailioRequestUri(uri, destination, this.strict) || undefined };
  }

  /** As recorded, a destination with a user part results in a request-URI that cannot be parsed. */
  get unwritableRequestUri(): string | undefined {
    return this.strict ? BROKEN : undefined;
  }

  /** The URI of the row unchanged, with its user part. */
  nextHopOf({ row }: Destination): string {
    return row.uri;
  }

  nextState(signal: StateSignal): HealthState {
    return decideKamailio(signal, this.options, this.version);
  }

  markOf(text: string): StateWanted | undefined {
    const bits = markBits(text, this.options);
    if (bits === undefined) return undefined;
    // In 6.x ds_mark_dst sets inactive at once, without counting through T; only failed probes count (recorded).
    const straight = this.version === '6' && (bits & BIT.trying) !== 0;
    return { mark: { bits: straight ? (bits & ~BIT.trying) | BIT.inactive : bits, how: 'update' } };
  }

  wantedByBits(bits: number): StateWanted {
    return { mark: { bits, how: 'set' } };
  }

  stateBits(destination: Destination): number {
    return liveOf(destination).bits & STATE_BITS;
  }

  failuresLeft(destination: Destination): number {
    return Math.max(1, this.options.probingThreshold - liveOf(destination).count);
  }

  /** While a destination is inactive, `count` counts its good answers. */
  failuresOf(destination: Destination): number {
    const { bits, count } = liveOf(destination);
    return (bits & UNUSABLE) === 0 ? count : 0;
  }

  carryFailures(destination: Destination, failures: number): void {
    const live = liveOf(destination);
    if ((live.bits & UNUSABLE) === 0) live.count = Math.max(live.count, failures);
  }

  wantsProbe(destination: Destination): boolean {
    return wantsPing(destination, this.options, this.version);
  }

  acceptsReply(code: number): boolean {
    return acceptsCode(code, this.options);
  }

  /**
   * From the attributes ping_from, ping_socket, sockname, socket and obproxy; where one is missing, from the module
   * parameters.
   */
  probeVia({ row }: Destination, socket: string | undefined): ProbeVia {
    const { outboundProxy } = this.options;
    const { pingFrom, pingSocket, obproxy } = parseAttributes(row.attrs);
    const via = { from: pingFrom, nextHop: obproxy ?? outboundProxy };
    if (pingSocket !== undefined) return { ...via, socket: pingSocket };
    if (row.sockname !== undefined) return { ...via, sockname: row.sockname, socket };
    // The socket of the destination, or ds_probing_sock.
    return socket === undefined ? { ...via, ...this.defaultSocket } : { ...via, socket };
  }

  /** Updates latency statistics, and the shares of destinations with congestion control. */
  probeEnded(destination: Destination, set: DestinationSet | undefined, { code, cause, rtt }: ProbeEnd): void {
    const { latencyStats, latencyAlpha } = this.options;
    if (!latencyStats) return;
    const { attrs } = destination.row;
    const live = liveOf(destination);
    live.latency ??= new LatencyEstimate(parseAttributes(attrs).latency);
    if (cause === 'timeout' || code === 408) live.latency.timedOut();
    else if (rtt !== undefined) live.latency.observe(Math.trunc(rtt), latencyAlpha);
    if (set !== undefined && CONGESTION_CONTROL.test(attrs)) {
      planOf(set as CompiledSet, this.strict).congestionChanged();
    }
  }

  sharesAreFixed(set: DestinationSet): boolean {
    return planOf(set as CompiledSet, this.strict).sharesAreFixed;
  }

  shareCalls(set: DestinationSet, counters: Int32Array, writes: boolean): boolean {
    const { loads } = this.env;
    return loads !== undefined && planOf(set as CompiledSet, this.strict).shareCalls(loads, counters, writes);
  }

  copyLive(from: Destination, to: Destination): void {
    copyLive(from, to);
  }

  isFrom(partition: DestinationsByAddress, source: RequestSource, { setId, port, active }: SourceWanted): boolean {
    const { anyPort, anyProtocol, activeOnly } = FROM_LIST;
    const mode = (port ? 0 : anyPort | anyProtocol) | (active ? activeOnly : 0);
    return findFromList(partition, { ...source, socket: '', setId, mode }) !== undefined;
  }

  endCall(callId: string): void {
    if (this.calls.size > 0) this.calls.endByCallId(callId);
  }

  expireCalls(): void {
    this.calls.expire();
  }

  loadOf(destination: Destination): DestinationLoad {
    const live = liveOf(destination);
    return { load: callsAt(live), share: shareOf(live), maxload: parseAttributes(destination.row.attrs).maxload };
  }

  shareLoad(destination: Destination, elsewhere: number, share: number | undefined): void {
    shareLoad(destination, elsewhere, share);
  }

  view(destination: Destination): DestinationView {
    return viewOf(destination, this);
  }
}

const CONGESTION_CONTROL = /(?:^|;)[ \t\r\n]*cc[ \t\r\n]*=/i;

/** The destinations that may have a counter of calls in shared memory. */
export function* countedIn(partitions: Iterable<Partition>): Generator<Counted> {
  for (const partition of partitions) {
    if (kamailioOf(partition) === undefined) continue;
    for (const { destinations } of partition.snapshot.sets.values())
      for (const each of destinations) yield liveOf(each);
  }
}

/**
 * The rules of a Kamailio partition, for functions and commands that only Kamailio has; undefined for another flavour.
 */
export function kamailioOf({ flavour }: Partition): KamailioFlavour | undefined {
  return flavour instanceof KamailioFlavour ? flavour : undefined;
}
