import type { Destination, HealthState } from '../destination.js';
import type { KamailioVersion } from '../options.js';
import type { StateSignal } from '../state.js';
import { BIT, bitsAgreeing, liveOf, STATE_BITS, stateOfBits, UNUSABLE } from './live.js';
import type { KamailioOptions } from './options.js';

/**
 * Returns the state after a signal in a kamailio partition (recorded from Kamailio 5.6.3, probe by probe). By signal:
 *
 *   probe good      bits 0, and P in mode 1, or in mode 3 if it was set; when the threshold is reached
 *   probe bad       T, and P in every mode except 0; when the threshold is reached
 *   ds_mark_dst     the bits of its letters, when the threshold is reached
 *   set_state       the bits of its letters at once; the count stays
 *   set active      (our own management) A, keeping P; the count is reset
 *   set inactive    (our own management) D, so probes do not activate it. From traffic: like ds_mark_dst("i")
 *   set probing     like a bad probe
 *   restore         bits of the row, or those that express the state
 */
export function decideKamailio(signal: StateSignal, options: KamailioOptions, version: KamailioVersion): HealthState {
  const live = liveOf(signal.destination);
  const { mark } = signal;
  if (mark !== undefined) {
    // In 6.x a state set by a command or script also removes the bit "never probed" (recorded).
    if (version === '6') live.bits &= ~BIT.noPing;
    if (mark.how === 'set') live.bits = (live.bits & ~STATE_BITS) | mark.bits;
    else update(signal.destination, mark.bits, options);
    return stateOfBits(live.bits);
  }
  switch (signal.kind) {
    case 'success':
      update(signal.destination, goodBits(live.bits, options.probingMode), options);
      break;
    case 'failure':
      update(signal.destination, badBits(options.probingMode), options);
      break;
    case 'restore':
      live.count = 0;
      live.bits =
        signal.origin === 'store'
          ? bitsAgreeing(signal.destination.row.flags ?? 0, signal.to ?? 'active')
          : bitsAgreeing(live.bits, signal.to ?? signal.destination.health.state);
      break;
    case 'set':
      set(signal, options);
      break;
  }
  return stateOfBits(live.bits);
}

function set(signal: StateSignal, options: KamailioOptions): void {
  const live = liveOf(signal.destination);
  switch (signal.to) {
    case 'active':
      live.count = 0;
      live.bits &= ~(UNUSABLE | BIT.trying);
      return;
    case 'inactive':
      if (signal.origin === 'mi') live.bits = (live.bits & ~STATE_BITS) | BIT.disabled;
      else update(signal.destination, BIT.inactive | (options.probingMode === 1 ? BIT.probing : 0), options);
      return;
    case 'probing':
      if (signal.origin === 'mi') live.bits = (live.bits & ~STATE_BITS) | BIT.inactive | BIT.probing;
      else update(signal.destination, BIT.trying | (live.bits & BIT.probing) | badBits(options.probingMode), options);
      return;
    case undefined:
      return;
  }
}

function goodBits(bits: number, mode: KamailioOptions['probingMode']): number {
  if (mode === 1) return BIT.probing;
  return mode === 3 ? bits & BIT.probing : 0;
}

function badBits(mode: KamailioOptions['probingMode']): number {
  return BIT.trying | (mode === 0 ? 0 : BIT.probing);
}

/** Sets the wanted bits when the threshold is reached. One counter serves good and bad answers. */
function update(destination: Destination, wanted: number, options: KamailioOptions): void {
  const live = liveOf(destination);
  const old = live.bits;
  const others = old & ~STATE_BITS;
  let bits = wanted;
  let counts = (wanted & BIT.trying) !== 0;
  if (counts && (old & BIT.inactive) !== 0) {
    // It stays inactive, and its good answers are counted from 0 again.
    live.count = 0;
    live.bits = others | (bits & ~BIT.trying) | BIT.inactive;
    return;
  }
  if ((bits & BIT.disabled) !== 0) {
    bits = BIT.disabled;
    counts = false;
  }
  if (counts) {
    live.count++;
    if (live.count >= options.probingThreshold) {
      bits = (bits & ~BIT.trying) | BIT.inactive;
      live.count = 0;
    }
  } else if ((old & BIT.inactive) !== 0 && (bits & BIT.disabled) === 0) {
    live.count++;
    if (live.count < options.inactiveThreshold) bits = bits | BIT.inactive | (old & BIT.probing);
    else live.count = 0;
  } else {
    live.count = 0;
  }
  live.bits = others | bits;
}

/**
 * Whether a destination is probed now (ds_probing_mode). Disabled ones never are; in 6.x neither are those with flag
 * 32, which 5.6 ignores.
 */
export function wantsPing(destination: Destination, options: KamailioOptions, version: KamailioVersion): boolean {
  const { bits } = liveOf(destination);
  if ((bits & BIT.disabled) !== 0 || (version === '6' && (bits & BIT.noPing) !== 0)) return false;
  const probing = (bits & BIT.probing) !== 0;
  switch (options.probingMode) {
    case 1:
      return true;
    case 2:
      return probing && (bits & BIT.inactive) !== 0;
    default:
      return probing;
  }
}

/** Whether a reply to a probe means success: any 2xx, and the codes and classes of ds_ping_reply_codes. */
export function acceptsCode(code: number, options: KamailioOptions): boolean {
  if (code >= 200 && code < 300) return true;
  for (const entry of options.pingReplyCodes) {
    if (entry.endsWith('xx') ? Math.trunc(code / 100) === Number(entry[0]) : Number(entry) === code) return true;
  }
  return false;
}

/**
 * The bits for the letters of ds_mark_dst: a, i, d, t, p in any case, applied one after the other; "a" removes those
 * before it. '' means "i", plus probing where all are probed. Undefined for another letter.
 */
export function markBits(letters: string, options: KamailioOptions): number | undefined {
  if (letters === '') return BIT.inactive | (options.probingMode === 1 ? BIT.probing : 0);
  let bits = 0;
  for (const letter of letters.toLowerCase()) {
    if (letter === 'a') bits = 0;
    else if (letter === 'i') bits |= BIT.inactive;
    else if (letter === 'd') bits |= BIT.disabled;
    else if (letter === 't') bits |= BIT.trying;
    else if (letter === 'p') bits |= BIT.probing;
    else return undefined;
  }
  return bits;
}

/**
 * The bits for the state of dispatcher.set_state: i or 0, a or 1, d or 2, t or 3; then p for probing, which is ignored
 * for a disabled one. Undefined for another.
 */
export function setStateBits(state: string): number | undefined {
  const bits = SET_STATE[state.charAt(0).toLowerCase()];
  if (bits === undefined) return undefined;
  const probing = state.charAt(1).toLowerCase() === 'p' && bits !== BIT.disabled;
  return bits | (probing ? BIT.probing : 0);
}

const SET_STATE: Readonly<Record<string, number>> = {
  i: BIT.inactive,
  '0': BIT.inactive,
  a: 0,
  '1': 0,
  d: BIT.disabled,
  '2': BIT.disabled,
  t: BIT.trying,
  '3': BIT.trying,
};
