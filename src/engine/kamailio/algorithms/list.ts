import type { KamailioAlgorithm } from './algorithm.js';
import { callLoad } from './call-load.js';
import { hashAuthUser, hashCallId, hashFromUri, hashRequestUri, hashToUri, hashVariable, random } from './hashing.js';
import { parallel, roundRobinOrSerial, serial } from './in-order.js';
import { latencyOptimised } from './latency.js';
import { overloadControl } from './overload.js';
import { roundRobin } from './round-robin.js';
import { byRelativeWeight, byWeight, priorityThenWeight } from './weight.js';

/** All algorithms by Kamailio's numbers; 14, 15 and 64 are new in 6.x. */
export const KAMAILIO_ALGORITHMS: readonly KamailioAlgorithm[] = [
  hashCallId,
  hashFromUri,
  hashToUri,
  hashRequestUri,
  roundRobin,
  hashAuthUser,
  random,
  hashVariable,
  serial,
  byWeight,
  callLoad,
  byRelativeWeight,
  parallel,
  latencyOptimised,
  roundRobinOrSerial,
  priorityThenWeight,
  overloadControl,
];

/** Algorithms below this number exist in the recorded program (5.6.3). */
const RECORDED = 14;

/** The algorithm with a code; undefined for an unknown one, which selects the first active destination. */
export function kamailioAlgorithm(code: number, onlyRecorded: boolean): KamailioAlgorithm | undefined {
  if (code < RECORDED) return KAMAILIO_ALGORITHMS[code];
  if (onlyRecorded) return undefined;
  return code === 64 ? overloadControl : code < 16 ? KAMAILIO_ALGORITHMS[code] : undefined;
}
