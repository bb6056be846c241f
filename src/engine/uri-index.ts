import type { CompiledDestination } from './compiled-destination.js';

type Entry = CompiledDestination | CompiledDestination[];

/**
 * Finds rows of one set by their URI as stored. Several rows may have the same URI, with different sockets or entirely
 * equal.
 */
export class UriIndex {
  private readonly byUri = new Map<string, Entry>();

  /** Adds a destination; several may have one URI. */
  add(destination: CompiledDestination): void {
    const { uri } = destination.row;
    const entry = this.byUri.get(uri);
    if (entry === undefined) this.byUri.set(uri, destination);
    else if (Array.isArray(entry)) entry.push(destination);
    else this.byUri.set(uri, [entry, destination]);
  }

  /** The row with this URI and socket: the first one, or the one after `skip` others. */
  find(uri: string, socket: string, skip = 0): CompiledDestination | undefined {
    const entry = this.byUri.get(uri);
    if (entry === undefined) return undefined;
    if (!Array.isArray(entry)) return skip === 0 && entry.row.socket === socket ? entry : undefined;
    return entry.filter((each) => each.row.socket === socket)[skip];
  }

  /** Number of rows with this URI and socket. */
  count(uri: string, socket: string): number {
    const entry = this.byUri.get(uri);
    if (entry === undefined) return 0;
    if (!Array.isArray(entry)) return entry.row.socket === socket ? 1 : 0;
    return entry.filter((each) => each.row.socket === socket).length;
  }

  /** All rows with this URI, in the order of adding. */
  at(uri: string): readonly CompiledDestination[] {
    const entry = this.byUri.get(uri);
    if (entry === undefined) return [];
    return Array.isArray(entry) ? entry : [entry];
  }
}

/** Whether two strings differ only in letter case (ASCII). Allocates nothing. */
export function equalsIgnoringCase(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  for (let i = a.length - 1; i >= 0; i--) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const lower = x | 32;
    if (lower !== (y | 32) || lower < 97 || lower > 122) return false;
  }
  return true;
}
