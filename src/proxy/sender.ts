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
  /** Whether our Via on UDP asks for replies to the port they are sent from (RFC 3581). */
  readonly localRport: boolean;
  /** Whether requests to a sips URI are sent over TLS and WSS only (RFC 3261 section 26.2.2, RFC 5630). */
  readonly sipsNeedsTls: boolean;
}

/** What is written into a request besides the changes of its hop. */
export interface Writing {
  readonly branch: string;
  /** Token of the connection the request came by, stored in our Via; undefined when a transaction stores it. */
  readonly flow?: string | undefined;
  readonly recordRoute: boolean;
  readonly edits: readonly TextEdit[];
  readonly hopEdits: readonly TextEdit[] | undefined;
  /** Address it is sent to. */
  readonly to: string;
}

/**
 * How a request is sent, with a transaction or without (RFC 3261 sections 16.6 and 16.11): the address of a hop, the
 * socket to it, whether that is secure enough, and the bytes.
 */
export class Sender {
  constructor(
    readonly sockets: LocalSockets,
    private readonly resolver: Resolver,
    private readonly options: SenderOptions,
    /** Makes the tokens in our Record-Route; undefined: there are none. */
    private readonly tokens: DialogTokens | undefined,
  ) {}

  /** As `hopAddress`: an address, a status code for an unusable URI, or undefined for a name to look up. */
  locate(hop: NextHop, message: SipMessage): Address | number | undefined {
    return hopAddress(hop, message, this.resolver);
  }

  /** Looks up the name of a hop for which `locate` gave nothing. */
  lookUp(hop: NextHop, done: (result: Resolution) => void): void {
    this.resolver.resolve(parseUri(hop.uri) as SipUri, done);
  }

  /** The addresses of a family that we have a socket for; all of them if there is no such address. */
  reachable(addresses: readonly Address[]): readonly Address[] {
    const reached = addresses.filter((address) => this.sockets.choose(address, undefined) !== undefined);
    return reached.length === 0 ? addresses : reached;
  }

  /** The socket to send by: that of the hop's connection, the one it names, the one the request came by, or any that fits. */
  socketTo(hop: NextHop, address: Address, source: Source): SipSocket | undefined {
    return hop.flow?.socket ?? this.sockets.choose(address, hop.socket ?? source.socket);
  }

  /**
   * Whether a request to a sips URI must not be sent from a socket because it lacks TLS. Inside a dialog the route set
   * of its start applies.
   */
  bars(message: SipMessage, { requestUri }: NextHop, socket: SipSocket): boolean {
    return isSecure(message, requestUri) && this.options.sipsNeedsTls && !hasTls(socket) && message.toTag === '';
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

  /** What the token in our Record-Route says of the dialog: as recorded before, or what it begins with. */
  dialogTags({ dialogTags, destination }: NextHop, source: Source, to: string): string {
    if (dialogTags !== undefined || this.tokens === undefined) return dialogTags ?? '';
    const scope = destination === undefined ? { address: to } : { partition: destination.partition };
    return this.tokens.tags(scope, source.address);
  }
}

/** The header of a 480 that says why (RFC 5630 section 5.3). */
export function sipsWarning({ socket }: Source): string {
  return `Warning: 380 ${socket.sentBy} "SIPS Not Allowed"\r\n`;
}
