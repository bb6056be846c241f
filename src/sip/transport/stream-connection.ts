import type { Socket } from 'node:net';
import type { StreamLimits } from './bind.js';
import { framed, StreamFraming } from './stream-framing.js';
import { type TlsFacts, tlsFactsOf } from './tls-facts.js';
import { type Flow, later, newFlowId, type Receiver, type SipSocket, type TransportError } from './transport.js';

/** When more bytes than this wait for a peer, nothing more is read from it. */
const PAUSE_BYTES = 256 * 1024;
/** When more bytes than this wait for a peer, its keep-alives are not answered. */
const PONG_BYTES = 16 * 1024;
/** Milliseconds a peer has to read the error reply to a refused message; what it sends meanwhile is discarded. */
const REFUSED_MS = 1000;
/**
 * After a reply to a peer that has closed its sending side, milliseconds until it is checked whether the peer still
 * exists.
 */
const PROBE_MS = 100;
/** Milliseconds for replies to a peer that has closed its sending side: a little more than 64*T1. */
const HALF_CLOSED_MS = 35_000;
/** Maximum number of messages reported as failed when the connection is found to be dead. */
const MAX_UNCONFIRMED = 256;

type OnError = ((error: TransportError) => void) | undefined;

/** The socket that a connection belongs to. */
export interface ConnectionOwner extends SipSocket {
  readonly receiver: Receiver;
  readonly limits: StreamLimits;
  causeOf(error: Error): TransportError['cause'];
  /** Takes over connections whose peer speaks HTTP; undefined: SIP only. */
  readonly web: WebSide | undefined;
  /** Called for a message that may ask for the use of its connection in the other direction (RFC 5923). */
  aliasWanted(connection: StreamConnection, text: string): void;
  /** The peer has closed its sending side. */
  halfClosed(connection: StreamConnection): void;
  /** A connection was reset, timed out or cannot be read any further: requests sent over it get no more replies. */
  broken(connection: StreamConnection): void;
  /** A connection is closed. */
  forget(connection: StreamConnection): void;
}

/** Takes over connections whose peer speaks HTTP, to open a WebSocket. */
export interface WebSide {
  /** `data`: what was already read from the connection. */
  take(socket: Socket, data: Buffer): void;
}

/** One inbound or outbound connection: framing, keep-alive, and bounds on time and memory. */
export class StreamConnection implements Flow {
  readonly id = newFlowId();
  open = true;
  private connected: boolean;
  /** Whether a message was received. The first one of an inbound connection must be complete within messageMs. */
  private proven: boolean;
  private readonly framing = new StreamFraming();
  private waiting: { readonly text: string; readonly onError: OnError }[] = [];
  private waitingBytes = 0;
  /** The error callbacks of messages written since the peer last sent something. */
  private unconfirmed: ((error: TransportError) => void)[] = [];
  private timer: NodeJS.Timeout | undefined;
  private paused = false;
  /** Number of the peer's requests without a final reply. */
  private owed = 0;
  /** Whether the peer has closed its sending side and waits for replies. */
  private peerEnded = false;
  private probing: NodeJS.Timeout | undefined = undefined;
  /** Whether the peer has sent anything. */
  private served = false;
  /** Bytes counted for an incomplete message. */
  private held = 0;
  private tlsFacts: TlsFacts | undefined = undefined;

  constructor(
    private readonly owner: ConnectionOwner,
    readonly socket: Socket,
    readonly address: string,
    readonly port: number,
    readonly inbound: boolean,
  ) {
    this.connected = inbound;
    this.proven = !inbound;
    socket.setNoDelay(true);
    socket.on('timeout', () => this.fail({ cause: 'timeout', message: 'idle' }));
    socket.on('error', (error) => {
      if (this.open && this.served) owner.broken(this);
      this.broke(owner.causeOf(error), error.message);
    });
    socket.on('end', () => this.ended());
    socket.on('close', () => this.broke('refused', 'connection closed'));
    socket.on('data', (data: Buffer) => this.take(data));
    if (inbound) {
      socket.setTimeout(owner.limits.idleMs);
      this.deadline(owner.limits.messageMs, 'no message in time');
    } else {
      this.timer = setTimeout(
        () => this.fail({ cause: 'timeout', message: 'no answer to connect' }),
        owner.limits.connectMs,
      ).unref();
    }
  }

  get tls(): TlsFacts | undefined {
    this.tlsFacts ??= tlsFactsOf(this.socket);
    return this.tlsFacts;
  }

  /** The connection is established, including TLS. */
  ready(): void {
    if (!this.open) return;
    this.clearTimer();
    this.connected = true;
    this.socket.setTimeout(this.owner.limits.idleMs);
    const waiting = this.waiting;
    this.waiting = [];
    this.waitingBytes = 0;
    for (const each of waiting) this.write(each.text, each.onError);
  }

  /** Closes the connection if it is not established within `ms` milliseconds. */
  limitConnectTime(ms: number): void {
    if (this.connected || !this.open || ms >= this.owner.limits.connectMs) return;
    this.clearTimer();
    this.timer = setTimeout(() => this.fail({ cause: 'timeout', message: 'no answer to connect' }), ms).unref();
  }

  /** Sends, at once or when the connection is established. Errors are reported later, with `onError`. */
  write(text: string, onError: OnError): void {
    if (!this.open) {
      later(onError, { cause: 'refused', message: 'connection closed' });
      return;
    }
    const { maxQueuedBytes } = this.owner.limits;
    if (!this.connected) {
      if (this.waitingBytes + text.length > maxQueuedBytes) {
        later(onError, { cause: 'send', message: 'too many bytes wait for the connection' });
        return;
      }
      this.waiting.push({ text, onError });
      this.waitingBytes += text.length;
      return;
    }
    if (this.socket.writableLength > maxQueuedBytes) {
      const error = { cause: 'send', message: 'the peer does not read' } as const;
      later(onError, error);
      this.fail(error);
      return;
    }
    if (onError !== undefined && this.unconfirmed.length < MAX_UNCONFIRMED) this.unconfirmed.push(onError);
    this.socket.write(framed(text), 'latin1');
    if (this.owed > 0 && isFinalReply(text)) this.owed--;
    if (this.peerEnded) this.probe();
  }

  /**
   * A peer that has closed both directions cannot be distinguished from one that has closed its sending side, until a
   * second write fails.
   */
  private probe(): void {
    clearTimeout(this.probing);
    this.probing = setTimeout(() => {
      if (!this.open) return;
      this.socket.write('\r\n');
      if (this.owed === 0)
        this.probing = setTimeout(() => void this.end(REFUSED_MS, 'the peer has closed'), PROBE_MS).unref();
    }, PROBE_MS).unref();
  }

  /** Closes, and reports the error for waiting messages and for those written since the peer last sent something. */
  fail(error: TransportError): void {
    if (!this.open) return;
    const failed = this.release();
    this.socket.destroy();
    for (const each of failed) later(each, error);
  }

  /** Closes after all written data was sent; by force after `graceMs`. Resolves when it is closed. */
  async end(graceMs: number, why = 'shutting down'): Promise<void> {
    if (!this.open) return;
    const failed = this.release();
    for (const each of failed) later(each, { cause: 'send', message: why });
    const { socket } = this;
    if (!this.connected || socket.destroyed) {
      socket.destroy();
      return;
    }
    // The peer's data must be read: otherwise the system resets the connection and may lose what was written.
    socket.resume();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => socket.destroy(), graceMs);
      socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.end();
    });
  }

  /** The peer has closed its sending side. Its pending requests are still answered, within HALF_CLOSED_MS. */
  private ended(): void {
    if (!this.open) return;
    if (!this.inbound || this.framing.pending > 0) {
      this.broke('refused', 'connection closed');
      return;
    }
    this.owner.halfClosed(this);
    const unconfirmed = this.unconfirmed.splice(0);
    for (const each of unconfirmed) later(each, { cause: 'refused', message: 'connection closed', stale: this.served });
    if (this.owed === 0) {
      void this.end(REFUSED_MS, 'the peer has closed');
      return;
    }
    this.peerEnded = true;
    this.clearTimer();
    this.timer = setTimeout(() => void this.end(REFUSED_MS, 'the peer has closed'), HALF_CLOSED_MS).unref();
  }

  private broke(cause: TransportError['cause'], message: string): void {
    this.fail({ cause, message, stale: this.served && cause !== 'tls' });
  }

  /**
   * The bytes of a gateway cannot be split into messages any further: requests that it was sent get no more replies.
   * Not for inbound connections, since anybody could cause the search for their transactions.
   */
  private lost(): void {
    if (!this.inbound) this.owner.broken(this);
  }

  private release(): ((error: TransportError) => void)[] {
    this.open = false;
    clearTimeout(this.probing);
    this.clearTimer();
    this.owner.forget(this);
    this.hold(0);
    const failed = [...this.unconfirmed, ...this.waiting.map((each) => each.onError)];
    this.unconfirmed = [];
    this.waiting = [];
    this.waitingBytes = 0;
    return failed.filter((each) => each !== undefined);
  }

  private take(data: Buffer): void {
    if (!this.open) return;
    if (!this.proven && this.owner.web !== undefined && this.framing.pending === 0 && isHttp(data)) {
      this.surrender(this.owner.web, data);
      return;
    }
    this.served = true;
    const { owner, framing } = this;
    const events = framing.push(data.toString('latin1'));
    // Bytes that cannot be read confirm nothing.
    if (this.unconfirmed.length > 0 && events[0]?.kind !== 'broken') this.unconfirmed = [];
    let pings = 0;
    let messages = 0;
    for (const event of events) {
      if (event.kind === 'message') {
        messages++;
        if (isAnswered(event.text)) this.owed++;
        if (event.text.includes(';alias')) owner.aliasWanted(this, event.text);
        owner.receiver.receive(event.text, this.source);
        if (!this.open) return;
      } else if (event.kind === 'ping') pings++;
      else if (event.refused === undefined) {
        this.lost();
        owner.receiver.garbage(event.reason, this.source, data.length);
        this.fail({ cause: 'send', message: event.reason });
        return;
      } else {
        this.lost();
        owner.receiver.refused(event.refused.text, event.refused.code, event.reason, this.source);
        void this.end(REFUSED_MS, event.reason);
        return;
      }
    }
    const queued = this.socket.writableLength;
    if (pings > 0 && queued <= PONG_BYTES) this.socket.write('\r\n'.repeat(pings));
    if (queued > PAUSE_BYTES) this.pause();
    if (messages > 0) {
      this.proven = true;
      this.clearTimer();
    }
    if (!this.hold(framing.pending)) {
      const reason = 'too many bytes of unfinished messages';
      owner.receiver.garbage(reason, this.source, framing.pending);
      this.fail({ cause: 'send', message: reason });
      return;
    }
    if (framing.pending > 0) {
      if (this.timer === undefined) this.deadline(owner.limits.messageMs, 'a message was not completed in time');
    } else if (this.proven) this.clearTimer();
  }

  /** The peer speaks HTTP: passes the connection on. */
  private surrender(web: WebSide, data: Buffer): void {
    const { socket } = this;
    // Removes this connection's listeners from the socket.
    this.release();
    socket.setTimeout(0);
    web.take(socket, data);
  }

  private hold(bytes: number): boolean {
    const before = this.held;
    this.held = bytes;
    return this.owner.limits.unfinished.change(this.address, before, bytes);
  }

  private get source() {
    return { socket: this.owner, address: this.address, port: this.port, flow: this };
  }

  /** Stops reading requests from a peer that does not read our replies. */
  private pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.socket.pause();
    this.socket.once('drain', () => {
      this.paused = false;
      this.socket.resume();
    });
  }

  private deadline(ms: number, reason: string): void {
    this.timer = setTimeout(() => {
      this.owner.receiver.garbage(reason, this.source, this.framing.pending);
      this.fail({ cause: 'timeout', message: reason });
    }, ms).unref();
  }

  private clearTimer(): void {
    if (this.timer === undefined) return;
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}

/** Whether the first bytes of a connection are an HTTP/1 request. */
function isHttp(data: Buffer): boolean {
  return /^[A-Z]{3,16} [^\r\n ]{1,4096} HTTP\/1\.[01]\r\n/.test(data.toString('latin1', 0, 4200));
}

function isFinalReply(text: string): boolean {
  return text.startsWith('SIP/2.0 ') && text.charCodeAt(8) !== 49 /* the digit 1 */;
}

/** Whether a message is a request other than ACK, which gets a reply. */
function isAnswered(text: string): boolean {
  return !text.startsWith('SIP/') && !text.startsWith('ACK ');
}
