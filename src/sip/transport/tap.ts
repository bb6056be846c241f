import type { SipMessage } from '../message.js';
import { ForwardingReceiver } from './forwarding-receiver.js';
import type { Receiver, SipSocket, Source } from './transport.js';

/** Receives every message that is received or sent. Called on the path of each message; must not throw. */
export interface MessageTap {
  /** A message as received. */
  received(text: string, source: Source): void;
  /** A message as sent to `address`. */
  sent(text: string, socket: SipSocket, address: string, port: number): void;
}

/**
 * Rewrites messages for topology hiding: received ones before anything else sees them, sent ones after everything else.
 * Called on the path of each message; must not throw.
 */
export interface MessageMask {
  received(text: string, source: Source): string;
  sent(text: string, socket: SipSocket, address: string, port: number): string;
}

/**
 * Passes what the sockets receive to their receiver, so that a tap can be installed while calls are in progress.
 * Without one, a received message costs one comparison and a sent one nothing. The tap gets messages as they are on the
 * wire.
 */
export class TapPoint extends ForwardingReceiver {
  private tap: MessageTap | undefined = undefined;
  private mask: MessageMask | undefined = undefined;
  private sockets: readonly SipSocket[] = [];

  /** `changed` is called when a tap is installed or removed. */
  constructor(
    receiver: Receiver,
    private readonly changed: (isTapped: boolean) => void = () => undefined,
  ) {
    super(receiver);
  }

  /** Sets the sockets; the tap gets the messages they send. Called once, before `use`. */
  watch(sockets: readonly SipSocket[]): void {
    this.sockets = sockets;
  }

  /** Whether a tap is installed. */
  get isTapped(): boolean {
    return this.tap !== undefined;
  }

  /** Installs a tap, or removes it. */
  use(tap: MessageTap | undefined): void {
    if (this.tap === tap) return;
    this.tap = tap;
    this.changed(tap !== undefined);
    this.wrap();
  }

  /** Reports a message that another process has received from a source, or has sent there. */
  seen(text: string, at: Source, isSent: boolean): void {
    if (isSent) this.tap?.sent(text, at.socket, at.address, at.port);
    else this.tap?.received(text, at);
  }

  /** Installs a mask, or removes it. */
  hide(mask: MessageMask | undefined): void {
    if (this.mask === mask) return;
    this.mask = mask;
    this.wrap();
  }

  private wrap(): void {
    const { tap, mask } = this;
    for (const socket of this.sockets) {
      // Deleting the object's own method uncovers that of its class.
      Reflect.deleteProperty(socket, 'send');
      if (tap === undefined && mask === undefined) continue;
      const send = socket.send.bind(socket);
      const wrapped: SipSocket['send'] =
        mask === undefined && tap !== undefined
          ? (text, address, port, onError, flow, serverName) => {
              tap.sent(text, socket, address, port);
              send(text, address, port, onError, flow, serverName);
            }
          : (text, address, port, onError, flow, serverName) => {
              const shown = mask === undefined ? text : mask.sent(text, socket, address, port);
              tap?.sent(shown, socket, address, port);
              send(shown, address, port, onError, flow, serverName);
            };
      Object.defineProperty(socket, 'send', { value: wrapped, configurable: true, writable: true });
    }
  }

  parse(text: string): SipMessage | undefined {
    return this.mask === undefined ? this.receiver.parse?.(text) : undefined;
  }

  receive(text: string, source: Source, parsed?: SipMessage): void {
    if (this.tap !== undefined) this.tap.received(text, source);
    if (this.mask === undefined) this.receiver.receive(text, source, parsed);
    else this.receiver.receive(this.mask.received(text, source), source);
  }
}
