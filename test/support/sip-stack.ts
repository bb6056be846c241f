import { createSocket } from 'node:dgram';
import { setImmediate as nextIteration } from 'node:timers/promises';
import * as sip from 'sip';

/** Separates a package's branch from the text that is added to it. */
const MARK = '.x';

/**
 * An npm `sip` stack on its own UDP port, adapted to many parallel calls:  - The port is tried first, since in the
 * package a bind error becomes an uncaught exception. - Its branches are random numbers below a million, which collide
 * after a few hundred calls. Each branch is extended by the   Call-ID when sent; the extension is removed from a reply
 * before the package matches it. - A request with an `outboundProxy` is sent there without a Route header field.  The
 * package answers 404 by itself to requests routed to its own host on any port: give each endpoint its own address,
 * 127.0.0.2 and so on. IPv6 is not supported.
 */
export async function createStack(
  host: string,
  port: number,
  onRequest: (request: sip.SipRequest, remote: sip.SipRemote) => void,
): Promise<sip.SipStack> {
  await tryPort(host, port);
  const stack = sip.create(
    {
      address: host,
      port,
      udp: true,
      tcp: false,
      logger: { send: prepareForWire, recv: restoreBranch },
    },
    onRequest,
  );
  // Binding to an address literal takes one event loop iteration.
  await nextIteration();
  await nextIteration();
  return stack;
}

/** A request with a target different from its Route or request-URI. */
export interface OutboundRequest extends sip.SipRequest {
  outboundProxy?: string | undefined;
}

/** Sends a request, to `outboundProxy` if there is one. */
export function sendRequest(
  stack: sip.SipStack,
  request: OutboundRequest,
  onResponse?: (response: sip.SipResponse) => void,
): void {
  if (request.outboundProxy !== undefined) {
    request.headers.route = [{ uri: `${request.outboundProxy};lr`, params: {} }];
  }
  stack.send(request, onResponse);
}

/** The package's branch, without the text added when it was sent: a CANCEL is made from it. */
export function packageBranch(request: sip.SipRequest): string {
  const branch = request.headers.via?.[0]?.params['branch'] ?? '';
  const at = branch.indexOf(MARK);
  return at < 0 ? branch : branch.slice(0, at);
}

/** A URI from the package's stringify without its leading spaces, for comparison and display. */
export function uriText(uri: string | sip.SipUri): string {
  return typeof uri === 'string' ? uri : sip.stringifyUri(uri);
}

function prepareForWire(message: sip.SipMessage): void {
  if (message.method === undefined) return;
  if ((message as OutboundRequest).outboundProxy !== undefined) delete message.headers.route;
  const params = message.headers.via?.[0]?.params;
  const branch = params?.['branch'];
  if (params === undefined || branch === undefined || branch === null || branch.includes(MARK)) return;
  params['branch'] = branch + MARK + String(message.headers['call-id']).replace(/@.*|[^A-Za-z0-9]/g, '');
}

function restoreBranch(message: sip.SipMessage): void {
  if (message.status === undefined) return;
  const params = message.headers.via?.[0]?.params;
  const at = params?.['branch']?.indexOf(MARK) ?? -1;
  if (params !== undefined && at > 0) params['branch'] = params['branch']?.slice(0, at);
}

/** Throws a clear error when the UDP port cannot be bound. */
async function tryPort(host: string, port: number): Promise<void> {
  const socket = createSocket('udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (error) => reject(new Error(`cannot listen on udp:${host}:${port}: ${error.message}`)));
      socket.bind({ port, address: host, exclusive: true }, resolve);
    });
  } finally {
    await new Promise<void>((resolve) => {
      socket.once('close', resolve);
      try {
        socket.close();
      } catch {
        resolve();
      }
    });
  }
}
