import { encodeToken } from '../events/subject.js';

/** Key of the value that says whether probes are sent; of one partition, or without one of all. */
export function probingKey(partition: string | undefined): string {
  return partition === undefined ? 'p' : `p.${encodeToken(partition)}`;
}

/**
 * Reads a value of the bucket; undefined for one that is no such switch. Whoever may write to the bucket may have written
 * it. What cannot be read, and what was removed, says that probes are sent.
 */
export function probingSwitch(key: string, text: string): { on: boolean; partition?: string } | undefined {
  if (key === 'p') return { on: switchOf(text)?.probing !== false };
  if (!key.startsWith('p.')) return undefined;
  const value = switchOf(text);
  const { partition } = value ?? {};
  if (typeof partition !== 'string' || probingKey(partition) !== key) return undefined;
  return { on: value?.probing !== false, partition };
}

function switchOf(text: string): { probing?: unknown; partition?: unknown } | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return value !== null && typeof value === 'object' ? value : undefined;
  } catch {
    return undefined;
  }
}
