import type { Destination, HealthState } from '../destination.js';
import type { KamailioVersion } from '../options.js';
import { parseAttributes } from './attributes.js';
import { LatencyEstimate } from './latency.js';

/** Bits of the flags column and of the state at run time. */
export const BIT = {
  inactive: 1,
  trying: 2,
  disabled: 4,
  probing: 8,
  noDns: 16,
  noPing: 32,
} as const;

/** The bits a state change replaces. */
export const STATE_BITS = BIT.inactive | BIT.trying | BIT.disabled | BIT.probing | BIT.noDns;
/** A destination with one of these is not selected. */
export const UNUSABLE = BIT.inactive | BIT.disabled;

/** Overload control as a gateway last reported it (ds_oc_set_attrs). */
export interface OverloadControl {
  /** Percent of calls to skip. */
  rate: number;
  /** Clock.now() until which it holds. */
  until: number;
  /** Sequence number of the last update. */
  seq: number;
  /** Running remainder of skipped calls. */
  debt: number;
  /** Decisions made while it holds, modulo 100. */
  decisions: number;
}

/** Notified when a destination's number of calls changed. */
export interface LoadWatcher {
  loadChanged(position: number): void;
}

/** Live state that only Kamailio's rules know: shared, like Health, by all loads that contain the destination. */
export interface KamailioLive {
  /** State bits: see BIT. The health's state always agrees with them. */
  bits: number;
  /** Good or bad answers in a row, counted toward the thresholds. */
  count: number;
  /** Calls in progress. */
  load: number;
  /** Calls in progress at other nodes of a cluster. */
  elsewhere: number;
  /** Own calls this node may have at most until it receives the others' count again; undefined: no such bound. */
  share: number | undefined;
  /** Share that congestion control left of the weight; undefined while it does not act. */
  congestedWeight: number | undefined;
  latency: LatencyEstimate | undefined;
  overload: OverloadControl | undefined;
  /** The set that keeps an order by load, and the position there. */
  watcher: LoadWatcher | undefined;
  position: number;
}

/** The live state of a destination of a kamailio partition; made from its row when first asked for. */
export function liveOf(destination: Destination): KamailioLive {
  return (destination.health.own ??= newLive(destination)) as KamailioLive;
}

function newLive({ row, health }: Destination): KamailioLive {
  const preset = row.attrs === '' ? undefined : parseAttributes(row.attrs).latency;
  return {
    bits: bitsAgreeing(row.flags ?? 0, health.state),
    count: 0,
    load: 0,
    elsewhere: 0,
    share: undefined,
    congestedWeight: undefined,
    latency: preset === undefined ? undefined : new LatencyEstimate(preset),
    overload: undefined,
    watcher: undefined,
    position: 0,
  };
}

/** Takes over what other nodes of a cluster have of a destination's calls, and how many of the rest are this node's. */
export function shareLoad(destination: Destination, elsewhere: number, share: number | undefined): void {
  const live = liveOf(destination);
  if (live.elsewhere === elsewhere && live.share === share) return;
  live.elsewhere = elsewhere;
  live.share = share;
  live.watcher?.loadChanged(live.position);
}

/** Flags with the fewest changes that express `state`. */
export function bitsAgreeing(flags: number, state: HealthState): number {
  if (state === 'active') return flags & ~UNUSABLE;
  if (state === 'probing') return (flags & ~BIT.disabled) | BIT.inactive | BIT.probing;
  return (flags & UNUSABLE) !== 0 && stateOfBits(flags) === 'inactive' ? flags : (flags & ~BIT.probing) | BIT.inactive;
}

/**
 * What bits mean to selections, events and MI: A and T are active; inactive ones that are probed are "probing", those
 * that are not probed and disabled ones "inactive".
 */
export function stateOfBits(bits: number): HealthState {
  if ((bits & UNUSABLE) === 0) return 'active';
  return (bits & BIT.inactive) !== 0 && (bits & BIT.disabled) === 0 && (bits & BIT.probing) !== 0
    ? 'probing'
    : 'inactive';
}

/** Two letters as dispatcher.list shows them: I, D, T or A; then P for probing, in 6.x N for never pinged, else X. */
function stateLetters(bits: number, version: KamailioVersion): string {
  const first =
    (bits & BIT.inactive) !== 0 ? 'I' : (bits & BIT.disabled) !== 0 ? 'D' : (bits & BIT.trying) !== 0 ? 'T' : 'A';
  if ((bits & BIT.probing) !== 0) return `${first}P`;
  return first + (version === '6' && (bits & BIT.noPing) !== 0 ? 'N' : 'X');
}

/** Gives a destination of another engine what is known of this one: bits, calls in progress, latency, overload control. */
export function copyLive(from: Destination, to: Destination): void {
  const { latency, overload, watcher: _watcher, position: _position, ...known } = liveOf(from);
  Object.assign(liveOf(to), known, {
    latency: latency?.copy(),
    overload: overload === undefined ? undefined : { ...overload },
  });
}

/** The letters of a destination as it is now. */
export function lettersOf(destination: Destination, version: KamailioVersion = '5.6'): string {
  return stateLetters(liveOf(destination).bits, version);
}
