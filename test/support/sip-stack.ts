import { createSocket } from 'node:dgram';
import { setImmediate as nextIteration } from 'node:timers/promises';
import * as sip from 'sip';

/** Sets the part of a branch apart that is added to what the package makes up. */
const MARK = '.x';

/**
 * An npm `sip` stack on its own UDP port, made fit for many calls at once:
 *
 * - The port is tried first, since the package lets a bind error become an uncaught exception.
 * - Its branches come from a space of a million, which a few hundred calls exhaust (the birthday bound). On the wire each is
 *   extended by the Call-ID; on the way in the extension is taken off again before the package matches the reply.
 * - A request with an `outboundProxy` goes there without a Route header.
 *
 * The package answers 404 by itself to whatever is routed to its own host, on any port: give each endpoint an address of
 * its own, 127.0.0.2 and so on. IPv6 is beyond it.
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
  // Binding to a literal address takes one event loop iteration.
  await nextIteration();
  await nextIteration();
  return stack;
}

/** A request that is to be sent somewhere else than its Route or request-URI says. */
export interface OutboundRequest extends sip.SipRequest {
  outboundProxy?: string | undefined;
}

/** Sends a request; with `outboundProxy`, there. */
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

/** The branch as the package knows it, without what was added on the wire: what a CANCEL has to begin from. */
export function packageBranch(request: sip.SipRequest): string {
  const branch = request.headers.via?.[0]?.params['branch'] ?? '';
  const at = branch.indexOf(MARK);
  return at < 0 ? branch : branch.slice(0, at);
}

/** Header values after the package's stringify, with nothing of its two-space quirk: for comparing and showing. */
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
