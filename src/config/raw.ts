import type { TlsVersion } from '../core/tls-peers.js';

/** The content of the settings file after validation, with defaults. */
export interface RawSettings {
  readonly node?: string;
  readonly listen: string | readonly (string | null)[];
  readonly advertise?: string;
  readonly partitions?: string | readonly (string | Readonly<Record<string, unknown>> | null)[];
  readonly default?: string;
  readonly modparam: RawModparam;
  readonly routing: readonly (RawRule | null)[];
  readonly route_script?: string;
  readonly aliases: readonly string[];
  readonly secret?: string;
  readonly workers: number | 'auto';
  readonly worker_spread: 'as_needed' | 'even';
  readonly foreign_dialogs?: 'accept' | 'known' | 'refuse';
  readonly tm: {
    readonly fr_timeout: number;
    readonly fr_inv_timeout: number;
    readonly t1: number;
    readonly t2: number;
    readonly t4: number;
    readonly timer_c: number;
    readonly udp_max_request: number;
    readonly add_local_rport: boolean;
    readonly sips_needs_tls: boolean;
    readonly strict_reply_source: boolean;
    readonly auto_100: boolean;
    readonly trying_delay: number;
  };
  readonly mi: {
    readonly fifo?: RawFifo | readonly (RawFifo | null)[];
    readonly datagram: readonly (RawDatagram | null)[];
    readonly http?: { readonly root: string; readonly as?: string };
    readonly ctl: readonly (RawCtl | null)[];
    readonly jsonrpc?: RawJsonRpc | readonly (RawJsonRpc | null)[];
    readonly nats?: { readonly subject: string; readonly as?: string; readonly open?: boolean };
  };
  readonly events: { readonly nats?: RawNats };
  readonly http?: string | RawHttp;
  readonly access?: string | RawAccess;
  readonly log: { readonly level: string };
  readonly calls: {
    readonly ring: number;
    readonly dialogs: number;
    readonly log?: string;
    readonly nats: boolean;
    readonly stream?: string;
  };
  readonly telemetry?: {
    readonly otlp: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly service: string;
    readonly one_in: number;
  };
  readonly hep?: {
    readonly to: string;
    readonly id: number;
    readonly password?: string;
    readonly one_in: number;
    readonly chosen: boolean;
    readonly ca?: string;
  };
  readonly privacy: { readonly keep_digits?: number; readonly hash_key?: string };
  readonly tls?: RawTlsProtocol & {
    readonly certificate: string;
    readonly private_key: string;
    readonly ca?: string;
    readonly verify_client: boolean | 'if_shown';
    readonly verify_server: boolean;
    readonly contexts: readonly (
      | (RawTlsProtocol & {
          readonly server_name: string | readonly (string | null)[];
          readonly certificate: string;
          readonly private_key: string;
          readonly ca?: string;
          readonly verify_client?: boolean | 'if_shown';
        })
      | null
    )[];
    readonly listeners: readonly (
      | (RawTlsProtocol & {
          readonly address: string | readonly (string | null)[];
          readonly certificate: string;
          readonly private_key: string;
          readonly ca?: string;
          readonly verify_client: boolean | 'if_shown';
        })
      | null
    )[];
    readonly clients: readonly (
      | (RawTlsProtocol & {
          readonly name?: string;
          readonly address?: string | readonly (string | null)[];
          readonly server_name?: string | readonly (string | null)[];
          readonly certificate?: string;
          readonly private_key?: string;
          readonly ca?: string;
          readonly verify_server: boolean;
        })
      | null
    )[];
  };
  readonly cluster?: RawCluster;
  readonly limits: {
    readonly requests_per_second_per_source: number;
    readonly burst?: number;
    readonly max_transactions: number;
    readonly max_dialogs: number;
    readonly max_contacts: number;
    readonly trusted_sources: readonly string[];
    readonly max_connections: number;
    readonly gather_ms: number;
    readonly pace_ms: number;
    readonly batch_datagrams: boolean;
  };
}

/** Requirements on TLS connections, as written in the settings. */
export interface RawTlsProtocol {
  readonly min_version?: TlsVersion;
  readonly max_version?: TlsVersion;
  readonly ciphers?: string;
  readonly ecdh_curve?: string;
  readonly dh_params?: string;
  readonly crl?: string;
  readonly ca_dir?: string;
}

/** The key "cluster" as written, with defaults. */
export interface RawCluster {
  readonly name?: string;
  readonly heartbeat_ms: number;
  readonly dead_after_ms: number;
  readonly probing?: 'all' | 'by-shtag' | 'distributed';
  readonly verdict: 'quorum' | 'owner' | 'own' | 'shared' | 'zone';
  readonly zone: string;
  readonly weight: number;
  readonly replicas?: number;
  readonly storage: 'file' | 'memory';
  readonly tags: Readonly<
    Record<string, { readonly prefer?: readonly (string | null)[]; readonly auto?: boolean } | undefined>
  >;
  readonly reload: boolean;
  readonly reload_spread: number;
  readonly alone_probe_rate: number;
  readonly load_keep: number;
}

/** The limits of an endpoint, as written. */
export interface RawBounds {
  readonly as?: string;
  readonly allow?: readonly string[];
  readonly open?: boolean;
}

/** A FIFO in "mi" as written, with defaults. */
export interface RawFifo {
  readonly fifo_name: string;
  readonly fifo_mode: string;
  readonly reply_dir: string;
  readonly as?: string;
}

/** A datagram socket in "mi" as written, with defaults. */
export interface RawDatagram extends RawBounds {
  readonly socket_name: string;
  readonly unix_socket_mode: string;
}

/** The key "http" as written, with defaults. */
export interface RawHttp {
  readonly listen: string;
  readonly tls?: { readonly certificate: string; readonly private_key: string };
  readonly hosts?: readonly string[];
  readonly open_metrics?: boolean;
  readonly open?: boolean;
}

/** The key "access" as written, with defaults. */
export interface RawAccess {
  readonly users: readonly ({
    readonly name: string;
    readonly password?: string;
    readonly token?: string;
    readonly role: 'viewer' | 'operator' | 'admin';
    readonly partitions: string | readonly (string | null)[];
  } | null)[];
}

/** A ctl socket in "mi" as written, with defaults. */
export interface RawCtl extends RawBounds {
  readonly socket_name: string;
  readonly unix_socket_mode: string;
  readonly partition?: string;
  readonly optional: boolean;
}

/** The key for Kamailio's jsonrpcs in "mi" as written, with defaults. */
export interface RawJsonRpc extends RawBounds {
  readonly fifo_name?: string;
  readonly fifo_mode: string;
  readonly fifo_reply_dir: string;
  readonly dgram_socket?: string;
  readonly dgram_mode: string;
  readonly http_root?: string;
  readonly partition?: string;
  readonly optional: boolean;
}

/** The key "nats" as written, with defaults. */
export interface RawNats {
  readonly servers: string | readonly (string | null)[];
  readonly prefix: string;
  readonly jetstream?: { readonly stream: string; readonly outbox_limit: number; readonly outbox_file?: string };
  readonly bucket?: string;
  readonly weights?: boolean;
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  readonly nkey_seed?: string;
  readonly creds_file?: string;
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/** Module parameters by name; a flag may be true, 1 or "1". */
export type RawModparam = Readonly<Record<string, string | number | boolean | readonly (string | null)[] | undefined>>;

/** The "select" of a routing rule as written, with defaults. */
export interface RawSelect {
  readonly partition?: string;
  readonly set?: string | number;
  readonly rules?: string;
  readonly alg: string | number;
  readonly flags: string;
  readonly max_res?: string | number | null;
  readonly fn?: 'dst' | 'domain';
}

/** A routing rule as written, with defaults. */
export interface RawRule {
  readonly match: Readonly<Record<string, string | number>>;
  readonly select?: RawSelect;
  readonly fallback?: RawSelect | readonly (RawSelect | null)[];
  readonly relay: 'stateful' | 'stateless' | 'redirect' | 'reply';
  readonly failover: {
    readonly codes: readonly (string | number | null)[];
    readonly max?: number;
    readonly mark?: 'p' | 'i' | 'a';
  };
  readonly redirects: { readonly follow: boolean; readonly max: number };
  readonly destination?: {
    readonly strip?: string | number;
    readonly prefix?: string | number;
    readonly headers?: Readonly<Record<string, string | number>>;
  };
  readonly record_route: boolean;
  readonly use_blacklist: string | readonly (string | null)[];
  readonly reject: { readonly code: number; readonly reason: string };
}

/** Whether a flag is on: true, 1 or "1". */
export function isOn(value: unknown): boolean {
  return value === true || value === 1 || value === '1';
}

/** The entries of a single value or a list with their index, without refused ones. */
export function listOf<T>(value: T | readonly (T | null)[] | undefined): readonly (readonly [number | undefined, T])[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return [[undefined, value as T]];
  return value.map((each, i): [number, T | null] => [i, each]).filter((each): each is [number, T] => each[1] !== null);
}
