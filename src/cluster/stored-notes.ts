import type { Announcer } from './announcer.js';

/** Maximum number of edges in one message. */
const MAX_NOTES = 500;
const MAX_TEXT = 128 * 1024;

/** The text that reports which edges have been stored since the last one; undefined if none. */
export function storedNote(announcer: Announcer): string | undefined {
  const list = announcer.takeFresh(MAX_NOTES);
  return list.length === 0 ? undefined : JSON.stringify(list);
}

/**
 * Handles another node's report of stored edges: if this node becomes the owner of a destination, it need not publish
 * them.
 */
export function takeStoredNote(announcer: Announcer, text: string): void {
  if (text.length > MAX_TEXT) return;
  try {
    const list = JSON.parse(text) as unknown;
    for (const each of Array.isArray(list) ? (list.slice(0, MAX_NOTES) as unknown[]) : []) {
      const [key, edge] = Array.isArray(each) ? (each as unknown[]) : [];
      if (typeof key === 'string' && Number.isSafeInteger(edge)) announcer.edgeStored(key, edge as number);
    }
  } catch {
    // Anybody may publish such a message, so an invalid one is ignored.
  }
}
