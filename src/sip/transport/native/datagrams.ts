import type { DatagramIo, DatagramOwner, DatagramReader, ErrorListener } from '../datagram-io.js';
import { MAX_QUEUED_BYTES } from '../plain-datagrams.js';
import type { Receiver, Source } from '../transport.js';
import { causeOf, later } from '../transport.js';
import { LINUX, type Libc, systemError } from './libc.js';
import { MessageArray } from './message-array.js';
import { type Descriptor, openSocket, type SocketOptions } from './open-socket.js';
import type { Poll } from './poll.js';
import { ADDRESS_BYTES, octetsOf, readAddress, writeAddress } from './socket-address.js';

/** Maximum number of datagrams per system call. */
export const BATCH = 64;
/**
 * Bytes from slot to slot. Not a power of two, since all slots would then share a few sets of the processor's caches.
 */
const RECEIVE_SLOT = 65_536 + 17 * 64;
const SEND_SLOT = 4096 + 5 * 64;
/** A longer message is sent in a system call of its own. */
const MAX_BATCHED_BYTES = 4096;
/** Size of the cache of source objects of peers, and of the cache of binary addresses. */
const RECENT_SOURCES = 1024;
const RECENT_ADDRESSES = 1024;
/** Bytes of a datagram that the system returns with an error: enough for the top Via of any request of ours. */
const QUOTED_BYTES = 2048;
/** Maximum number of reads of the error queue in one event loop iteration. */
const MAX_ERROR_READS = 16;
/** Errors of earlier datagrams that consecutive calls may report before a datagram is given up. */
const MAX_PENDING_ERRORS = 2 * BATCH;
const EAGAIN = 11;
const EINTR = 4;
const ECONNREFUSED = 111;
const EHOSTUNREACH = 113;
const NAME_BYTES = 32;
/** Bytes of a receive buffer that a burst fills in a millisecond: 32 datagrams, with the system's overhead. */
const MAX_BYTES_PER_MS = 32 * 2560;

/** Memory for receiving, shared by all sockets of a thread, since each result is copied before the next call. */
let receiving: MessageArray | undefined;
/** Memory for a message longer than MAX_BATCHED_BYTES. */
let single: MessageArray | undefined;

/** Opens a bound socket. Throws the error of the system. */
export type Opening = (libc: Libc, options: SocketOptions) => Descriptor;

/** A message that waits until the system takes more. */
interface Waiting {
  readonly text: string;
  readonly address: string;
  readonly port: number;
  readonly onError: ErrorListener;
}

/**
 * Reads and sends the datagrams of one socket, many per system call (recvmmsg(2), sendmmsg(2)), and learns which did
 * not arrive (IP_RECVERR, ip(7)). The event loop polls the descriptor.
 */
export class BatchedDatagrams implements DatagramIo, DatagramReader {
  private readonly outgoing: MessageArray;
  private readonly errors: MessageArray;
  private readonly listeners: ErrorListener[] = new Array<ErrorListener>(BATCH).fill(undefined);
  private readonly texts: string[] = new Array<string>(BATCH).fill('');
  private readonly addresses: string[] = new Array<string>(BATCH).fill('');
  private readonly ports: number[] = new Array<number>(BATCH).fill(0);
  private prepared = 0;
  private readonly octets = new Map<string, Uint8Array>();
  private readonly recent: (RecentSource | undefined)[] = new Array<RecentSource | undefined>(RECENT_SOURCES).fill(
    undefined,
  );
  private readonly family: 4 | 6;
  private fd = -1;
  private poll: Poll | undefined = undefined;
  /** Whether the event loop reports waiting datagrams. */
  private watched = true;
  /** Milliseconds for which the receive buffer can hold arriving datagrams. */
  longestWaitMs = 0;
  /** Messages that the system did not accept yet, oldest first; and their bytes. */
  private waiting: Waiting[] = [];
  private waitingBytes = 0;

  constructor(
    private readonly libc: Libc,
    private readonly owner: DatagramOwner,
    private readonly bufferBytes: number,
    /** Opens the socket: one of its own, or one that other processes read too. */
    private readonly opening: Opening = openSocket,
  ) {
    this.family = owner.family;
    this.outgoing = new MessageArray(libc, BATCH, SEND_SLOT, ADDRESS_BYTES[owner.family]);
    this.errors = new MessageArray(libc, 8, QUOTED_BYTES + 64, ADDRESS_BYTES[owner.family]);
  }

  async bind(address: string, port: number): Promise<number> {
    const { libc, family, bufferBytes } = this;
    const socket = this.opening(libc, { family, address, port, bufferBytes, octets: this.octetsFor(address) });
    try {
      receiving ??= new MessageArray(libc, BATCH, RECEIVE_SLOT, NAME_BYTES);
      this.poll = libc.poll(socket.fd, this.polled);
      this.poll.watch(false);
    } catch (error) {
      libc.close(socket.fd);
      throw error;
    }
    this.fd = socket.fd;
    this.longestWaitMs = this.receiveBufferBytes() / MAX_BYTES_PER_MS;
    return socket.port;
  }

  /**
   * Called between C functions, where promises do not run: it only reads. Messages are handled at the end of the
   * iteration.
   */
  private readonly polled = (writable: boolean, failed: boolean): void => {
    if (this.fd < 0) return;
    if (failed) setImmediate(this.recover);
    else {
      this.owner.queue.read(this);
      if (writable) {
        this.rewatch();
        setImmediate(this.sendWaiting);
      }
    }
  };

  /**
   * Polling stopped because of an error; a system call may have returned that error already. Any further error stays in
   * the queue of the socket.
   */
  private readonly recover = (): void => {
    if (this.fd < 0) return;
    this.readErrors();
    this.owner.queue.read(this);
    this.rewatch(this.waiting.length > 0);
  };

  /** Whether the event loop reports that datagrams wait. */
  watch(watched: boolean): void {
    this.watched = watched;
    this.rewatch(this.waiting.length > 0);
  }

  /** Polls for reading, and for writing if needed. */
  private rewatch(writing = false): void {
    if (this.watched || writing) this.poll?.watch(writing);
    else this.poll?.rest();
  }

  /** The size that the system granted, which may be less than requested (socket(7)). */
  private receiveBufferBytes(): number {
    const value = Buffer.alloc(4);
    const length = Buffer.alloc(4);
    length.writeInt32LE(4);
    const result = this.libc.getsockopt(this.fd, LINUX.SOL_SOCKET, LINUX.SO_RCVBUF, value, length);
    return result === 0 ? value.readInt32LE() : 0;
  }

  /** Passes up to BATCH waiting datagrams to `receive`; returns their number. */
  read(receive: (text: string, source: Source, receiver: Receiver) => void): number {
    const incoming = receiving as MessageArray;
    let count = this.libc.recvmmsg(this.fd, incoming.address, BATCH, LINUX.MSG_DONTWAIT, null);
    if (count < 0 && this.libc.errno() !== EAGAIN) {
      // The call returned the error of an earlier datagram; the waiting datagrams are read now, not with the next
      // event.
      this.readErrors();
      count = this.libc.recvmmsg(this.fd, incoming.address, BATCH, LINUX.MSG_DONTWAIT, null);
    }
    if (count < 0) return 0;
    const { receiver } = this.owner;
    for (let i = 0; i < count; i++) {
      const at = i * RECEIVE_SLOT;
      receive(incoming.data.toString('latin1', at, at + incoming.received(i)), this.sourceAt(i * NAME_BYTES), receiver);
      incoming.prepare(i);
    }
    return count;
  }

  transmit(text: string, address: string, port: number, onError: ErrorListener): void {
    if (this.waiting.length > 0) {
      this.wait(text, address, port, onError);
      return;
    }
    const known = this.octets.get(address) ?? this.octetsFor(address);
    if (known === undefined || !(port > 0 && port <= 65_535)) {
      later(onError, { cause: 'send', message: `nothing can be sent to ${address} port ${port}` });
      return;
    }
    if (text.length > MAX_BATCHED_BYTES) {
      this.commit();
      if (this.waiting.length > 0) this.wait(text, address, port, onError);
      else this.sendSingle(text, address, known, port, onError);
      return;
    }
    const index = this.prepared++;
    const { outgoing } = this;
    outgoing.data.write(text, index * SEND_SLOT, text.length, 'latin1');
    outgoing.setLength(index, text.length);
    writeAddress(outgoing.names, index * ADDRESS_BYTES[this.family], this.family, known, port);
    this.listeners[index] = onError;
    this.texts[index] = text;
    this.addresses[index] = address;
    this.ports[index] = port;
    if (this.prepared === BATCH) this.commit();
  }

  /** Passes the prepared messages to the system. */
  commit(): void {
    const count = this.prepared;
    this.prepared = 0;
    let sent = 0;
    let tried = 0;
    while (sent < count) {
      const result = this.libc.sendmmsg(this.fd, this.outgoing.from(sent), count - sent, 0);
      if (result > 0) {
        sent += result;
        tried = 0;
        // sendmmsg(2) stops at an error without returning it, so the error queue is read.
        if (sent < count) this.readErrors();
        continue;
      }
      const errno = this.libc.errno();
      if (errno === EINTR) continue;
      if (errno === EAGAIN) {
        for (; sent < count; sent++) {
          const [text, address] = [this.texts[sent] as string, this.addresses[sent] as string];
          this.wait(text, address, this.ports[sent] as number, this.listeners[sent]);
        }
        break;
      }
      // The system may return errors of earlier datagrams in the next calls. So this one is tried again, as often as
      // others may have failed.
      if ((errno === ECONNREFUSED || errno === EHOSTUNREACH) && tried++ < MAX_PENDING_ERRORS) {
        this.readErrors();
        continue;
      }
      this.failed(errno, this.listeners[sent]);
      tried = 0;
      sent++;
    }
    for (let i = 0; i < count; i++) {
      this.listeners[i] = undefined;
      this.texts[i] = '';
    }
  }

  /**
   * Reads the ICMP errors for datagrams we sent (IP_RECVERR, ip(7)): each has the destination and the beginning of the
   * datagram. Must be called after each failed call on the socket, else the system keeps reporting the socket as ready.
   */
  private readErrors(): void {
    const { errors, family } = this;
    for (let round = 0; round < MAX_ERROR_READS; round++) {
      const count = this.libc.recvmmsg(this.fd, errors.address, errors.count, LINUX.MSG_ERRQUEUE, null);
      if (count <= 0) return;
      for (let i = 0; i < count; i++) {
        const name = i * errors.nameBytes;
        const at = i * errors.slotBytes;
        const text = errors.data.toString('latin1', at, at + Math.min(errors.received(i), QUOTED_BYTES));
        const port = errors.names.readUInt16BE(name + 2);
        errors.prepare(i);
        this.owner.receiver.undelivered(text, readAddress(errors.names, name, family), port);
      }
    }
  }

  async close(): Promise<void> {
    if (this.fd < 0) return;
    this.poll?.close();
    this.libc.close(this.fd);
    this.fd = -1;
    this.waiting = [];
  }

  private failed(errno: number, onError: ErrorListener): void {
    if (onError === undefined) return;
    const error = systemError('send', errno);
    later(onError, { cause: causeOf(error), message: error.message });
  }

  private sendSingle(text: string, address: string, octets: Uint8Array, port: number, onError: ErrorListener): void {
    const memory = (single ??= new MessageArray(this.libc, 1, RECEIVE_SLOT, NAME_BYTES));
    memory.data.write(text, 0, text.length, 'latin1');
    memory.setLength(0, text.length);
    memory.setNameLength(0, ADDRESS_BYTES[this.family]);
    writeAddress(memory.names, 0, this.family, octets, port);
    for (let attempt = 0; ; attempt++) {
      if (this.libc.sendmmsg(this.fd, memory.address, 1, 0) > 0) return;
      const errno = this.libc.errno();
      if (errno === EAGAIN) this.wait(text, address, port, onError);
      else if (attempt < MAX_PENDING_ERRORS && (errno === EINTR || errno === ECONNREFUSED || errno === EHOSTUNREACH)) {
        // As in `commit`: this may be the error of an earlier datagram.
        this.readErrors();
        continue;
      } else this.failed(errno, onError);
      return;
    }
  }

  /** Queues a message until the system accepts more. */
  private wait(text: string, address: string, port: number, onError: ErrorListener): void {
    if (this.waitingBytes + text.length > MAX_QUEUED_BYTES) {
      later(onError, { cause: 'send', message: 'too many datagrams wait for the network' });
      return;
    }
    if (this.waiting.length === 0) this.poll?.watch(true);
    this.waiting.push({ text, address, port, onError });
    this.waitingBytes += text.length;
  }

  private readonly sendWaiting = (): void => {
    const { waiting } = this;
    if (waiting.length === 0 || this.fd < 0) return;
    this.waiting = [];
    this.waitingBytes = 0;
    for (const { text, address, port, onError } of waiting) this.transmit(text, address, port, onError);
    this.commit();
  };

  /**
   * The binary form of an address of this family, with the number of its zone if it has one; undefined for other
   * addresses.
   */
  private octetsFor(address: string): Uint8Array | undefined {
    if (address.indexOf(':') >= 0 !== (this.family === 6)) return undefined;
    const zone = address.indexOf('%');
    const plain = octetsOf(address);
    const octets = zone < 0 ? plain : withZone(plain, this.libc.if_nametoindex(address.slice(zone + 1)));
    if (this.octets.size >= RECENT_ADDRESSES) this.octets.clear();
    this.octets.set(address, octets);
    return octets;
  }

  /** Returns the same object for a peer that sent recently, since transactions keep it for half a minute. */
  private sourceAt(name: number): Source {
    const { names } = receiving as MessageArray;
    const port = ((names[name + 2] as number) << 8) | (names[name + 3] as number);
    const [first, length] = this.family === 4 ? [name + 4, 4] : [name + 8, 16];
    const slot = (port ^ (names[first + length - 1] as number)) & (RECENT_SOURCES - 1);
    const recent = this.recent[slot];
    if (recent !== undefined && recent.source.port === port && sameOctets(recent.octets, names, first)) {
      return recent.source;
    }
    const source = this.owner.sourceOf(readAddress(names, name, this.family), port);
    this.recent[slot] = { source, octets: Uint8Array.prototype.slice.call(names, first, first + length) };
    return source;
  }
}

interface RecentSource {
  readonly source: Source;
  readonly octets: Uint8Array;
}

function sameOctets(known: Uint8Array, names: Buffer, from: number): boolean {
  for (let i = 0; i < known.length; i++) if (known[i] !== names[from + i]) return false;
  return true;
}

/** sin6_scope_id follows the address (ipv6(7)). */
function withZone(octets: Uint8Array, zone: number): Uint8Array {
  const all = new Uint8Array(20);
  all.set(octets);
  new DataView(all.buffer).setUint32(16, zone, true);
  return all;
}
