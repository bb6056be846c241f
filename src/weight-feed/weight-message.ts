import { MAX_WEIGHT } from '../engine/weight.js';
import { isServerLoad, type ServerLoad } from './server-load.js';

/**
 * What a message sets for a destination: a weight (undefined: that of its row), or a load from which the weight is
 * computed.
 */
export interface WeightMessage {
  /** '' for the default partition. */
  readonly partition: string;
  readonly setId: number;
  readonly address: string;
  readonly value: { readonly weight: number | undefined } | { readonly load: ServerLoad };
}

/** Longest message that is read: a destination's address has some hundred characters at most. */
const MAX_LENGTH = 8192;

/**
 * Reads {"partition", "set", "address", "weight"}, or with "sessions", "max_sessions" and "idle_cpu" instead of
 * "weight". A weight of null restores that of the row. Returns an error text when the message is wrong.
 */
export function parseWeightMessage(text: string): WeightMessage | string {
  if (text.length > MAX_LENGTH) return `longer than ${MAX_LENGTH} characters`;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return 'not JSON';
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return 'not a JSON object';
  const fields = new Map<string, unknown>(Object.entries(parsed));
  const partition = fields.get('partition') ?? '';
  const set = fields.get('set');
  const address = fields.get('address');
  if (typeof partition !== 'string') return 'partition is not a string';
  const setId = typeof set === 'string' && /^[0-9]{1,10}$/.test(set) ? Number(set) : set;
  if (typeof setId !== 'number' || !Number.isSafeInteger(setId)) return 'set is not a whole number';
  if (typeof address !== 'string') return 'address is not a string';
  const value = readValue(fields);
  return typeof value === 'string' ? value : { partition, setId, address, value };
}

function readValue(fields: ReadonlyMap<string, unknown>): WeightMessage['value'] | string {
  const weight = fields.get('weight');
  if (weight === null) return { weight: undefined };
  if (weight !== undefined) {
    return typeof weight === 'number' && Number.isInteger(weight) && weight >= 0 && weight <= MAX_WEIGHT
      ? { weight }
      : `weight is not a whole number between 0 and ${MAX_WEIGHT}`;
  }
  const number = (name: string): number => {
    const value = fields.get(name);
    return typeof value === 'number' ? value : Number.NaN;
  };
  const load = { sessions: number('sessions'), maxSessions: number('max_sessions'), idleCpu: number('idle_cpu') };
  return isServerLoad(load) ? { load } : 'neither weight nor sessions, max_sessions and idle_cpu';
}
