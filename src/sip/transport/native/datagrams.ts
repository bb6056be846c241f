import type { Receiver, Source, TransportError } from '../transport.js';
import { causeOf } from '../transport.js';
import { LINUX, type Libc, systemError } from './libc.js';
import { MessageArray } from './message-array.js';
import { ADDRESS_BYTES, octetsOf, readAddress, writeAddress } from './socket-address.js';

/** Maximum number of datagrams per system call. */
export const BATCH = 64;
/** Octets from slot to slot: not a power of two, else all slots share a few sets of the processor's caches. */
const RECEIVE_SLOT = 65_536 + 17 * 64;
const SEND_SLOT = 4096 + 5 * 64;
/** A message longer than this is sent by itself. */
const MAX_BATCHED_BYTES = 4096;
/** Number of peers whose source objects are reused, and of addresses whose octets are. */
const RECENT_SOURCES = 1024;
const RECENT_ADDRESSES = 1024;
/** Octets of a datagram that the system quotes in an error: enough for the topmost Via of any request of ours. */
const QUOTED_BYTES = 2048;
/** Reads of the error queue in one event loop iteration at most. */
const MAX_ERROR_READS = 16;
const EAGAIN = 11;
const EINTR = 4;
const ECONNREFUSED = 111;
const EHOSTUNREACH = 113;
const NAME_BYTES = 32;

/** Memory for receiving, shared by all sockets of a thread: the result of one call is copied out before the next. */
export function receiveArray(libc: Libc): MessageArray {
  return new MessageArray(libc, BATCH, RECEIVE_SLOT, NAME_BYTES);
}

/** What a socket that reads and sends in batches does with what it cannot send itself. */
export interface BatchOwner {
  /** Sends one message by node:dgram: the system's buffer is full, and Node waits for it. */
  sendPlain(text: string, address: string, port: number, onError: ErrorListener): void;
  sourceOf(address: string, port: number): Source;
}

type ErrorListener = ((error: TransportError) => void) | undefined;

/**
 * Opens and binds a UDP socket that reports errors by datagram, and returns its descriptor. Throws what bind(2) failed
 * with, `code` as Node names it.
 */
export function openDatagramSocket(libc: Libc, family: 4 | 6, address: string, port: number): number {
  const six = family === 6;
  const type = LINUX.SOCK_DGRAM | LINUX.SOCK_NONBLOCK | LINUX.SOCK_CLOEXEC;
  const fd = libc.socket(six ? LINUX.AF_INET6 : LINUX.AF_INET, type, 0);
  if (fd < 0) throw systemError('socket', libc.errno());
  const on = Buffer.alloc(4);
  on.writeInt32LE(1);
  if (six) libc.setsockopt(fd, LINUX.IPPROTO_IPV6, LINUX.IPV6_V6ONLY, on, 4);
  if (six) libc.setsockopt(fd, LINUX.IPPROTO_IPV6, LINUX.IPV6_RECVERR, on, 4);
  else libc.setsockopt(fd, LINUX.IPPROTO_IP, LINUX.IP_RECVERR, on, 4);
  const name = Buffer.alloc(NAME_BYTES);
  writeAddress(name, 0, family, octetsOf(address), port);
  if (libc.bind(fd, name, ADDRESS_BYTES[family]) === 0) return fd;
  const errno = libc.errno();
  libc.close(fd);
  throw systemError('bind', errno);
}

/** Reads and sends the datagrams of one bound socket, many in one system call (recvmmsg(2), sendmmsg(2)). */
export class BatchedDatagrams {
  private readonly outgoing: MessageArray;
  private readonly errors: MessageArray;
  private readonly listeners: ErrorListener[] = new Array<ErrorListener>(BATCH).fill(undefined);
  private readonly texts: string[] = new Array<string>(BATCH).fill('');
  private readonly addresses: string[] = new Array<string>(BATCH).fill('');
  private readonly ports: number[] = new Array<number>(BATCH).fill(0);
  private waiting = 0;
  private readonly octets = new Map<string, Uint8Array>();
  private readonly recent: (RecentSource | undefined)[] = new Array<RecentSource | undefined>(RECENT_SOURCES).fill(
    undefined,
  );

  constructor(
    private readonly libc: Libc,
    private readonly fd: number,
    private readonly family: 4 | 6,
    private readonly incoming: MessageArray,
    private readonly owner: BatchOwner,
    private readonly receiver: Receiver,
  ) {
    this.outgoing = new MessageArray(libc, BATCH, SEND_SLOT, ADDRESS_BYTES[family]);
    this.errors = new MessageArray(libc, 8, QUOTED_BYTES + 64, ADDRESS_BYTES[family]);
  }

  /** Passes the waiting datagrams, at most BATCH, to `receive`. Returns how many. */
  read(receive: (text: string, source: Source, receiver: Receiver) => void): number {
    const { incoming } = this;
    const count = this.libc.recvmmsg(this.fd, incoming.address, BATCH, LINUX.MSG_DONTWAIT, null);
    if (count < 0) {
      if (this.libc.errno() === ECONNREFUSED || this.libc.errno() === EHOSTUNREACH) this.readErrors();
      return 0;
    }
    for (let i = 0; i < count; i++) {
      const at = i * RECEIVE_SLOT;
      receive(
        incoming.data.toString('latin1', at, at + incoming.received(i)),
        this.sourceAt(i * NAME_BYTES),
        this.receiver,
      );
      incoming.prepare(i);
    }
    return count;
  }

  /**
   * Queues a message for `commit`. Returns false for what node:dgram has to send: a message longer than a slot, an
   * address of the other family or with a zone, an invalid port.
   */
  add(text: string, address: string, port: number, onError: ErrorListener): boolean {
    if (text.length > MAX_BATCHED_BYTES || !(port > 0 && port <= 65_535)) return false;
    const known = this.octets.get(address) ?? this.learn(address);
    if (known === undefined) return false;
    const index = this.waiting++;
    const { outgoing } = this;
    outgoing.data.write(text, index * SEND_SLOT, text.length, 'latin1');
    outgoing.setLength(index, text.length);
    writeAddress(outgoing.names, index * ADDRESS_BYTES[this.family], this.family, known, port);
    this.listeners[index] = onError;
    this.texts[index] = text;
    this.addresses[index] = address;
    this.ports[index] = port;
    if (this.waiting === BATCH) this.commit();
    return true;
  }

  /** Passes the queued messages to the system. */
  commit(): void {
    const count = this.waiting;
    this.waiting = 0;
    let sent = 0;
    let pending = false;
    while (sent < count) {
      const result = this.libc.sendmmsg(this.fd, this.outgoing.from(sent), count - sent, 0);
      if (result > 0) {
        sent += result;
        pending = false;
        // A call that stops early met an error, and does not name it (sendmmsg(2)): nothing else reports it.
        if (sent < count) this.readErrors();
        continue;
      }
      const errno = this.libc.errno();
      if (errno === EINTR) continue;
      if (errno === EAGAIN) {
        for (; sent < count; sent++) this.withRest(sent);
        break;
      }
      // The system reports the error of an earlier datagram in the next call: this one is tried once more.
      if ((errno === ECONNREFUSED || errno === EHOSTUNREACH) && !pending) {
        pending = true;
        this.readErrors();
        continue;
      }
      const error = systemError('send', errno);
      this.listeners[sent]?.({ cause: causeOf(error), message: error.message });
      pending = false;
      sent++;
    }
    for (let i = 0; i < count; i++) {
      this.listeners[i] = undefined;
      this.texts[i] = '';
    }
  }

  /**
   * Reads the ICMP errors for our datagrams (ip(7), IP_RECVERR): the destination of each, and its beginning. Must be
   * called whenever a call on the socket failed, else the system keeps reporting the socket as ready.
   */
  readErrors(): void {
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
        this.receiver.undelivered(text, readAddress(errors.names, name, family), port);
      }
    }
  }

  private withRest(index: number): void {
    this.owner.sendPlain(
      this.texts[index] as string,
      this.addresses[index] as string,
      this.ports[index] as number,
      this.listeners[index],
    );
  }

  private learn(address: string): Uint8Array | undefined {
    if (address.indexOf('%') >= 0 || address.indexOf(':') >= 0 !== (this.family === 6)) return undefined;
    if (this.octets.size >= RECENT_ADDRESSES) this.octets.clear();
    const octets = octetsOf(address);
    this.octets.set(address, octets);
    return octets;
  }

  /** Reuses the object of a peer that sent recently: transactions keep it for half a minute. */
  private sourceAt(name: number): Source {
    const { names } = this.incoming;
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
