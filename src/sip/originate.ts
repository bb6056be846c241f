import type { Random } from '../core/random.js';
import { defaultPort, parseUri, type SipUri, type TransportName, uriTransport } from '../core/uri.js';
import { buildRequest } from './grammar.js';
import type { LocalSockets } from './local-sockets.js';
import type { Address, Resolver } from './resolve.js';
import type { ClientTransaction, ClientUser } from './transaction/client.js';
import type { TransactionLayer } from './transaction/layer.js';
import type { NonInviteClient } from './transaction/non-invite-client.js';
import type { SipSocket } from './transport/transport.js';

/** One of our own requests (not INVITE) and how to send it. */
export interface OwnRequest {
  readonly method: string;
  /** Request-URI and To. */
  readonly uri: string;
  readonly from: string;
  /** Description of the socket to send from; undefined: chosen by transport and family. */
  readonly socket?: string | undefined;
  /** Name of the socket to send from; it takes precedence over `socket`. */
  readonly sockname?: string | undefined;
  /**
   * Whether the socket decides the transport, as for calls to a destination whose row names it. A socket without TLS
   * does not do so for a sips URI.
   */
  readonly socketDecides?: boolean;
  /** SIP URI of the next hop; undefined: `uri`. */
  readonly nextHop?: string | undefined;
  /** The next hop's address, if it is known already. */
  readonly address?: Omit<Address, 'name'> | undefined;
  /** Whether to add a Contact with the address of its socket. */
  readonly contact?: boolean;
  /** Further header lines, without line breaks. */
  readonly headers?: readonly string[];
  readonly maxForwards: number;
  readonly timeoutMs: number;
  /** A script's local route: makes the last changes to the text. */
  readonly edit?: ((text: string) => string) | undefined;
}

/**
 * How a request ended: a final status code, or, without a reply, 408 with cause "timeout" or 503 with another cause.
 */
export interface OwnOutcome {
  readonly code: number;
  readonly cause?: 'timeout' | 'refused' | 'tls' | 'dns' | 'send' | undefined;
  readonly reason?: string | undefined;
  /** Round trip in milliseconds, when a reply came. */
  readonly rtt?: number | undefined;
}

/** Sends our own requests (probes), each in a client transaction. */
export class Originator {
  private sequence = 0;
  private readonly callIdPrefix: string;

  constructor(
    private readonly layer: TransactionLayer,
    private readonly sockets: LocalSockets,
    private readonly resolver: Resolver,
    private readonly random: Random,
    private readonly userAgent: string,
  ) {
    this.callIdPrefix = random.token(8);
  }

  /**
   * Sends a request; `done` is called once, after this function has returned, unless the returned function cancels the
   * request before. If a name has several addresses, the next one is tried when one is unreachable, answers 503, or
   * does not reply within its share of the time (RFC 3263 section 4.3). A socket that is not open is treated like a
   * missing one: calls then choose another, and a probe that failed instead would make the destination inactive.
   */
  send(request: OwnRequest, done: (outcome: OwnOutcome) => void): () => void {
    const { sockname, socket } = request;
    const named = socket === undefined ? undefined : this.sockets.named(socket);
    const forced = sockname === undefined ? named : this.sockets.called(sockname);
    const pending = new Pending((address, share) => this.transmit(request, address, share, forced, pending), done);
    const written = parseUri(request.nextHop ?? request.uri);
    const transport = request.socketDecides === true ? decided(written, forced) : undefined;
    if (request.address !== undefined && request.nextHop === undefined) {
      const { address } = request;
      const port = transport === undefined ? address.port : (written?.port ?? defaultPort(transport));
      pending.start([{ ...address, transport: transport ?? address.transport, port, name: undefined }]);
    } else {
      const uri =
        written && transport !== undefined
          ? { ...written, params: `${written.params.replace(/;transport=[^;]*/i, '')};transport=${transport}` }
          : written;
      if (uri === undefined) queueMicrotask(() => pending.end({ code: 503, cause: 'send', reason: 'not a SIP URI' }));
      else
        this.resolver.resolve(uri, (result) => {
          if (result instanceof Error) pending.end({ code: 503, cause: 'dns', reason: result.message });
          else pending.start(result.filter((each, i) => i === 0 || this.sockets.choose(each, forced) !== undefined));
        });
    }
    return () => pending.abandon();
  }

  /** `share`: the part of the total time that this address gets. */
  private transmit(
    request: OwnRequest,
    address: Address,
    share: number,
    forced: SipSocket | undefined,
    pending: Pending,
  ): void {
    if (pending.ended) return;
    pending.began = this.layer.now();
    const socket = this.sockets.choose(address, forced);
    if (socket === undefined) {
      queueMicrotask(() => pending.end({ code: 503, cause: 'send', reason: `no ${address.transport} socket` }));
      return;
    }
    const colon = socket.sentBy.lastIndexOf(':');
    const callId = `${this.callIdPrefix}-${(this.sequence++).toString(36)}@${socket.sentBy.slice(0, colon)}`;
    const branch = this.layer.branches.make('p', callId);
    const built = buildRequest({
      method: request.method,
      uri: request.uri,
      from: request.from,
      fromTag: this.random.token(8),
      callId,
      cseq: 14,
      maxForwards: request.maxForwards,
      userAgent: this.userAgent,
      lines: linesOf(request, socket),
      via: {
        transport: socket.transport.toUpperCase(),
        host: socket.sentBy.slice(0, colon),
        port: Number(socket.sentBy.slice(colon + 1)),
        branch: branch.text,
      },
    });
    const target = { socket, address: address.address, port: address.port, serverName: address.name };
    const text = request.edit === undefined ? built : request.edit(built);
    pending.client = this.layer.request(text, false, branch, target, pending, undefined, request.timeoutMs * share);
  }
}

/** The transport of the socket, where it overrides that of the URI. */
function decided(uri: SipUri | undefined, socket: SipSocket | undefined): TransportName | undefined {
  const usual = uri && uriTransport(uri);
  if (usual === undefined || socket === undefined || socket.transport === usual) return undefined;
  const isSecure = (name: TransportName): boolean => name === 'tls' || name === 'wss';
  return isSecure(usual) && !isSecure(socket.transport) ? undefined : socket.transport;
}

/** The header lines beyond the usual ones. */
function linesOf({ contact, headers = [] }: OwnRequest, { sentBy, transport }: SipSocket): readonly string[] {
  if (contact !== true) return headers;
  return [`Contact: <sip:${sentBy}${transport === 'udp' ? '' : `;transport=${transport}`}>`, ...headers];
}

/** Addresses of a name that are tried. */
const MAX_ADDRESSES = 3;

class Pending implements ClientUser {
  client: ClientTransaction | undefined = undefined;
  ended = false;
  /** When the attempt for the current address began. */
  began = 0;
  private addresses: readonly Address[] = [];
  private share = 1;

  constructor(
    private readonly transmit: (address: Address, share: number) => void,
    private readonly done: (outcome: OwnOutcome) => void,
  ) {}

  start(addresses: readonly Address[]): void {
    this.addresses = addresses.slice(0, MAX_ADDRESSES);
    this.share = 1 / this.addresses.length;
    this.next();
  }

  onReply(client: ClientTransaction, reply: { status: number; reason: string }): void {
    if (reply.status < 200 || client !== this.client) return;
    if (reply.status === 503 && this.next()) return;
    this.end({ code: reply.status, reason: reply.reason, rtt: Math.max(0, client.clockNow() - this.began) });
  }

  onFailure(client: ClientTransaction, failure: { kind: string; cause: OwnOutcome['cause']; message: string }): void {
    if (client !== this.client || this.next()) return;
    this.end({ code: failure.kind === 'timeout' ? 408 : 503, cause: failure.cause, reason: failure.message });
  }

  end(outcome: OwnOutcome): void {
    if (this.ended) return;
    this.ended = true;
    this.done(outcome);
  }

  abandon(): void {
    this.ended = true;
    (this.client as NonInviteClient | undefined)?.abandon();
  }

  /** Tries the next address; false when there is none. */
  private next(): boolean {
    const [first, ...rest] = this.addresses;
    if (first === undefined || this.ended) return false;
    this.addresses = rest;
    this.transmit(first, this.share);
    return true;
  }
}
