import type { Receiver, Source, TransportError } from './transport.js';

/** Called when a datagram could not be sent. */
export type ErrorListener = ((error: TransportError) => void) | undefined;

/** Sends the datagrams of a socket. Never throws; errors are reported after the call returns. */
export interface DatagramSender {
  /** Gives one message to the system, or queues it until `commit`. */
  transmit(text: string, address: string, port: number, onError: ErrorListener): void;
  /** Gives the queued messages to the system. */
  commit?(): void;
}

/** A socket that can be read on demand, many datagrams at once. */
export interface DatagramReader {
  /** Passes up to BATCH waiting datagrams to `receive`; returns their number. */
  read(receive: (text: string, source: Source, receiver: Receiver) => void): number;
  /** Whether the event loop watches the socket; otherwise a timer reads it. */
  watch(watched: boolean): void;
  /** Milliseconds for which the socket's buffer can hold arriving datagrams. */
  readonly longestWaitMs: number;
}

/**
 * Sends and receives the datagrams of one UDP socket. It reads when datagrams arrive, or on demand as a
 * `DatagramReader`.
 */
export interface DatagramIo extends DatagramSender {
  /** Binds the socket and begins to receive; returns the port. Rejects with the error of bind(2). */
  bind(address: string, port: number): Promise<number>;
  /** Closes the socket; datagrams that were read but not passed on are dropped. Afterwards nothing is read or sent. */
  close(): Promise<void>;
}

/** The UDP socket of the layer above. */
export interface DatagramOwner {
  readonly family: 4 | 6;
  readonly receiver: Receiver;
  /** Receives a datagram that was read. */
  received(text: string, address: string, port: number): void;
  /** Reads a socket that has datagrams. */
  readonly queue: { read(reader: DatagramReader): void };
  sourceOf(address: string, port: number): Source;
}
