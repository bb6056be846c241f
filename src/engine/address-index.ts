import { canonicalIp } from '../core/ip-address.js';
import type { CompiledDestination } from './compile.js';

type Entry = CompiledDestination | CompiledDestination[];

/**
 * Destinations by IP address. Literals are entered while a snapshot is compiled; hosts given by name follow what they
 * resolve to, and are entered anew when that has changed.
 */
export class AddressIndex {
  private readonly literal = new Map<string, Entry>();
  private readonly named: CompiledDestination[] = [];
  private byName: Map<string, Entry> | undefined;
  private seen = -1;

  constructor(private readonly resolutions: { readonly version: number }) {}

  /** Enters a destination; called once for each, before anything is looked up. */
  add(destination: CompiledDestination, isLiteral: boolean): void {
    if (isLiteral) enter(this.literal, destination);
    else this.named.push(destination);
  }

  /** Destinations one of whose addresses is `address` (canonical form), in no particular order. */
  at(address: string): CompiledDestination[] {
    const found: CompiledDestination[] = [];
    gather(this.literal.get(address), found);
    if (this.named.length > 0) {
      if (this.byName === undefined || this.seen !== this.resolutions.version) {
        this.byName = new Map();
        for (const destination of this.named) enter(this.byName, destination);
        this.seen = this.resolutions.version;
      }
      gather(this.byName.get(address), found);
    }
    return found;
  }
}

function enter(index: Map<string, Entry>, destination: CompiledDestination): void {
  for (const { address } of destination.resolved) {
    const key = canonicalIp(address) ?? address;
    const entry = index.get(key);
    if (entry === undefined) index.set(key, destination);
    else if (Array.isArray(entry)) {
      if (entry[entry.length - 1] !== destination) entry.push(destination);
    } else if (entry !== destination) index.set(key, [entry, destination]);
  }
}

function gather(entry: Entry | undefined, into: CompiledDestination[]): void {
  if (entry === undefined) return;
  if (Array.isArray(entry)) into.push(...entry);
  else into.push(entry);
}
