import type { Algorithm } from '../../algorithms/algorithm.js';
import { rendezvous } from '../../algorithms/rendezvous.js';
import { byLoad, byScore } from './by-load.js';
import { first } from './first.js';
import { hashAuthUser } from './hash-auth-user.js';
import { hashCallId } from './hash-call-id.js';
import { hashFromUri, hashRequestUri, hashToUri } from './hash-uri.js';
import { hashVariable } from './hash-variable.js';
import { random } from './random.js';
import { roundRobin } from './round-robin.js';

/** All algorithms of OpenSIPS, in order of their codes. */
export const ALGORITHMS: readonly Algorithm[] = [
  hashCallId,
  hashFromUri,
  hashToUri,
  hashRequestUri,
  roundRobin,
  hashAuthUser,
  random,
  hashVariable,
  first,
  byLoad,
  byScore,
];

/** Our own algorithms, with codes that OpenSIPS is unlikely to use. */
export const OWN_ALGORITHMS: readonly Algorithm[] = [rendezvous];

const OWN_BY_CODE = new Map(OWN_ALGORITHMS.map((algorithm) => [algorithm.code, algorithm]));

/** The algorithm with a code; undefined if there is none. */
export function algorithmOf(code: number): Algorithm | undefined {
  return ALGORITHMS[code] ?? OWN_BY_CODE.get(code);
}

const BY_NAME = new Map([...ALGORITHMS, ...OWN_ALGORITHMS].map((algorithm) => [algorithm.name, algorithm.code]));

/** The code of the algorithm with a name; undefined if there is none. */
export function algorithmCode(name: string): number | undefined {
  return BY_NAME.get(name);
}

/** All names of algorithms. */
export function algorithmNames(): Iterable<string> {
  return BY_NAME.keys();
}

/** Log text for a selection by an unknown algorithm. */
export function unknownAlgorithm(code: number, strict: boolean): string {
  return `algorithm ${code} is not known: ${strict ? 'the first active destination is taken' : 'nothing is selected'}`;
}
