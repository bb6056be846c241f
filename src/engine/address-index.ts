import { canonicalIp } from '../core/ip-address.js';
import { type CompiledDestination, ipv4Number } from './compiled-destination.js';

type Entry = CompiledDestination | CompiledDestination[];
/** The key of an address: IPv4 as a number, which needs no string; IPv6 in canonical form. */
type AddressKey = number | string;

/**
 * Finds destinations by IP address. Literal addresses are added while a snapshot is compiled. Destinations with a host
 * name are indexed by the addresses it resolves to, and again when those have changed.
 */
export class AddressIndex {
  private readonly literal = new Map<AddressKey, Entry>();
  private readonly byNameOnly: CompiledDestination[] = [];
  private byName: Map<AddressKey, Entry> | undefined = undefined;
  private seen = -1;

  constructor(private readonly resolutions: { readonly version: number }) {}

  /** Adds a destination whose host is an address. */
  addLiteral(destination: CompiledDestination, host: string): void {
    enter(this.literal, keyOf(host) ?? host, destination);
  }

  /** Adds a destination whose host is a name. */
  addNamed(destination: CompiledDestination): void {
    this.byNameOnly.push(destination);
  }

  /** The destinations whose host is a name. */
  get named(): readonly CompiledDestination[] {
    return this.byNameOnly;
  }

  /** The destinations that have this address (an IP literal in any spelling), in any order. */
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
