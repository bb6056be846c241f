/** The properties of a connection that decide which one is closed when there are too many. */
export interface SharedConnection {
  /** Address of the client; '' for sockets without addresses. */
  readonly source: string;
  /** Since when (Clock.monotonic()) it waits for its client; undefined while a request is handled. */
  readonly idleSince: number | undefined;
  /** Closes the connection. */
  evict(): void;
}

/**
 * Bounds the number of connections so that nobody can shut out others. When there is no room, the connection that has
 * waited for its client longest is closed, those of the source with the most connections first. So idle or slow clients
 * never keep a new one away, and a source gets no more than its share.
 */
export class ConnectionShares {
  private readonly connections = new Set<SharedConnection>();
  private readonly bySource = new Map<string, number>();
  /** Connections closed to make room. */
  evicted = 0;

  /**
   * @param max most connections
   * @param perSource most connections of one source
   */
  constructor(
    private readonly max: number,
    private readonly perSource: number,
  ) {}

  /** Connections that are open. */
  get size(): number {
    return this.connections.size;
  }

  /** Adds a connection; false when there is no room: the caller then closes it. */
  admit(connection: SharedConnection): boolean {
    const { source } = connection;
    if (source !== '' && this.countOf(source) >= this.perSource && !this.makeRoom(source)) return false;
    if (this.connections.size >= this.max && !this.makeRoom(undefined)) return false;
    this.connections.add(connection);
    this.bySource.set(source, this.countOf(source) + 1);
    return true;
  }

  /** Removes a closed connection. */
  release(connection: SharedConnection): void {
    if (!this.connections.delete(connection)) return;
    const left = this.countOf(connection.source) - 1;
    if (left === 0) this.bySource.delete(connection.source);
    else this.bySource.set(connection.source, left);
  }

  private countOf(source: string): number {
    return this.bySource.get(source) ?? 0;
  }

  private makeRoom(source: string | undefined): boolean {
    let victim: SharedConnection | undefined;
    for (const each of this.connections) {
      if (each.idleSince === undefined || (source !== undefined && each.source !== source)) continue;
      if (victim === undefined || this.isBetter(each, victim)) victim = each;
    }
    if (victim === undefined) return false;
    this.evicted++;
    this.release(victim);
    victim.evict();
    return true;
  }

  private isBetter(one: SharedConnection, other: SharedConnection): boolean {
    const more = this.countOf(one.source) - this.countOf(other.source);
    return more !== 0 ? more > 0 : (one.idleSince ?? 0) < (other.idleSince ?? 0);
  }
}
