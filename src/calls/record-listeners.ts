import type { CallRecord } from './call-record.js';
import type { RecordStore } from './record-store.js';

interface Listener {
  readonly listen: (record: CallRecord) => void;
  readonly isWanted: () => boolean;
}

/**
 * Passes each record to its listeners when its call has ended. A record is read only if a listener wants it. A listener
 * that throws does not stop the others.
 */
export class RecordListeners {
  private listeners: readonly Listener[] = [];

  constructor(
    private readonly store: RecordStore,
    private readonly onError: (error: unknown) => void = () => {},
  ) {}

  /** Adds a listener; the returned function removes it. */
  on(listen: Listener['listen'], isWanted: Listener['isWanted']): () => void {
    const added = { listen, isWanted };
    this.listeners = [...this.listeners, added];
    return () => {
      this.listeners = this.listeners.filter((each) => each !== added);
    };
  }

  /** Whether a listener wants records now. */
  get isWanted(): boolean {
    const { listeners } = this;
    for (let i = 0; i < listeners.length; i++) if ((listeners[i] as Listener).isWanted()) return true;
    return false;
  }

  /** Reports the record in this slot to the listeners. */
  ended(slot: number): void {
    const { listeners } = this;
    let record: CallRecord | undefined;
    for (let i = 0; i < listeners.length; i++) {
      const { listen, isWanted } = listeners[i] as Listener;
      try {
        if (isWanted()) listen((record ??= this.store.read(slot)));
      } catch (error) {
        this.onError(error);
      }
    }
  }
}
