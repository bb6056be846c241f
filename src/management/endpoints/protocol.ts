import type { Caller } from '../../access/caller.js';

/**
 * What endpoints need of a protocol. MI and Kamailio's RPC both implement these interfaces and use the same FIFO,
 * datagram and stream endpoints; each splits bytes into requests and answers them in its own way.
 */
export interface FifoProtocol<Item> {
  /** Splits what is read into requests; one object for each FIFO. */
  framing(): Framing<Item>;
  /** Runs a request. Returns the answer and the plain name of its reply FIFO, '' for none. Never rejects. */
  answer(item: Item, caller: Caller): Promise<FifoAnswer>;
  /** An identifier of the sender, from the request: requests of one sender run one after the other. '': unknown. */
  sender(item: Item): string;
  /** Counts and logs a request that was not run. */
  refuse(reason: string, message: string): void;
}

/** An answer and the FIFO it goes to. */
export interface FifoAnswer {
  readonly reply: string;
  /** undefined when there is no answer. */
  readonly pieces: readonly string[] | undefined;
}

/** Splits what is read into requests. */
export interface Framing<Item> {
  push(chunk: Buffer): readonly Item[];
  /** Whether an incomplete request is held. */
  readonly waiting: boolean;
  /** Drops the incomplete request. */
  expire(): readonly Item[];
}

/** A protocol with one request in each packet. */
export interface DatagramProtocol {
  /** Name of its sockets in messages, such as "MI datagram socket". */
  readonly what: string;
  /** The answer, at most `limit` bytes long; undefined when there is none. */
  answer(bytes: Buffer, caller: Caller, limit: number): Promise<Buffer | undefined>;
  refuse(reason: string, message: string): void;
}

/** A protocol with requests on a connection, one after the other. */
export interface StreamProtocol {
  readonly what: string;
  /**
   * Runs the request at the beginning of `held`. Undefined when it is incomplete. `used` bytes are then removed; after
   * an answer with `close` the connection is closed.
   */
  answer(
    held: Buffer,
    caller: Caller,
  ): Promise<{ readonly bytes: Buffer; readonly used: number; readonly close: boolean }> | undefined;
  refuse(reason: string, message: string): void;
}

/** The caller for a sender's address; undefined when the endpoint does not accept it. */
export type CallerFrom = (peer: string) => Caller | undefined;
