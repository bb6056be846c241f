import type { DispatcherEvent } from './event.js';

/** What an outbox holds, kept on disk in the order it was added. Nothing here throws. */
export interface OutboxJournal {
  /** Keeps a text; on disk before the present event loop iteration has ended. */
  append(id: string, text: string): void;
  /** Forgets it; may come back after a crash. */
  remove(id: string): void;
  /** What an earlier process left, oldest first. */
  readonly left: readonly { readonly id: string; readonly text: string }[];
}

/** An event as the journal keeps it; undefined for what is none. */
export function storedEvent(text: string): DispatcherEvent | undefined {
  try {
    const { name, params, key, id, subject } = JSON.parse(text) as Partial<DispatcherEvent>;
    const isWhole = [name, key, id].every((each) => typeof each === 'string') && Array.isArray(subject);
    if (!isWhole || typeof params !== 'object' || params === null) return undefined;
    return { name, params, key, id, subject } as DispatcherEvent;
  } catch {
    return undefined;
  }
}
