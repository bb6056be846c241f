import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
/** The package, once it is loaded. */
let loaded: typeof import('ws') | undefined;

/** Loads the package ws, with the first WebSocket. */
export function ws(): typeof import('ws') {
  loaded ??= require('ws') as typeof import('ws');
  return loaded;
}
