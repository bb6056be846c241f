import { ALL_RIGHTS, type Rights } from './rights.js';

/** Kinds of endpoints, as named in metrics and audit records. */
export type EndpointKind =
  | 'fifo'
  | 'datagram'
  | 'http'
  | 'nats'
  | 'cli'
  | 'ctl'
  | 'jsonrpc-fifo'
  | 'jsonrpc-datagram'
  | 'jsonrpc-http'
  | 'script';

/** Who sent a management request: the rights, and what an audit record names. */
export interface Caller extends Rights {
  /** Name of the user; undefined where the endpoint does not authenticate. */
  readonly user: string | undefined;
  readonly endpoint: EndpointKind;
  /** Address of the sender; '' where the endpoint does not know it. */
  readonly peer: string;
}

/** The caller at an endpoint without access control, with all rights. */
export function unbounded(endpoint: EndpointKind, peer = ''): Caller {
  const { role, partitions } = ALL_RIGHTS;
  return { role, partitions, user: undefined, endpoint, peer };
}
