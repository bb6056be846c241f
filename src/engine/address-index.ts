import { canonicalIp } from '../core/ip-address.js';
import { type CompiledDestination, ipv4Number } from './compiled-destination.js';

type Entry = CompiledDestination | CompiledDestination[];
/** IPv4 addresses by number, which takes no string of its own; IPv6 ones in canonical form. */
type AddressKey = number | string;

/**
 * Destinations by IP address. Literals are entered while a snapshot is compiled; hosts given by name follow what they
 * resolve to, and are entered again when that has changed.
 */
export class AddressIndex {
  private readonly literal = new Map<AddressKey, Entry>();
  private readonly byNameOnly: CompiledDestination[] = [];
  private byName: Map<AddressKey, Entry> | undefined = undefined;
  private seen = -1;

  constructor(private readonly resolutions: { readonly version: number }) {}

  /** Enters a destination whose host is an address. */
  addLiteral(destination: CompiledDestination, host: string): void {
    enter(this.literal, keyOf(host) ?? host, destination);
  }

  /** Enters a destination whose host is a name. */
  addNamed(destination: CompiledDestination): void {
    this.byNameOnly.push(destination);
  }

  /** Destinations whose host is a name. */
  get named(): readonly CompiledDestination[] {
    return this.byNameOnly;
  }

  /** Destinations one of whose addresses is `address`, an IP literal in any spelling; in no particular order. */
  at(address: string): readonly CompiledDestination[] {
    const key = keyOf(address);
    if (key === undefined) return [];
    const found = listOf(this.literal.get(key));
    if (this.byNameOnly.length === 0) return found;
    const named = listOf(this.names().get(key));
    return found.length === 0 ? named : [...found, ...named];
  }

  private names(): Map<AddressKey, Entry> {
    if (this.byName === undefined || this.seen !== this.resolutions.version) {
      this.byName = new Map();
      for (const destination of this.byNameOnly) {
        for (const { address } of destination.resolved) {
          const key = keyOf(address);
          if (key !== undefined) enter(this.byName, key, destination);
        }
      }
      this.seen = this.resolutions.version;
    }
    return this.byName;
  }
}

function keyOf(address: string): AddressKey | undefined {
  return ipv4Number(address) ?? canonicalIp(address);
}

function enter(index: Map<AddressKey, Entry>, key: AddressKey, destination: CompiledDestination): void {
  const entry = index.get(key);
  if (entry === undefined) index.set(key, destination);
  else if (!Array.isArray(entry)) {
    if (entry !== destination) index.set(key, [entry, destination]);
  } else if (entry[entry.length - 1] !== destination) entry.push(destination);
}

function listOf(entry: Entry | undefined): readonly CompiledDestination[] {
  if (entry === undefined) return [];
  return Array.isArray(entry) ? entry : [entry];
}
