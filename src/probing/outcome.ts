import type { Destination, ProbeResult } from '../engine/destination.js';
import type { StateSignal } from '../engine/state.js';
import type { ProbeOutcome } from './probe.js';

/** Reason texts of the events, as recorded from OpenSIPS. The first is also used for codes of options_reply_codes. */
const GOOD_PROBE = '200 OK probing reply';
const BAD_PROBE = 'negative probing reply';

/** Makes the signal for the state table from a probe's outcome. */
export function probeSignal(destination: Destination, outcome: ProbeOutcome, good: boolean): StateSignal {
  return {
    destination,
    kind: good ? 'success' : 'failure',
    origin: 'probe',
    reason: good ? GOOD_PROBE : BAD_PROBE,
    code: outcome.code,
    cause: outcome.cause,
  };
}

/** Makes the record of a destination's last probe. `time` is Clock.now(). */
export function probeResult(outcome: ProbeOutcome, good: boolean, time: number): ProbeResult {
  return { time, ok: good, code: outcome.code, cause: outcome.cause, rtt: outcome.rtt };
}
