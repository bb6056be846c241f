import type { TimerWheel } from '../timers.js';
import type { Source } from '../transport/transport.js';
import type { CallerSide, ClientTransaction } from './client.js';
import type { TransactionConfig } from './config.js';
import { Kind, Remnants } from './remnants.js';
import type { ServerTransaction } from './server.js';

/**
 * Records of ended transactions. They answer or absorb retransmissions for 64*T1 (timers J, L and M) or T4 (timers I
 * and K).
 */
export class EndedTransactions {
  readonly servers: Remnants;
  readonly confirmedServers: Remnants;
  readonly clients: Remnants;
  readonly settledClients: Remnants;

  /**
   * `dropped` is called for each removed record of a server transaction, with its source and the length of its last
   * reply.
   */
  constructor(
    private readonly config: TransactionConfig,
    timers: TimerWheel,
    now: () => number,
    dropped: (source: Source, length: number) => void,
  ) {
    this.servers = new Remnants(timers, now, 64 * config.t1, dropped);
    this.clients = new Remnants(timers, now, 64 * config.t1);
    this.confirmedServers = new Remnants(timers, now, config.t4, dropped);
    this.settledClients = new Remnants(timers, now, config.t4);
  }

  /** Number of records of server transactions. */
  get serverCount(): number {
    return this.servers.size + this.confirmedServers.size;
  }

  /** Number of records of client transactions. */
  get clientCount(): number {
    return this.clients.size + this.settledClients.size;
  }

  /** Whether there is a record of a server transaction with this key. */
  hasServer(a: number, b: number): boolean {
    return this.servers.find(a, b) >= 0 || this.confirmedServers.find(a, b) >= 0;
  }

  /** Adds the record of a server transaction with its last reply, or '' without one. */
  addServer(server: ServerTransaction, kind: Kind, text: string): void {
    const { keyA, keyB, source, replyPort, sentByPort } = server;
    const ring = kind === Kind.confirmed ? this.confirmedServers : this.servers;
    ring.add(keyA, keyB, kind, source, replyPort, sentByPort, text, 0);
  }

  /** Adds the record of a client transaction; further 2xx go to `caller`. */
  addClient(client: ClientTransaction, kind: Kind, caller: CallerSide | undefined): void {
    const ring = kind === Kind.settled ? this.settledClients : this.clients;
    const { keyA, keyB, branch } = client;
    const [port, sentByPort] = [caller?.replyPort ?? 0, caller?.sentByPort ?? 0];
    ring.add(keyA, keyB, kind, caller?.source, port, sentByPort, '', branch.check);
  }

  /** Removes some of the oldest records, more than one request adds. Few retransmissions come after T4. */
  makeRoom(): void {
    for (const ended of [this.servers, this.clients]) {
      for (let i = 0; i < 3; i++) ended.dropEarly(this.config.t4);
    }
  }

  /** Removes all records. */
  clear(): void {
    this.servers.clear();
    this.clients.clear();
    this.confirmedServers.clear();
    this.settledClients.clear();
  }
}
