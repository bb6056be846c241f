import { parseUri, type SipUri } from '../core/uri.js';
import type { LocalSockets } from '../sip/local-sockets.js';
import type { SipMessage } from '../sip/message.js';
import type { TextEdit } from '../sip/reply.js';
import type { Address, Resolution, Resolver } from '../sip/resolve.js';
import type { SipSocket, Source } from '../sip/transport/transport.js';
import type { NextHop } from './decision.js';
import type { DialogTokens } from './dialog-token.js';
import { forwardedRequest, hasTls, isSecure } from './forward.js';
import { hopAddress } from './hop-address.js';

export interface SenderOptions {
  /** Whether our Via on UDP asks for replies to the port they are sent from (RFC 3581). */
  readonly localRport: boolean;
  /** Whether what is for a sips URI leaves by TLS and WSS only (RFC 3261 section 26.2.2, RFC 5630). */
  readonly sipsNeedsTls: boolean;
}

/** What is written into a request besides what its hop says. */
export interface Writing {
  readonly branch: string;
  /** Token of the connection the request came by, for our Via to remember; undefined when a transaction does. */
  readonly flow?: string | undefined;
  readonly recordRoute: boolean;
  readonly edits: readonly TextEdit[];
  readonly hopEdits: readonly TextEdit[] | undefined;
}

/**
 * How a request leaves, with a transaction or without (RFC 3261 sections 16.6 and 16.11): the address of a hop, the socket to
 * it, whether that is secure enough, and the bytes.
 */
export class Sender {
  constructor(
    readonly sockets: LocalSockets,
    private readonly resolver: Resolver,
    private readonly options: SenderOptions,
    /** Makes the tokens in our Record-Route; undefined: there are none. */
    private readonly tokens: DialogTokens | undefined,
  ) {}

  /** As `hopAddress`: an address, a status code for what leads nowhere, or undefined for a name that has to be looked up. */
  locate(hop: NextHop, message: SipMessage): Address | number | undefined {
    return hopAddress(hop, message, this.resolver);
  }

  /** Looks up the name of a hop for which `locate` gave nothing. */
  lookUp(hop: NextHop, done: (result: Resolution) => void): void {
    this.resolver.resolve(parseUri(hop.uri) as SipUri, done);
  }

  /** Of addresses of both families those that a socket leads to; all of them if none does. */
  reachable(addresses: readonly Address[]): readonly Address[] {
    const reached = addresses.filter((address) => this.sockets.choose(address, undefined) !== undefined);
    return reached.length === 0 ? addresses : reached;
  }

  /** The socket to send by: that of the hop's connection, the one it names, the one the request came by, or any that fits. */
  socketTo(hop: NextHop, address: Address, source: Source): SipSocket | undefined {
    return hop.flow?.socket ?? this.sockets.choose(address, hop.socket ?? source.socket);
  }

  /**
   * Whether a request for a sips URI must not leave by a socket for want of TLS. Inside a dialog the route that was taken at
   * its start holds.
   */
  bars(message: SipMessage, { requestUri }: NextHop, socket: SipSocket): boolean {
    return isSecure(message, requestUri) && this.options.sipsNeedsTls && !hasTls(socket) && message.toTag === '';
  }

  /** The request as it leaves by a socket. */
  write(message: SipMessage, source: Source, hop: NextHop, socket: SipSocket, writing: Writing): string {
    return forwardedRequest({
      message,
      source,
      socket,
      branch: writing.branch,
      flow: writing.flow,
      rport: this.options.localRport,
      requestUri: hop.requestUri,
      recordRoute: writing.recordRoute,
      tokens: this.tokens,
      edits: writing.edits,
      hopEdits: writing.hopEdits,
      maxForwards: hop.maxForwards,
    });
  }
}

/** The header of a 480 that says why (RFC 5630 section 5.3). */
export function sipsWarning({ socket }: Source): string {
  return `Warning: 380 ${socket.sentBy} "SIPS Not Allowed"\r\n`;
}
