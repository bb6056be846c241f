import { encodeToken } from '../events/subject.js';

/** Key of the value that switches probing on or off, for one partition or (undefined) for all. */
export function probingKey(partition: string | undefined): string {
  return partition === undefined ? 'p' : `p.${encodeToken(partition)}`;
}

/**
 * Reads a value of the bucket; undefined when the key is not that of such a switch. Anybody with access to the bucket
 * may have written it. A value that is invalid or was removed means that probing is on.
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
