import type { PvarValue } from '../../pvar/context.js';
import type { VariableDefinition } from '../../pvar/variables/definition.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import { PerCall } from '../../script/per-call.js';
import { runEvent } from '../../script/service-routes.js';
import { scopeOf } from '../script-variable.js';
import { hashTables } from './tables.js';
import { inSlots } from './walks.js';

/**
 * Maximum number of entries removed in one step, and milliseconds until the next step: all processes handle calls in
 * between.
 */
const MAX_AT_ONCE = 5000;
const NEXT_MS = 1;

/** The entry for which the event route runs. */
const expired = new PerCall<{ readonly key: string; readonly value: PvarValue } | undefined>(() => undefined);

/** Runs event_route[htable:expired:NAME] for expired entries at intervals; the returned function stops that. */
export function startExpiry(env: () => ScriptEnvironment): () => void {
  const { modules, clock } = env();
  if (!modules.loaded.has('htable')) return () => undefined;
  const ms = Math.max(1, modules.module('htable').int('timer_interval', 20)) * 1000;
  let stop: () => void = () => undefined;
  const sweep = (): void => {
    const now = env();
    let left = false;
    // As recorded, the table defined last comes first.
    for (const [name, table] of [...now.modules.of(hashTables)].reverse()) {
      const event = `htable:expired:${name}`;
      if (now.script.route('event', event) === undefined) continue;
      const found = new Map(table.entries.expired(clock.monotonic(), MAX_AT_ONCE));
      for (const key of inSlots([...found.keys()], table.slots)) {
        const value = found.get(key) ?? null;
        runEvent(now, event, ({ call }) => expired.set(call, { key, value }));
      }
      left = found.size >= MAX_AT_ONCE;
      if (left) break;
    }
    stop = clock.schedule(left ? NEXT_MS : ms, sweep);
  };
  stop = clock.schedule(ms, sweep);
  return () => stop();
}

/** $shtrecord(key) and $shtrecord(value). As recorded, their null is "" in a text. */
export const shtrecord: VariableDefinition = {
  argument: 'required',
  indexed: false,
  shownNull: '',
  compile: (argument) => {
    const part = argument?.constant;
    if (part !== 'key' && part !== 'value') throw new Error('is $shtrecord(key) or $shtrecord(value)');
    return {
      get: (context) => {
        const { call } = scopeOf(context);
        const record = call === undefined ? undefined : expired.known(call);
        return record?.[part] ?? null;
      },
    };
  },
};
