import type { MediaPlan } from './media-proxy.js';

export type Reply =
  | number
  | {
      readonly code: number;
      readonly reason?: string;
      readonly headers?: readonly string[];
      readonly body?: string;
      readonly delay_ms?: number;
    };

export interface Request {
  readonly gateway: string;
  readonly first_line: string;
  readonly method: string;
}

export interface Expected {
  readonly replies?: readonly Record<string, unknown>[];
  readonly forwarded?: readonly (Request & Record<string, unknown>)[];
  readonly hop_acks?: readonly (Request & Record<string, unknown>)[];
  readonly log?: readonly (readonly [string, string])[];
  readonly refused?: boolean;
  readonly line_in_routes?: number;
  /** Commands to the media proxy of the case. */
  readonly media?: readonly object[];
  readonly crashed?: boolean;
  readonly note?: string;
}

export interface KamailioCase {
  readonly id: string;
  readonly area: string;
  readonly routes: Readonly<Record<string, string>>;
  readonly standalone?: boolean;
  readonly head_extra?: string;
  readonly cfg?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly messages: readonly { readonly send: string; readonly at_ms?: number; readonly to?: string }[];
  readonly gateways?: Readonly<Record<string, readonly (Reply | readonly Reply[])[]>>;
  /** Behaviour of the media proxy; undefined: there is none. */
  readonly media?: MediaPlan;
  readonly no_ack?: boolean;
  readonly wait_ms?: number;
  readonly randomised?: boolean;
  readonly nondeterministic?: boolean;
  readonly stateful?: boolean;
  /**
   * The original gave another result when the case was replayed for this recording: it is neither compared nor counted.
   */
  readonly unsteady?: boolean;
  /** Parts of the expected result that depended on the preceding cases: they are not compared. */
  readonly differs_when_run_with_all_shared_cases?: readonly string[];
  readonly expect: Expected;
}

export interface KamailioError {
  readonly kind: 'statement' | 'config';
  readonly name?: string;
  readonly from_case?: string;
  readonly area?: string;
  readonly statement?: string;
  readonly config_tail?: string;
  readonly check?: string;
  readonly error_lines_in_tail?: readonly number[];
  readonly start?: string;
  readonly start_error_lines_in_tail?: readonly number[];
}

export interface KamailioScripts {
  readonly setup: {
    readonly shared_head: string;
    readonly shared_dispatch: string;
    readonly standalone_head: string;
    readonly dispatcher_list: string;
    readonly dispatcher_list_events?: string;
    readonly files?: Readonly<Record<string, string>>;
    readonly gateways: Readonly<Record<string, string>>;
    readonly caller: string;
    /** Address and port of the media proxy of the cases that have one. */
    readonly media?: string;
  };
  readonly cases: readonly KamailioCase[];
  readonly errors: readonly KamailioError[];
}
