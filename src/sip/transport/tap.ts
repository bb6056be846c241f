import type { Flow, Receiver, SipSocket, Source } from './transport.js';

/** Hears every message as it comes and leaves. Called in the path of each message; must not throw. */
export interface MessageTap {
  received(text: string, source: Source): void;
  sent(text: string, socket: SipSocket, address: string, port: number): void;
}

/**
 * Stands between the sockets and what receives from them, so that a tap can be put there while calls go on. Without a tap a message
 * that comes costs one comparison, one that leaves nothing.
 */
export class TapPoint implements Receiver {
  private tap: MessageTap | undefined;
  private sockets: readonly SipSocket[] = [];

  constructor(private readonly receiver: Receiver) {}

  /** Names the sockets whose sending is heard; to be called once, before `use`. */
  watch(sockets: readonly SipSocket[]): void {
    this.sockets = sockets;
  }

  /** Puts a tap in place, or takes it away. */
  use(tap: MessageTap | undefined): void {
    if (this.tap === tap) return;
    this.tap = tap;
    for (const socket of this.sockets) {
      // The method of its class is what is left when the one of its own is gone.
      Reflect.deleteProperty(socket, 'send');
      if (tap === undefined) continue;
      const send = socket.send.bind(socket);
      const tapped: SipSocket['send'] = (text, address, port, onError, flow, serverName) => {
        tap.sent(text, socket, address, port);
        send(text, address, port, onError, flow, serverName);
      };
      Object.defineProperty(socket, 'send', { value: tapped, configurable: true, writable: true });
    }
  }

  receive(text: string, source: Source): void {
    if (this.tap !== undefined) this.tap.received(text, source);
    this.receiver.receive(text, source);
  }

  garbage(reason: string, source: Source, bytes: number): void {
    this.receiver.garbage(reason, source, bytes);
  }

  refused(head: string, code: number, reason: string, source: Source): void {
    this.receiver.refused(head, code, reason, source);
  }

  undelivered(text: string, address: string, port: number): void {
    this.receiver.undelivered(text, address, port);
  }

  connectionBroken(flow: Flow): void {
    this.receiver.connectionBroken(flow);
  }
}
