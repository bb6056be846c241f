import type { Destination, HealthState } from '../destination.js';
import type { KamailioVersion } from '../options.js';
import type { SharedLoads } from '../shared-loads.js';
import { parseAttributes } from './attributes.js';
import { LatencyEstimate } from './latency.js';

/** Bits of the flags column and of the state. */
export const BIT = {
  inactive: 1,
  trying: 2,
  disabled: 4,
  probing: 8,
  noDns: 16,
  noPing: 32,
} as const;

/** The bits that a change of state replaces. */
export const STATE_BITS = BIT.inactive | BIT.trying | BIT.disabled | BIT.probing | BIT.noDns;
/** A destination with one of these bits is not selected. */
export const UNUSABLE = BIT.inactive | BIT.disabled;

/** Overload control, as the gateway last reported it (ds_oc_set_attrs). */
export interface OverloadControl {
  /** Percentage of calls to skip. */
  rate: number;
  /** Clock.now() until which the report is valid. */
  until: number;
  /** Sequence number of the last report. */
  seq: number;
  /** Fraction of a call still to be skipped, carried to the next decision. */
  debt: number;
  /** Number of decisions since the report, modulo 100. */
  decisions: number;
}

/** Notified when a destination's number of calls changes. */
export interface LoadWatcher {
  loadChanged(position: number): void;
}

/** State at run time that only Kamailio's rules use; like Health, all snapshots with the destination share it. */
export interface KamailioLive {
  /** State bits (BIT). They always agree with the state in Health. */
  bits: number;
  /** Consecutive good or bad answers, counted toward the thresholds. */
  count: number;
  /** Calls in progress; not used when several processes count together. */
  calls: number;
  /** Calls in progress on other nodes of the cluster; not used when several processes count together. */
  elsewhere: number;
  /**
   * The most calls this node may have until the next report of the others; undefined: no bound. Not used when several
   * processes count together.
   */
  share: number | undefined;
  /** Set where several processes count together. */
  shared: SharedLoads | undefined;
  /** Number of the counter in `shared`; -1: none. */
  counter: number;
  /** The weight that congestion control has reduced; undefined while it does not act. */
  congestedWeight: number | undefined;
  latency: LatencyEstimate | undefined;
  overload: OverloadControl | undefined;
  /** The set that orders its destinations by load, and the position there. */
  watcher: LoadWatcher | undefined;
  position: number;
}

/** The Kamailio state of a destination; created from its row when first needed. */
export function liveOf(destination: Destination): KamailioLive {
  return (destination.health.own ??= newLive(destination)) as KamailioLive;
}

function newLive({ row, health }: Destination): KamailioLive {
  const preset = row.attrs === '' ? undefined : parseAttributes(row.attrs).latency;
  return {
    bits: bitsAgreeing(row.flags ?? 0, health.state),
    count: 0,
    calls: 0,
    elsewhere: 0,
    share: undefined,
    shared: undefined,
    counter: -1,
    congestedWeight: undefined,
    latency: preset === undefined ? undefined : new LatencyEstimate(preset),
    overload: undefined,
    watcher: undefined,
    position: 0,
  };
}

/** Calls in progress at a destination. */
export function callsAt({ shared, counter, calls }: KamailioLive): number {
  return shared === undefined ? calls : shared.load(counter);
}

/** Calls in progress on other nodes of the cluster. */
export function elsewhereOf({ shared, counter, elsewhere }: KamailioLive): number {
  return shared === undefined ? elsewhere : shared.elsewhere(counter);
}

/** The most calls that this node may have at a destination; undefined: no bound. */
export function shareOf({ shared, counter, share }: KamailioLive): number | undefined {
  return shared === undefined ? share : shared.share(counter);
}

/** From now on counts the calls of a destination together with other processes; returns the number of its counter. */
export function joined(live: KamailioLive, shared: SharedLoads): number {
  const counter = shared.counterOf(live);
  if (live.shared === shared) return counter;
  live.shared = shared;
  // Keep what the other nodes have already reported.
  if (live.elsewhere !== 0 || live.share !== undefined) shared.setElsewhere(counter, live.elsewhere, live.share);
  return counter;
}

/** Sets how many calls other nodes have at a destination, and the most that this node may have. */
export function shareLoad(destination: Destination, elsewhere: number, share: number | undefined): void {
  const live = liveOf(destination);
  if (live.shared !== undefined) {
    live.shared.setElsewhere(live.counter, elsewhere, share);
    return;
  }
  if (live.elsewhere === elsewhere && live.share === share) return;
  live.elsewhere = elsewhere;
  live.share = share;
  live.watcher?.loadChanged(live.position);
}

/** The given flags with as few bits changed as needed to express `state`. */
export function bitsAgreeing(flags: number, state: HealthState): number {
  if (state === 'active') return flags & ~UNUSABLE;
  if (state === 'probing') return (flags & ~BIT.disabled) | BIT.inactive | BIT.probing;
  return (flags & UNUSABLE) !== 0 && stateOfBits(flags) === 'inactive' ? flags : (flags & ~BIT.probing) | BIT.inactive;
}

/**
 * The state for selections, events and MI: bits A and T mean active; an inactive one is "probing" if it is probed, else
 * "inactive"; a disabled one is "inactive".
 */
export function stateOfBits(bits: number): HealthState {
  if ((bits & UNUSABLE) === 0) return 'active';
  return (bits & BIT.inactive) !== 0 && (bits & BIT.disabled) === 0 && (bits & BIT.probing) !== 0
    ? 'probing'
    : 'inactive';
}

/** Two letters as in dispatcher.list: I, D, T or A; then P for probing, in 6.x N for never probed, else X. */
function stateLetters(bits: number, version: KamailioVersion): string {
  const first =
    (bits & BIT.inactive) !== 0 ? 'I' : (bits & BIT.disabled) !== 0 ? 'D' : (bits & BIT.trying) !== 0 ? 'T' : 'A';
  if ((bits & BIT.probing) !== 0) return `${first}P`;
  return first + (version === '6' && (bits & BIT.noPing) !== 0 ? 'N' : 'X');
}

/**
 * Copies the Kamailio state (bits, calls in progress, latency, overload control) to the destination of another engine.
 */
export function copyLive(from: Destination, to: Destination): void {
  const live = liveOf(from);
  const {
    latency,
    overload,
    watcher: _watcher,
    position: _position,
    shared: _shared,
    counter: _counter,
    ...known
  } = live;
  Object.assign(liveOf(to), known, {
    calls: callsAt(live),
    elsewhere: elsewhereOf(live),
    share: shareOf(live),
    latency: latency?.copy(),
    overload: overload === undefined ? undefined : { ...overload },
  });
}

/** The letters of a destination's current state. */
export function lettersOf(destination: Destination, version: KamailioVersion = '5.6'): string {
  return stateLetters(liveOf(destination).bits, version);
}
