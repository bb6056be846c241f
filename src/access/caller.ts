import { ALL_RIGHTS, type Rights } from './rights.js';

/** The ways requests come in by, as they stand in metrics and audit records. */
export type EndpointKind =
  | 'fifo'
  | 'datagram'
  | 'http'
  | 'nats'
  | 'cli'
  | 'ctl'
  | 'jsonrpc-fifo'
  | 'jsonrpc-datagram'
  | 'jsonrpc-http';

/** Who asks: the rights, and what an audit record names. */
export interface Caller extends Rights {
  /** Name of the user; undefined where the endpoint asks for none. */
  readonly user: string | undefined;
  readonly endpoint: EndpointKind;
  /** Address of the request; '' where the endpoint knows none. */
  readonly peer: string;
}

/** The caller at an endpoint without access control: it may do everything. */
export function unbounded(endpoint: EndpointKind, peer = ''): Caller {
  return { ...ALL_RIGHTS, user: undefined, endpoint, peer };
}
