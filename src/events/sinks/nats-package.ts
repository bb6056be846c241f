import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
/** The package, once it is loaded. */
let loaded: typeof import('nats') | undefined;

/**
 * Loads the package nats when it is first used: more than fifty files, which a configuration without NATS does not
 * need.
 */
export function nats(): typeof import('nats') {
  loaded ??= require('nats') as typeof import('nats');
  return loaded;
}

/** Milliseconds the server has to answer a request about streams, messages or buckets. */
export const JETSTREAM_MS = 5000;
