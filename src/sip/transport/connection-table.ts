import type { ConnectionCounts, Flow } from './transport.js';

/** What the table needs of a connection. */
export interface TabledConnection extends Flow {
  /** Whether the peer made it. */
  readonly inbound: boolean;
  readonly address: string;
  readonly port: number;
}

/** The connections of one socket: found again by flow token and by the names of their remote ends, and counted. */
export class ConnectionTable<C extends TabledConnection> {
  /** Connections refused because a limit was reached. */
  refused = 0;
  private readonly byId = new Map<string, { readonly connection: C; readonly names: string[] }>();
  private readonly byName = new Map<string, C>();
  private outbound = 0;
  /** Connections whose peer has ended its side. */
  private readonly ended = new Set<C>();

  constructor(
    /** Outbound connections at most. */
    private readonly most: number,
  ) {}

  /** Whether no further outbound connection may be made. */
  get full(): boolean {
    return this.outbound >= this.most;
  }

  /** Connections by who opened them, and those that were refused. */
  get counts(): ConnectionCounts {
    return {
      inbound: this.byId.size - this.outbound - this.ended.size,
      outbound: this.outbound,
      refused: this.refused,
    };
  }

  /** A snapshot of all connections: closing them during iteration is safe. */
  list(): C[] {
    return [...this.byId.values()].map(({ connection }) => connection);
  }

  /** The open connection of a name. */
  named(name: string): C | undefined {
    const connection = this.byName.get(name);
    return connection?.open === true ? connection : undefined;
  }

  /** The connection a flow token names. */
  flow(id: string): { readonly flow: C; readonly address: string; readonly port: number } | undefined {
    const connection = this.byId.get(id)?.connection;
    return connection && { flow: connection, address: connection.address, port: connection.port };
  }

  /** Adds a connection, found by `name` as well. */
  add(connection: C, name: string): void {
    if (!connection.inbound) this.outbound++;
    this.byId.set(connection.id, { connection, names: [] });
    this.name(connection, name);
  }

  /** Adds a further name to a connection; a name refers to the connection it was added to last. */
  name(connection: C, name: string): void {
    this.byId.get(connection.id)?.names.push(name);
    this.byName.set(name, connection);
  }

  /** Names of a connection; none for one that is not in the table. */
  namesOf(connection: C): readonly string[] {
    return this.byId.get(connection.id)?.names ?? [];
  }

  /** The peer has ended its side: the connection is no longer found by its names, only by its flow token. */
  unname(connection: C): void {
    const entry = this.byId.get(connection.id);
    if (entry === undefined) return;
    this.ended.add(connection);
    for (const name of entry.names.splice(0)) if (this.byName.get(name) === connection) this.byName.delete(name);
  }

  /** Removes a connection; does nothing when it is not in the table. */
  remove(connection: C): void {
    const names = this.namesOf(connection);
    if (!this.byId.delete(connection.id)) return;
    this.ended.delete(connection);
    if (!connection.inbound) this.outbound--;
    for (const name of names) if (this.byName.get(name) === connection) this.byName.delete(name);
  }
}
