import { isUtf8 } from 'node:buffer';
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { trimmed } from '../../core/characters.js';
import type { StreamLimits } from './bind.js';
import { type TlsFacts, tlsFactsOf } from './tls-facts.js';
import {
  type Flow,
  later,
  newFlowId,
  type Receiver,
  type SipSocket,
  type Source,
  type TransportError,
} from './transport.js';

/** When more bytes than this wait for a peer, its pings are not answered. */
const PONG_BYTES = 16 * 1024;
/** Bytes of a client's control frame without payload (RFC 6455 section 5.2). */
const CONTROL_BYTES = 6;
/** Maximum number of pings and pongs from a peer between two of our probes. */
const MAX_CONTROLS = 500;
/** Maximum number of messages reported as failed when the connection is found to be dead. */
const MAX_UNCONFIRMED = 256;

type OnError = ((error: TransportError) => void) | undefined;

/** The socket that a connection belongs to. */
export interface WsOwner extends SipSocket {
  readonly receiver: Receiver;
  readonly limits: Pick<StreamLimits, 'maxQueuedBytes' | 'unfinished'>;
  causeOf(error: Error): TransportError['cause'];
  forget(connection: WsConnection): void;
}

/** One WebSocket connection. Each message in it is one SIP message (RFC 7118 section 5). */
export class WsConnection implements Flow {
  readonly id = newFlowId();
  open = true;
  private alive = true;
  /** Whether the peer has sent anything. */
  private served = false;
  private waiting: { readonly text: string; readonly onError: OnError }[] = [];
  private waitingBytes = 0;
  /** The error callbacks of messages written since the peer last sent something. */
  private unconfirmed: ((error: TransportError) => void)[] = [];
  private readonly source: Source;
  private silence: NodeJS.Timeout | undefined;
  /** Pings and pongs received since our last probe. */
  private controls = 0;
  /** Bytes received of an incomplete message. */
  private held = 0;
  /** Whether the last probe found an incomplete message, and none was completed since. */
  private lagging = false;
  private tlsFacts: TlsFacts | undefined = undefined;

  constructor(
    private readonly owner: WsOwner,
    private readonly socket: WebSocket,
    readonly address: string,
    readonly port: number,
    readonly inbound: boolean,
    /** Milliseconds in which a peer that connected must send its first message. */
    messageMs: number,
    /** The TCP or TLS socket of a connection that the peer opened; undefined for ours. */
    private readonly below: Socket | undefined = undefined,
  ) {
    this.source = { socket: owner, address, port, flow: this };
    if (inbound) {
      this.silence = setTimeout(() => {
        owner.receiver.garbage('no message in time', this.source, 0);
        this.fail({ cause: 'timeout', message: 'no message in time' });
      }, messageMs).unref();
    }
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data) => this.take((data as Buffer).toString('latin1')));
    socket.on('ping', (data) => {
      if (this.isFlooding()) return;
      this.hold(this.held - data.length - CONTROL_BYTES);
      this.confirm();
      if (socket.bufferedAmount <= PONG_BYTES && socket.readyState === socket.OPEN) socket.pong(data);
    });
    socket.on('pong', (data) => {
      if (this.isFlooding()) return;
      this.hold(this.held - data.length - CONTROL_BYTES);
      this.confirm();
    });
    socket.on('open', () => {
      const waiting = this.waiting;
      this.waiting = [];
      this.waitingBytes = 0;
      for (const each of waiting) this.write(each.text, each.onError);
    });
    socket.on('error', (error) => {
      // Violations of the WebSocket protocol: oversized, not UTF-8, wrongly masked.
      if (String((error as NodeJS.ErrnoException).code).startsWith('WS_ERR')) {
        owner.receiver.garbage(error.message, this.source, 0);
      }
      const cause = owner.causeOf(error);
      this.fail({ cause, message: error.message, stale: this.served && cause !== 'tls' });
    });
    socket.on('close', () => this.fail({ cause: 'refused', message: 'connection closed', stale: this.served }));
  }

  get tls(): TlsFacts | undefined {
    if (this.below !== undefined) this.tlsFacts ??= tlsFactsOf(this.below);
    return this.tlsFacts;
  }

  /** Sends, at once or when the connection is established. Errors are reported later, with `onError`. */
  write(text: string, onError: OnError): void {
    const { socket, owner } = this;
    if (!this.open || socket.readyState > socket.OPEN) {
      later(onError, { cause: 'refused', message: 'connection closed' });
      return;
    }
    if (socket.readyState === socket.CONNECTING) {
      if (this.waitingBytes + text.length > owner.limits.maxQueuedBytes) {
        later(onError, { cause: 'send', message: 'too many bytes wait for the connection' });
        return;
      }
      this.waiting.push({ text, onError });
      this.waitingBytes += text.length;
      return;
    }
    if (socket.bufferedAmount > owner.limits.maxQueuedBytes) {
      const error = { cause: 'send', message: 'the peer does not read' } as const;
      later(onError, error);
      this.fail(error);
      return;
    }
    if (onError !== undefined && this.unconfirmed.length < MAX_UNCONFIRMED) this.unconfirmed.push(onError);
    // Browsers expect text frames; bytes that are not UTF-8 need a binary frame.
    const data = Buffer.from(text, 'latin1');
    socket.send(data, { binary: !isUtf8(data) }, () => {});
  }

  /** @internal Counts bytes received from the peer that are not parsed yet. */
  arrived(bytes: number): void {
    if (!this.open || this.hold(this.held + bytes)) return;
    const reason = 'too many bytes of unfinished messages';
    this.owner.receiver.garbage(reason, this.source, this.held);
    this.fail({ cause: 'send', message: reason });
  }

  /**
   * Sends a ping. Fails the connection if the last ping was not answered, or a message has been incomplete since then.
   */
  probe(): void {
    this.controls = 0;
    if (this.lagging) {
      this.owner.receiver.garbage('a message was not completed in time', this.source, this.held);
      this.fail({ cause: 'timeout', message: 'a message was not completed in time' });
      return;
    }
    this.lagging = this.held > 0;
    if (!this.alive) {
      this.fail({ cause: 'timeout', message: 'no answer to ping' });
      return;
    }
    this.alive = false;
    if (this.socket.readyState === this.socket.OPEN) this.socket.ping();
  }

  /** Closes, and reports the error for waiting messages and for those written since the peer last sent something. */
  fail(error: TransportError): void {
    this.release(error, () => this.socket.terminate());
  }

  /** Closes with a close frame (1001: going away). */
  end(): void {
    this.release({ cause: 'send', message: 'shutting down' }, () => {
      if (this.socket.readyState === this.socket.OPEN) this.socket.close(1001);
      else this.socket.terminate();
    });
  }

  private release(error: TransportError, close: () => void): void {
    if (!this.open) return;
    this.open = false;
    clearTimeout(this.silence);
    this.hold(0);
    this.owner.forget(this);
    const failed = [...this.unconfirmed, ...this.waiting.map((each) => each.onError)];
    this.unconfirmed = [];
    this.waiting = [];
    this.waitingBytes = 0;
    close();
    for (const each of failed) later(each, error);
  }

  /**
   * Counts a control frame, and closes the connection of a peer that sends hundreds of them between two of our probes.
   */
  private isFlooding(): boolean {
    if (!this.open) return true;
    if (++this.controls <= MAX_CONTROLS) return false;
    const reason = 'too many pings and pongs';
    this.owner.receiver.garbage(reason, this.source, 0);
    this.fail({ cause: 'send', message: reason });
    return true;
  }

  private hold(bytes: number): boolean {
    const before = this.held;
    this.held = Math.max(0, bytes);
    return this.owner.limits.unfinished.change(this.address, before, this.held);
  }

  private confirm(): void {
    this.alive = true;
    this.served = true;
    if (this.unconfirmed.length > 0) this.unconfirmed = [];
  }

  private take(text: string): void {
    if (!this.open) return;
    this.hold(0);
    this.lagging = false;
    this.confirm();
    // Peers without pings send CRLF as keep-alive; a double CRLF is answered (RFC 5626 section 4.4.1).
    if (text.length <= 4 && trimmed(text) === '') {
      if (text === '\r\n\r\n' && this.socket.bufferedAmount <= PONG_BYTES) this.socket.send('\r\n');
      return;
    }
    clearTimeout(this.silence);
    this.owner.receiver.receive(text, this.source);
  }
}
