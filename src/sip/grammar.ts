import { createRequire } from 'node:module';
import type * as Sip from 'sip';
import { addrSpecOf } from '../core/name-addr.js';

const require = createRequire(import.meta.url);
/** The package, once it is loaded. */
let loaded: typeof Sip | undefined;

/**
 * Loads the package that writes our own requests. It would be a tenth of the start, mostly for the package ws. So the
 * daemon loads it with its first request or after the start, and not before it answers the first call.
 */
export function requestWriter(): typeof Sip {
  loaded ??= require('sip') as typeof Sip;
  return loaded;
}

/** One of our own requests, for `buildRequest`. */
export interface OriginatedRequest {
  readonly method: string;
  /** Request-URI and To, as in the destination's table. */
  readonly uri: string;
  /** From URI, or a whole name-addr. */
  readonly from: string;
  readonly fromTag: string;
  readonly callId: string;
  readonly cseq: number;
  readonly maxForwards: number;
  readonly userAgent: string;
  /** Further header lines, without line breaks. */
  readonly lines?: readonly string[];
  readonly via: { readonly transport: string; readonly host: string; readonly port: number; readonly branch: string };
}

/** Builds one of our own requests (a probe) with npm `sip`. */
export function buildRequest(request: OriginatedRequest): string {
  const { via } = request;
  const from = request.from.includes('<') ? addrSpecOf(request.from) : request.from;
  const text = requestWriter().stringify({
    method: request.method,
    uri: request.uri,
    version: '2.0',
    headers: {
      via: [
        {
          version: '2.0',
          protocol: via.transport,
          host: via.host,
          port: via.port,
          params: { branch: via.branch, rport: null },
        },
      ],
      to: { uri: request.uri, params: {} },
      from: { uri: from, params: { tag: request.fromTag } },
      'call-id': request.callId,
      cseq: { seq: request.cseq, method: request.method },
      'max-forwards': request.maxForwards,
      'user-agent': request.userAgent,
      'content-length': 0,
    },
  });
  const { lines = [] } = request;
  if (lines.length === 0) return text;
  const end = text.indexOf('\r\n\r\n');
  return `${text.slice(0, end)}\r\n${lines.join('\r\n')}${text.slice(end)}`;
}
