import type { Position } from '../cfg/ast.js';
import { callsIn } from '../cfg/visit.js';
import type { LoadedCfg } from './load.js';

/** Kamailio's algorithm that counts calls in progress. */
const CALL_LOAD = 10;

/** Functions by which a kamailio.cfg ends the counting of a call. */
const ENDING: ReadonlySet<string> = new Set(['ds_load_update', 'ds_load_unset']);

/**
 * Position of the first selection by call load (algorithm 10) in a kamailio.cfg that calls neither ds_load_update() nor
 * ds_load_unset(). There each call counts until ds_hash_expire, so that destinations with maxload fill up. Undefined
 * when the file calls one of them or does not use algorithm 10.
 */
export function callLoadMissingEnd(cfg: LoadedCfg): Position | undefined {
  if (cfg.dialect.name !== 'kamailio') return undefined;
  let found: Position | undefined;
  for (const { body } of cfg.tree.routes) {
    for (const call of callsIn(body)) {
      if (call.kind !== 'call') continue;
      if (ENDING.has(call.name)) return undefined;
      if (
        byCallLoad(
          call.name,
          call.args.map((each) => (each !== undefined && 'value' in each ? String(each.value) : '')),
        )
      )
        found ??= call.at;
    }
  }
  return found;
}

function byCallLoad(name: string, args: readonly string[]): boolean {
  if (name === 'ds_select_routes')
    return (args[0] ?? '').split(';').some((each) => Number(each.split('=')[1]) === CALL_LOAD);
  return /^ds_select(?:_dst|_domain)?$/.test(name) && Number(args[1]) === CALL_LOAD;
}
