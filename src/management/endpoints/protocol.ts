import type { Caller } from '../../access/caller.js';

/**
 * What the endpoints ask of a protocol. MI and Kamailio's RPC are two of them, over the same FIFO, datagram and stream
 * endpoints; each cuts bytes into requests and answers them in its own way.
 */
export interface FifoProtocol<Item> {
  /** Cuts what is read into requests; one for each FIFO. */
  framing(): Framing<Item>;
  /** Runs one request. Returns the plain name of the FIFO its answer goes to, '' for nowhere. Never rejects. */
  answer(item: Item, caller: Caller): Promise<FifoAnswer>;
  /** Who sent a request, as far as it says: requests of one sender run one after the other. '': unknown. */
  sender(item: Item): string;
  /** Counts and logs what no request was run for. */
  refuse(reason: string, message: string): void;
}

/** An answer and the FIFO it goes to. */
export interface FifoAnswer {
  readonly reply: string;
  /** undefined where nothing is answered. */
  readonly pieces: readonly string[] | undefined;
}

/** Cuts what is read into requests. */
export interface Framing<Item> {
  push(chunk: Buffer): readonly Item[];
  /** Whether a request has begun and not ended. */
  readonly waiting: boolean;
  /** Gives up the request that has begun. */
  expire(): readonly Item[];
}

/** One request a packet. */
export interface DatagramProtocol {
  /** What its sockets are called in messages: "MI datagram socket". */
  readonly what: string;
  /** The answer, no longer than `limit` bytes; undefined where nothing is answered. */
  answer(bytes: Buffer, caller: Caller, limit: number): Promise<Buffer | undefined>;
  refuse(reason: string, message: string): void;
}

/** Requests on a connection, one after the other. */
export interface StreamProtocol {
  readonly what: string;
  /**
   * Runs the request that `held` begins with. Undefined when it is not whole yet; `used` bytes are then taken off, and after
   * an answer with `close` the connection is closed.
   */
  answer(
    held: Buffer,
    caller: Caller,
  ): Promise<{ readonly bytes: Buffer; readonly used: number; readonly close: boolean }> | undefined;
  refuse(reason: string, message: string): void;
}

/** Who asks from this address; undefined when the endpoint takes nothing from there. */
export type CallerFrom = (peer: string) => Caller | undefined;
