import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
let loaded: typeof import('nats') | undefined;

/** The package nats, loaded with its first use: more than fifty files, which a configuration without NATS does not need. */
export function nats(): typeof import('nats') {
  loaded ??= require('nats') as typeof import('nats');
  return loaded;
}
