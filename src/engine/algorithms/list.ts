import type { Algorithm } from './algorithm.js';
import { byLoad, byScore } from './by-load.js';
import { first } from './first.js';
import { hashAuthUser } from './hash-auth-user.js';
import { hashCallId } from './hash-call-id.js';
import { hashFromUri, hashRequestUri, hashToUri } from './hash-uri.js';
import { hashVariable } from './hash-variable.js';
import { random } from './random.js';
import { roundRobin } from './round-robin.js';

/** Every algorithm of OpenSIPS' numbering, in order of its code. */
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

const BY_NAME = new Map(ALGORITHMS.map((algorithm) => [algorithm.name, algorithm.code]));

/** The code of an algorithm given by name, or undefined. */
export function algorithmCode(name: string): number | undefined {
  return BY_NAME.get(name);
}
