import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
let loaded: typeof import('ws') | undefined;

/** The package ws, loaded with the first WebSocket unless another package has loaded it. */
export function ws(): typeof import('ws') {
  loaded ??= require('ws') as typeof import('ws');
  return loaded;
}
