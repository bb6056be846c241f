import type { Engine } from '../engine/engine.js';
import type { Partition } from '../engine/partition.js';
import { destinationsOf } from '../engine/set.js';
import { E_DISPATCHER_STATUS } from '../events/catalogue.js';
import type { DispatcherEvent } from '../events/event.js';
import type { PvarValue } from '../pvar/context.js';
import { reasonPhrase } from '../sip/reply.js';

/** event_callback_mode: 0: each change; 1: none caused by a script; 2: also active destinations after a load. */
export type UpDownMode = 0 | 1 | 2;

/** Kamailio's event for a change of usability. */
export interface UpDown {
  readonly name: 'dispatcher:dst-up' | 'dispatcher:dst-down';
  readonly params: DispatcherEvent['params'];
}

/** Kamailio's event for a change of one of its destinations; undefined where it raises none (recorded). */
export function upDownOf(
  { name, params }: DispatcherEvent,
  engine: Pick<Engine, 'partition'>,
  mode: UpDownMode,
): UpDown | undefined {
  const { status, address, partition, reason } = params;
  if (name !== E_DISPATCHER_STATUS || typeof address !== 'string') return undefined;
  if (engine.partition(String(partition))?.flavour.raisesUpDown !== true) return undefined;
  if (mode === 1 && String(reason).startsWith('script function')) return undefined;
  return { name: status === 'active' ? 'dispatcher:dst-up' : 'dispatcher:dst-down', params };
}

/** The events of mode 2 after a load: one for each active destination. */
export function* upAfterLoad({ name, flavour, snapshot }: Partition): Generator<UpDown> {
  if (!flavour.raisesUpDown) return;
  for (const { health, setId, row } of destinationsOf(snapshot)) {
    if (health.state !== 'active') continue;
    const params = { partition: name, group: setId, address: row.uri, status: 'active', reason: 'loaded' };
    yield { name: 'dispatcher:dst-up', params };
  }
}

/**
 * What the event route of a change can read by $dsv(...): the status of the probe's reply, its phrase, and in `flags`
 * whether there was a reply. Empty when no probe caused the change.
 */
export function probeValues({ code, cause }: DispatcherEvent['params']): ReadonlyMap<string, PvarValue> {
  if (typeof code !== 'number') return new Map();
  const replied = cause === undefined;
  return new Map<string, PvarValue>([
    ['code', code],
    ['reason', replied ? reasonPhrase(code) : null],
    ['flags', replied ? 1 : 0],
  ]);
}
