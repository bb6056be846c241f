import { Emitter } from '../core/emitter.js';
import type { DispatcherEvent } from './event.js';

/**
 * The one bus of events. Everything that wants events registers with it: scripts, subscribers by datagram, NATS. Listeners
 * are called in the order they registered; the others receive the event even when one throws.
 */
export class EventBus {
  private readonly listeners: Emitter<DispatcherEvent>;

  constructor(onListenerError: (error: unknown) => void) {
    this.listeners = new Emitter(onListenerError);
  }

  /** Calls `listen` with each event, in the order raised. The returned function removes it. */
  on(listen: (event: DispatcherEvent) => void): () => void {
    return this.listeners.on(listen);
  }

  /** Gives an event to all listeners before it returns. Never throws. */
  raise(event: DispatcherEvent): void {
    this.listeners.emit(event);
  }
}
