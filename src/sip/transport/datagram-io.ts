import type { Receiver, Source, TransportError } from './transport.js';

/** Called when a datagram could not be sent. */
export type ErrorListener = ((error: TransportError) => void) | undefined;

/** Reads and sends the datagrams of one UDP socket. */
export interface DatagramIo {
  /** Binds the socket, begins to receive; returns the port. Rejects with what bind(2) failed with. */
  bind(address: string, port: number): Promise<number>;
  /** Passes one message to the system, or queues it for `commit`. Never throws; errors come after this call. */
  transmit(text: string, address: string, port: number, onError: ErrorListener): void;
  /** Passes what `transmit` queued to the system. */
  commit?(): void;
  /** Passes the waiting datagrams to `receive`, many at once. Returns how many. Absent if they come by themselves. */
  read?(receive: (text: string, source: Source, receiver: Receiver) => void): number;
  /** Whether `DatagramOwner.readable` is called; beside `read` only. */
  watch?(watched: boolean): void;
  /** Milliseconds for which the receive buffer holds what may arrive; beside `read` only. */
  readonly longestWaitMs?: number;
  /** Closes the socket; what was read and not passed yet is dropped. */
  close(): Promise<void>;
}

/** The socket above. */
export interface DatagramOwner {
  readonly family: 4 | 6;
  readonly receiver: Receiver;
  /** A datagram was read. */
  received(text: string, address: string, port: number): void;
  /** Datagrams wait: `read` returns them. */
  readable(): void;
  sourceOf(address: string, port: number): Source;
}
