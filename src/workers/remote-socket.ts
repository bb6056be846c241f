import { Generations } from '../core/generations.js';
import type { ListenOptions } from '../sip/transport/create.js';
import type { Flow, Source, TransportError } from '../sip/transport/transport.js';
import { later } from '../sip/transport/transport.js';
import { UnopenedSocket } from '../sip/transport/unopened.js';
import type { FromWorker } from './protocol.js';

type ErrorListener = ((error: TransportError) => void) | undefined;
type SendItem = Extract<FromWorker, readonly ['send', ...unknown[]]>;

/** Number of the last messages whose senders are still informed of errors. */
const MAX_LISTENERS = 5000;

/** Messages that a worker sends over connections of the brain, and who is informed of errors. */
export class RemoteSends {
  private readonly listeners = new Generations<number, ErrorListener>(MAX_LISTENERS);
  private ids = 0;

  constructor(
    /** Passes a message to the brain; false when too much is waiting. */
    private readonly hand: (item: SendItem) => boolean,
  ) {}

  /** Lets the brain send a message over one of its sockets; `onError` is called on failure. */
  send(
    socket: number,
    text: string,
    address: string,
    port: number,
    onError: ErrorListener,
    serverName: string | undefined,
  ): void {
    const id = ++this.ids;
    if (!this.hand(['send', id, socket, address, port, serverName ?? null, text])) {
      later(onError, { cause: 'send', message: 'too many bytes wait for the process that has the connections' });
      return;
    }
    if (onError !== undefined) this.listeners.set(id, onError);
  }

  /** The brain could not send a message. */
  failed(id: number, error: TransportError): void {
    this.listeners.take(id)?.(error);
  }
}

/** Only the brain knows the connection of a reply; here its address is compared. */
const OF_THE_BRAIN: Flow = { id: '', open: false };

/** A connection socket in a worker: the brain reads it, and sends for the worker. */
export class RemoteSocket extends UnopenedSocket {
  constructor(
    options: ListenOptions,
    /** Its position among the sockets of all processes. */
    private readonly index: number,
    private readonly sends: RemoteSends,
  ) {
    super(options, () => undefined);
  }

  override send(
    text: string,
    address: string,
    port: number,
    onError?: ErrorListener,
    _flow?: Flow,
    serverName?: string,
  ): void {
    this.sends.send(this.index, text, address, port, onError, serverName);
  }

  /** The source of a message that the brain has received on it. */
  sourceOf(address: string, port: number): Source {
    return { socket: this, address, port, flow: OF_THE_BRAIN };
  }
}
