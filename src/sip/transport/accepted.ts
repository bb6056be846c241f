import type { Server, Socket } from 'node:net';
import { FairShare } from '../../core/fair-share.js';
import type { StreamLimits } from './bind.js';
import { plainAddress } from './transport.js';

/**
 * The sockets that a listener has accepted, including those still in a handshake. No source may use the whole limit.
 */
export class AcceptedSockets {
  private readonly sockets = new Set<Socket>();
  private readonly shares = new FairShare();

  constructor(
    /** Maximum number of sockets. */
    private readonly max: number,
    /** Sources without a limit of their own. */
    private readonly trusted: (address: string) => boolean,
    /** Called for each refused socket; it is already closed. */
    private readonly refused: () => void,
  ) {}

  /**
   * Counts the sockets that a server accepts from now on, and refuses those beyond the limit before other listeners
   * receive them.
   */
  watch(server: Server): void {
    server.maxConnections = this.max;
    server.on('drop', this.refused);
    server.prependListener('connection', (socket: Socket) => this.take(socket));
  }

  /** The current sockets, in a new array. */
  list(): Socket[] {
    return [...this.sockets];
  }

  private take(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? '');
    if (this.shares.exceeds(address, this.max - this.sockets.size) && !this.trusted(address)) {
      this.refused();
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    this.sockets.add(socket);
    this.shares.add(address);
    socket.once('close', () => {
      this.sockets.delete(socket);
      this.shares.remove(address);
    });
  }
}

/** The accepted sockets of a listener with these bounds; refused ones are counted in its connection table. */
export function acceptedInto(
  table: { refused: number },
  { maxConnections, unfinished }: StreamLimits,
): AcceptedSockets {
  return new AcceptedSockets(
    maxConnections,
    (address) => unfinished.trusted?.has(address) === true,
    () => table.refused++,
  );
}
