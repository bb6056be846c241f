import type { ConnectionCounts, Flow } from './transport.js';

/** The parts of a connection that the table needs. */
export interface TabledConnection extends Flow {
  /** Whether the peer opened the connection. */
  readonly inbound: boolean;
  readonly address: string;
  readonly port: number;
}

/**
 * The connections of one socket, counted, and found by flow token or by a name made from the remote end (`key` in
 * tcp.ts).
 */
export class ConnectionTable<C extends TabledConnection> {
  /** Connections refused because of a limit. */
  refused = 0;
  private readonly byId = new Map<string, { readonly connection: C; readonly names: string[] }>();
  private readonly byName = new Map<string, C>();
  private outbound = 0;
  /** Connections whose peer has closed its sending side. */
  private readonly ended = new Set<C>();

  constructor(
    /** Maximum number of outbound connections. */
    private readonly max: number,
  ) {}

  /** Whether no further outbound connection may be opened. */
  get full(): boolean {
    return this.outbound >= this.max;
  }

  /** Numbers of open and refused connections. */
  get counts(): ConnectionCounts {
    return {
      inbound: this.byId.size - this.outbound - this.ended.size,
      outbound: this.outbound,
      refused: this.refused,
    };
  }

  /** All connections, in a new array: they may be closed during a loop over it. */
  list(): C[] {
    return [...this.byId.values()].map(({ connection }) => connection);
  }

  /** The open connection with a name. */
  named(name: string): C | undefined {
    const connection = this.byName.get(name);
    return connection?.open === true ? connection : undefined;
  }

  /** The connection of a flow token. */
  flow(id: string): { readonly flow: C; readonly address: string; readonly port: number } | undefined {
    const connection = this.byId.get(id)?.connection;
    return connection && { flow: connection, address: connection.address, port: connection.port };
  }

  /** Adds a connection under a name. */
  add(connection: C, name: string): void {
    if (!connection.inbound) this.outbound++;
    this.byId.set(connection.id, { connection, names: [] });
    this.name(connection, name);
  }

  /** Gives a connection another name. If two have the same name, the later one is found. */
  name(connection: C, name: string): void {
    this.byId.get(connection.id)?.names.push(name);
    this.byName.set(name, connection);
  }

  /** All names of a connection. */
  namesOf(connection: C): readonly string[] {
    return this.byId.get(connection.id)?.names ?? [];
  }

  /** The peer has closed its sending side: the connection is found by its flow token only. */
  unname(connection: C): void {
    const entry = this.byId.get(connection.id);
    if (entry === undefined) return;
    this.ended.add(connection);
    for (const name of entry.names.splice(0)) if (this.byName.get(name) === connection) this.byName.delete(name);
  }

  /** Removes a connection; no effect when it is not in the table. */
  remove(connection: C): void {
    const names = this.namesOf(connection);
    if (!this.byId.delete(connection.id)) return;
    this.ended.delete(connection);
    if (!connection.inbound) this.outbound--;
    for (const name of names) if (this.byName.get(name) === connection) this.byName.delete(name);
  }
}
