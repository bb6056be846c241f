import type { CallRecord } from './call-record.js';
import type { RecordStore } from './record-store.js';

interface Listener {
  readonly listen: (record: CallRecord) => void;
  readonly isWanted: () => boolean;
}

/** Who takes each record at its end. A record is read only for those who want it; one that throws stops no other. */
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

  /** Whether somebody wants records now. */
  get isHeard(): boolean {
    const { listeners } = this;
    for (let i = 0; i < listeners.length; i++) if ((listeners[i] as Listener).isWanted()) return true;
    return false;
  }

  /** The record in this slot has ended. */
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
