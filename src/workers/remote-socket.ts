import { Generations } from '../core/generations.js';
import type { ListenOptions } from '../sip/transport/create.js';
import type { Flow, Source, TransportError } from '../sip/transport/transport.js';
import { later } from '../sip/transport/transport.js';
import { UnopenedSocket } from '../sip/transport/unopened.js';
import type { FromWorker } from './protocol.js';

type ErrorListener = ((error: TransportError) => void) | undefined;
type SendItem = Extract<FromWorker, readonly ['send', ...unknown[]]>;

/** Messages whose sender is informed of an error are at least this many, the last ones. */
const MOST_LISTENERS = 5000;

/** What a worker sends by connections of the brain, and who is informed that it could not be sent. */
export class RemoteSends {
  private readonly listeners = new Generations<number, ErrorListener>(MOST_LISTENERS);
  private ids = 0;

  constructor(
    /** Hands a message to the brain; false when too much waits for it. */
    private readonly hand: (item: SendItem) => boolean,
  ) {}

  /** Has the brain send a message by one of its sockets; `onError` is called when it could not. */
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
      later(onError, { cause: 'send', message: 'too much waits for the process that has the connections' });
      return;
    }
    if (onError !== undefined) this.listeners.set(id, onError);
  }

  /** The brain could not send a message. */
  failed(id: number, error: TransportError): void {
    this.listeners.take(id)?.(error);
  }
}

/** The connection that a reply came by is known to the brain alone: here its address is compared. */
const OF_THE_BRAIN: Flow = { id: '', open: false };

/** A socket for connections, as a worker has it: the brain reads it, and sends what the worker wants to leave by it. */
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

  /** The source of a message that the brain has received here. */
  sourceOf(address: string, port: number): Source {
    return { socket: this, address, port, flow: OF_THE_BRAIN };
  }
}
