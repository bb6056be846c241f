/** DNS lookups for the resolver; tests supply their own. Each method rejects when there is no record. */
export interface DnsSource {
  naptr(name: string): Promise<readonly NaptrRecord[]>;
  srv(name: string): Promise<readonly SrvRecord[]>;
  /** Addresses with their time to live in seconds. */
  a(name: string): Promise<readonly { address: string; ttl: number }[]>;
  aaaa(name: string): Promise<readonly { address: string; ttl: number }[]>;
  /** The lookup of the operating system (hosts file), used when the DNS has no answer. */
  system(name: string): Promise<readonly { address: string; family: number }[]>;
}

/** The fields of a NAPTR record that SIP uses (RFC 3403 section 4.1). */
export interface NaptrRecord {
  /** The record's regular expression; SIP ignores it (RFC 3263 section 4.1). */
  readonly regexp?: string;
  readonly flags: string;
  readonly service: string;
  readonly replacement: string;
  readonly order: number;
  readonly preference: number;
}

/** An SRV record (RFC 2782). */
export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}
