import { Emitter } from '../core/emitter.js';
import type { DispatcherEvent } from './event.js';

/**
 * The event bus. Scripts, subscribers by datagram and NATS register with it. Listeners are called in the order of their
 * registration; when one throws, the others still get the event.
 */
export class EventBus {
  private readonly listeners: Emitter<DispatcherEvent>;

  constructor(onListenerError: (error: unknown) => void) {
    this.listeners = new Emitter(onListenerError);
  }

  /** Calls `listen` with each event in the order of raising. The returned function removes it. */
  on(listen: (event: DispatcherEvent) => void): () => void {
    return this.listeners.on(listen);
  }

  /** Passes an event to all listeners before it returns. Never throws. */
  raise(event: DispatcherEvent): void {
    this.listeners.emit(event);
  }
}
