/** A connection as its share is weighed. */
export interface SharedConnection {
  /** Who opened it: an address; '' where the kind of socket reports none. */
  readonly source: string;
  /** Since when (Clock.monotonic()) it only waits for its client; undefined while a request is worked on. */
  readonly idleSince: number | undefined;
  /** Closes it. */
  evict(): void;
}

/**
 * Bounds connections without letting some shut out others: when there is no room, the connection that has waited for its
 * client longest makes room, one of the source that holds the most first. So many idle or slow clients never keep a new one
 * away, and a source gets its share and no more.
 */
export class ConnectionShares {
  private readonly connections = new Set<SharedConnection>();
  private readonly bySource = new Map<string, number>();
  /** Closed to make room. */
  evicted = 0;

  /**
   * @param max connections at once
   * @param perSource those of one source; the rest is for others
   */
  constructor(
    private readonly max: number,
    private readonly perSource: number,
  ) {}

  /** Connections that are open. */
  get size(): number {
    return this.connections.size;
  }

  /** Takes a connection in; false when there is no room, and the caller closes it. */
  admit(connection: SharedConnection): boolean {
    const { source } = connection;
    if (source !== '' && this.countOf(source) >= this.perSource && !this.makeRoom(source)) return false;
    if (this.connections.size >= this.max && !this.makeRoom(undefined)) return false;
    this.connections.add(connection);
    this.bySource.set(source, this.countOf(source) + 1);
    return true;
  }

  /** The connection is closed. */
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
