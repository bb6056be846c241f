import { coreHash } from '../core/core-hash.js';

export { coreHash, finishHash, foldHash } from '../core/core-hash.js';

/** The hash for selections: `coreHash`, but never 0. */
export function dispatcherHash(a: string, b?: string): number {
  return coreHash(a, b) || 1;
}
