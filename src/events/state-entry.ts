import { createHash } from 'node:crypto';
import { maskUri } from '../core/mask.js';
import type { Destination, HealthState } from '../engine/destination.js';
import { encodeToken } from './subject.js';

/** The current state of one destination, as in the bucket (JSON). */
export interface StateEntry {
  readonly partition: string;
  readonly group: number;
  /** URI of the destination; a password in it is "***". */
  readonly address: string;
  /** '' for any. */
  readonly socket: string;
  readonly status: 'active' | 'inactive';
  readonly state: HealthState;
  /** `seq` of the last event about it; 0: none yet. */
  readonly seq: number;
  /** ISO 8601 time of the last change; absent while the state is that of the row. */
  readonly time?: string;
  readonly reason?: string;
  /** The node that wrote the entry. */
  readonly node: string;
}

/** The entry of a destination's current state. */
export function stateEntry(destination: Destination, node: string): StateEntry {
  const { health, row } = destination;
  const change = health.lastChange;
  return {
    partition: destination.partition,
    group: destination.setId,
    address: maskUri(row.uri),
    socket: row.socket,
    status: health.state === 'active' ? 'active' : 'inactive',
    state: health.state,
    seq: health.seq,
    ...(change === undefined ? {} : { time: new Date(change.time).toISOString(), reason: change.reason }),
    node,
  };
}

/** Key in the bucket: "<partition>.<group>.<16 hexadecimal digits of the hash of URI and socket>". */
export function stateKey(entry: Pick<StateEntry, 'partition' | 'group' | 'address' | 'socket'>): string {
  const hash = createHash('sha256')
    .update(`${maskUri(entry.address)}\0${entry.socket}`)
    .digest('hex')
    .slice(0, 16);
  return `${encodeToken(entry.partition)}.${entry.group}.${hash}`;
}
