import type { Random } from '../../src/core/random.js';
import type { Destination, HealthState } from '../../src/engine/destination.js';
import type { StateChange } from '../../src/engine/state.js';

/** Randomness that always returns the same values. */
export const fixedRandom: Random = { uint32: () => 7, token: (bytes) => '1a2b3c4d5e6f7a8b'.slice(0, bytes * 2) };

/** A destination as in a snapshot. */
export function makeDestination(
  values: { partition?: string; setId?: number; uri?: string; socket?: string; state?: HealthState } = {},
): Destination {
  const { partition = 'acme', setId = 1, uri = 'sip:10.0.0.2:5060', socket = '', state = 'active' } = values;
  const match = /^sips?:(?:[^@]*@)?(\[[^\]]*\]|[^:;]+)(?::([0-9]+))?/.exec(uri);
  const host = match?.[1] ?? '';
  const port = match?.[2] === undefined ? undefined : Number(match[2]);
  const bare = host.replace(/^\[|\]$/g, '');
  return {
    key: `${partition}|${setId}|${uri}|${socket}`,
    partition,
    setId,
    serial: 1,
    index: 0,
    row: { setId, uri, socket, state, probeMode: 0, weight: 1, priority: 0, attrs: '', description: '' },
    dialUri: uri,
    scheme: 'sip',
    host,
    port,
    params: '',
    transport: 'udp',
    health: { state, failures: 0, hits: 0, seq: 0, dirty: false },
    resolved: [{ family: bare.includes(':') ? 6 : 4, address: bare, port: port ?? 5060, transport: 'udp' }],
  };
}

/** Inverts a destination's usability as the state table would, and reports the change. */
export function flip(destination: Destination, values: Partial<StateChange> = {}): StateChange {
  const { health } = destination;
  const previous = health.state;
  const state: HealthState = previous === 'active' ? 'probing' : 'active';
  health.state = state;
  health.seq++;
  return {
    destination,
    previous,
    state,
    edge: state === 'active' ? 'active' : 'inactive',
    seq: health.seq,
    time: Date.UTC(2026, 10, 21, 7, 0, 0, 123),
    origin: 'probe',
    reason: state === 'active' ? '200 OK probing reply' : 'negative probing reply',
    code: state === 'active' ? 200 : 503,
    cause: undefined,
    address: destination.row.uri,
    ...values,
  };
}
