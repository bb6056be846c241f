import type { Network } from '../core/ipv4-network.js';

/** A row of the permissions module's address table. */
export interface AddressRow {
  readonly group: number;
  readonly ip: string;
  readonly mask: number;
  /** `ip` and `mask`, read once: every message looks through all rows. */
  readonly network: Network;
  /** 0: any. */
  readonly port: number;
  /** "any", "udp" ... in lower case. */
  readonly protocol: string;
  readonly pattern: string | undefined;
  readonly context: string | undefined;
}

/** A row of the domain module's table. */
export interface DomainRow {
  readonly domain: string;
  readonly attrs: string | undefined;
}

/** What a script reads from tables; loaded at the start, and again at a reload. */
export interface ScriptTables {
  readonly addresses: readonly AddressRow[];
  readonly domains: readonly DomainRow[];
}

export const NO_TABLES: ScriptTables = { addresses: [], domains: [] };
