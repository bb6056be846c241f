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

/** How requests are written and sent. */
export interface SenderOptions {
  /** Whether our Via on UDP has rport, which requests replies to the source port (RFC 3581). */
  readonly localRport: boolean;
  /** Whether requests to a sips URI are sent over TLS and WSS only (RFC 3261 section 26.2.2, RFC 5630). */
  readonly sipsNeedsTls: boolean;
}

/** Text written into a forwarded request in addition to the changes of its hop. */
export interface Writing {
  readonly branch: string;
  /**
   * Token of the connection the request was received on, written into our Via; undefined when a transaction remembers
   * the connection.
   */
  readonly flow?: string | undefined;
  readonly recordRoute: boolean;
  readonly edits: readonly TextEdit[];
  readonly hopEdits: readonly TextEdit[] | undefined;
  /** Address the request is sent to. */
  readonly to: string;
}

/**
 * The steps of sending that forwarding with and without a transaction share (RFC 3261 sections 16.6 and 16.11): find
 * the address of a hop, choose a socket, check that it is secure enough, write the bytes.
 */
export class Sender {
  constructor(
    readonly sockets: LocalSockets,
    private readonly resolver: Resolver,
    private readonly options: SenderOptions,
    /** Makes the tokens in our Record-Route; undefined: no tokens. */
    private readonly tokens: DialogTokens | undefined,
  ) {}

  /** See `hopAddress`: an address, a status code for an unusable URI, or undefined for a name to look up. */
  locate(hop: NextHop, message: SipMessage): Address | number | undefined {
    return hopAddress(this.isRaised(hop, message) ? { ...hop, uri: secured(hop.uri) } : hop, message, this.resolver);
  }

  /** Looks up the name of a hop for which `locate` returned undefined, for a request of a source. */
  lookUp(hop: NextHop, message: SipMessage, source: Source, done: (result: Resolution) => void): void {
    const uri = this.isRaised(hop, message) ? secured(hop.uri) : hop.uri;
    this.resolver.resolve(parseUri(uri) as SipUri, done, source.address);
  }

  /**
   * Whether the next hop inside a dialog is resolved like a sips URI because the request-URI is one (RFC 3261 section
   * 16.6 step 7): a peer's Route must not lead the request out of TLS. Where a dialog begins, destinations decide, and
   * `bars` refuses those without TLS.
   */
  private isRaised(hop: NextHop, message: SipMessage): boolean {
    if (!isSecure(message, hop.requestUri) || !this.options.sipsNeedsTls || message.toTag === '') return false;
    return hop.flow === undefined && hop.address === undefined && CLEAR_URI.test(hop.uri);
  }

  /** The addresses of a family that there is a local socket for; all addresses if there is no such family. */
  reachable(addresses: readonly Address[]): readonly Address[] {
    const reached = addresses.filter((address) => this.sockets.choose(address, undefined) !== undefined);
    return reached.length === 0 ? addresses : reached;
  }

  /**
   * The socket to send from: that of the hop's connection, else the one the hop names, else the one the request was
   * received on, else any that fits.
   */
  socketTo(hop: NextHop, address: Address, source: Source): SipSocket | undefined {
    return hop.flow?.socket ?? this.sockets.choose(address, hop.socket ?? source.socket);
  }

  /** Whether a request to a sips URI must not be sent from a socket because the socket has no TLS. */
  bars(message: SipMessage, { requestUri }: NextHop, socket: SipSocket): boolean {
    return isSecure(message, requestUri) && this.options.sipsNeedsTls && !hasTls(socket);
  }

  /** The request as sent from a socket. */
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
      dialogTags: writing.recordRoute ? this.dialogTags(hop, source, writing.to) : '',
      edits: writing.edits,
      hopEdits: writing.hopEdits,
      maxForwards: hop.maxForwards,
    });
  }

  /**
   * Tags for the token in our Record-Route: those recorded when the dialog began, or new ones for a dialog that begins.
   */
  dialogTags({ dialogTags, destination }: NextHop, source: Source, to: string): string {
    if (dialogTags !== undefined || this.tokens === undefined) return dialogTags ?? '';
    const scope = destination === undefined ? { address: to } : { partition: destination.partition };
    return this.tokens.tags(scope, source.address);
  }
}

const CLEAR_URI = /^sip:/i;

/** A sip URI as a sips URI. */
function secured(uri: string): string {
  return `sips${uri.slice(3)}`;
}

/** The Warning header of a 480, which says why the call was refused (RFC 5630 section 5.3). */
export function sipsWarning({ socket }: Source): string {
  return `Warning: 380 ${socket.sentBy} "SIPS Not Allowed"\r\n`;
}
