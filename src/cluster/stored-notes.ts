import type { Announcer } from './announcer.js';

/** Edges in one message about what is stored. */
const MOST = 500;
const MAX_TEXT = 128 * 1024;

/** The text that says which edges have been stored since the last one; undefined for none. */
export function storedNote(announcer: Announcer): string | undefined {
  const list = announcer.takeFresh(MOST);
  return list.length === 0 ? undefined : JSON.stringify(list);
}

/** Takes what another node says is stored: it need not be published again should its destination come here. */
export function takeStoredNote(announcer: Announcer, text: string): void {
  if (text.length > MAX_TEXT) return;
  try {
    const list = JSON.parse(text) as unknown;
    for (const each of Array.isArray(list) ? (list.slice(0, MOST) as unknown[]) : []) {
      const [key, edge] = Array.isArray(each) ? (each as unknown[]) : [];
      if (typeof key === 'string' && Number.isSafeInteger(edge)) announcer.heardStored(key, edge as number);
    }
  } catch {
    // Anybody may publish there.
  }
}
