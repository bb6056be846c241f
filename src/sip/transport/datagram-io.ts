import type { Receiver, Source, TransportError } from './transport.js';

/** Called when a datagram could not be sent. */
export type ErrorListener = ((error: TransportError) => void) | undefined;

/** Sends the datagrams of a socket. Never throws; errors come after the call. */
export interface DatagramSender {
  /** Passes one message to the system, or queues it for `commit`. */
  transmit(text: string, address: string, port: number, onError: ErrorListener): void;
  /** Passes what `transmit` queued to the system. */
  commit?(): void;
}

/** A socket that can be read at any time, many datagrams at once. */
export interface DatagramReader {
  /** Passes the waiting datagrams to `receive`, at most BATCH. Returns how many. */
  read(receive: (text: string, source: Source, receiver: Receiver) => void): number;
  /** Whether the event loop reports that datagrams wait; else it is read by a timer. */
  watch(watched: boolean): void;
  /** Milliseconds for which its buffer holds what may arrive. */
  readonly longestWaitMs: number;
}

/** Sends the datagrams of one UDP socket, and receives them: by itself, or as a `DatagramReader` when it is read. */
export interface DatagramIo extends DatagramSender {
  /** Binds the socket, begins to receive; returns the port. Rejects with what bind(2) failed with. */
  bind(address: string, port: number): Promise<number>;
  /** Closes the socket; what was read and not passed yet is dropped. Nothing is read or sent after that. */
  close(): Promise<void>;
}

/** The socket above. */
export interface DatagramOwner {
  readonly family: 4 | 6;
  readonly receiver: Receiver;
  /** A datagram was read. */
  received(text: string, address: string, port: number): void;
  /** Reads a socket at which datagrams wait. */
  readonly queue: { read(reader: DatagramReader): void };
  sourceOf(address: string, port: number): Source;
}
