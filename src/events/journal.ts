import type { DispatcherEvent } from './event.js';

/** Stores the contents of an outbox on disk, in the order of adding. Nothing throws. */
export interface OutboxJournal {
  /** Stores a text; it is on disk at the end of the current event loop iteration. */
  append(id: string, text: string): void;
  /** Removes a text; after a crash it may still be there. */
  remove(id: string): void;
  /** What an earlier process left, oldest first. */
  readonly left: readonly { readonly id: string; readonly text: string }[];
  /** Keeps a text as the last delivered one of its key. */
  deliver(key: string, text: string): void;
  /** The last delivered text of each key. */
  delivered(): readonly string[];
}

/** Parses an event from the journal; undefined when it is invalid. */
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
