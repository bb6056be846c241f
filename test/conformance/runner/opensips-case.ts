import type { TableRows } from './tables.js';

export interface Step {
  readonly code: number;
  readonly reason: string;
  readonly after_ms: number;
  readonly headers?: readonly string[];
  readonly body?: string;
}

export interface Expected {
  readonly replies: readonly Record<string, unknown>[];
  readonly forwarded: readonly (Record<string, unknown> & { readonly gateway: string; readonly method: string })[];
  readonly log: readonly string[];
  readonly log_levels?: readonly (string | null)[];
  readonly startup_log?: readonly string[];
  readonly log_repeats_at_least?: number;
  readonly log_is_a_set?: boolean;
  readonly crash_or_hang?: boolean;
}

export interface OpensipsCase {
  readonly id: string;
  readonly area: string;
  readonly routes: Readonly<Record<string, string>>;
  readonly config?: string;
  readonly message: string;
  readonly later_messages?: readonly { after_ms?: number; when_reply?: number; message: string }[];
  readonly gateways: Readonly<Record<string, readonly (readonly (Step | 'silent')[])[]>>;
  readonly dispatcher?: TableRows['dispatcher'];
  readonly deterministic?: boolean;
  readonly expect: Expected;
}

export interface OpensipsError {
  readonly id: string;
  readonly title?: string;
  readonly config?: string;
  readonly check: { readonly accepted: boolean; readonly line?: number; readonly crashed_with_signal?: number };
  readonly start?: { readonly accepted: boolean; readonly line?: number };
}

export interface OpensipsScripts {
  readonly setup: {
    readonly config_head: string;
    readonly gateways: Readonly<Record<string, string>>;
    readonly caller: string;
    readonly listen: readonly string[];
    readonly address_table: TableRows['address'];
    readonly domain_table: TableRows['domain'];
    readonly dispatcher_rows: TableRows['dispatcher'];
  };
  readonly cases: readonly OpensipsCase[];
  readonly errors: readonly OpensipsError[];
}
