import { withoutRoot } from '../core/host-name.js';
import { isWildcard, localAddresses } from '../core/local-addresses.js';
import { defaultPort, type SipUri, type TransportName, uriTransport } from '../core/uri.js';
import type { Address } from './resolve.js';
import { type Flow, hostPort, type SipSocket } from './transport/transport.js';

/** A connection to send through. */
export interface FlowTarget {
  readonly socket: SipSocket;
  readonly flow: Flow;
  readonly address: string;
  readonly port: number;
}

/**
 * The sockets this process listens on. Answers which host names and addresses are ours, and which socket to send from.
 */
export class LocalSockets {
  /** Host names and addresses in lower case, by port. */
  private names = new Map<number, Set<string>>();
  private byDescription = new Map<string, SipSocket>();
  private byName = new Map<string, SipSocket>();

  /**
   * `given`: names of the sockets in the configuration, in the order of `sockets`; undefined for one without a name.
   */
  constructor(
    private sockets: readonly SipSocket[],
    private readonly given: readonly (string | undefined)[] = [],
    /** Further host names of ours, "host" or "host:port"; without a port, any port of ours. */
    private readonly aliases: readonly string[] = [],
  ) {
    this.refresh(sockets);
  }

  /** Indexes the sockets again; call it after binding, since the port chosen for port 0 is known only then. */
  refresh(sockets: readonly SipSocket[]): void {
    this.sockets = sockets;
    this.names = new Map();
    this.byDescription = new Map();
    this.byName = new Map();
    for (const [i, socket] of sockets.entries()) {
      const bound = boundName(socket);
      this.addName(bound);
      this.addName(socket.sentBy.toLowerCase());
      if (isWildcard(socket.address)) {
        for (const each of localAddresses(socket.family)) this.addName(hostPort(each.address, socket.port));
      }
      const name = this.given[i];
      if (name !== undefined) this.byName.set(name.toLowerCase(), socket);
      this.byDescription.set(`${socket.transport}:${bound}`, socket);
      this.byDescription.set(socket.description.toLowerCase(), socket);
    }
    for (const alias of this.aliases) {
      const lower = alias.toLowerCase();
      if (/:[0-9]+$/.test(lower) && (lower.startsWith('[') || lower.indexOf(':') === lower.lastIndexOf(':'))) {
        this.addName(lower);
        continue;
      }
      const host = lower.includes(':') && !lower.startsWith('[') ? `[${lower}]` : lower;
      for (const port of new Set([5060, 5061, ...this.names.keys()])) this.addName(`${host}:${port}`);
    }
    // Without a port, the first socket at the address.
    for (const socket of sockets) {
      const portless = `${socket.transport}:${bound(socket)}`;
      if (!this.byDescription.has(portless)) this.byDescription.set(portless, socket);
    }
  }

  /** The socket with this name in the configuration; letter case does not matter. */
  called(name: string): SipSocket | undefined {
    return this.byName.get(name.toLowerCase());
  }

  /** The name of a socket in the configuration; undefined when it has none. */
  nameOf(socket: SipSocket | undefined): string | undefined {
    return socket === undefined ? undefined : this.given[this.sockets.indexOf(socket)];
  }

  /** The sockets in the order of the settings. */
  get all(): readonly SipSocket[] {
    return this.sockets;
  }

  /** Whether a URI names one of our sockets, by its bound or its advertised address. */
  isOurs(uri: SipUri): boolean {
    return this.isOursAt(uri.host, uri.port ?? defaultPort(uriTransport(uri) ?? 'udp'));
  }

  /** The socket of ours that a URI names by transport and bound or advertised address. */
  byUri(uri: SipUri): SipSocket | undefined {
    const transport = uriTransport(uri) ?? 'udp';
    const wanted = `${withoutRoot(uri.host)}:${uri.port ?? defaultPort(transport)}`.toLowerCase();
    return this.sockets.find(
      (socket) =>
        socket.transport === transport && (socket.sentBy.toLowerCase() === wanted || boundName(socket) === wanted),
    );
  }

  /** The open connection that belongs to a flow token, and its socket. */
  flow(token: string): FlowTarget | undefined {
    for (const socket of this.sockets) {
      const found = socket.findFlow?.(token);
      if (found !== undefined) return { socket, ...found };
    }
    return undefined;
  }

  /** Whether this host and port are ours. */
  isOursAt(host: string, port: number): boolean {
    return this.names.get(port)?.has(withoutRoot(host).toLowerCase()) === true;
  }

  /** The socket with a description such as "udp:127.0.0.1:5060". */
  named(description: string): SipSocket | undefined {
    const lower = description.toLowerCase();
    return this.byDescription.get(lower) ?? this.byDescription.get(`udp:${lower}`);
  }

  /**
   * The socket to send from to an address: the preferred one if it fits, else the first of that transport and family. A
   * wss socket serves for ws if there is no ws socket.
   */
  choose(address: Pick<Address, 'transport' | 'family'>, preferred: SipSocket | undefined): SipSocket | undefined {
    if (preferred !== undefined && preferred.family === address.family) {
      if (preferred.transport === address.transport) return preferred;
      // Clients of ws and of wss both write transport=ws (RFC 7118 has no other name).
      if (preferred.transport === 'wss' && address.transport === 'ws') return preferred;
    }
    const found = this.first(address.transport, address.family);
    return found === undefined && address.transport === 'ws' ? this.first('wss', address.family) : found;
  }

  private first(transport: TransportName, family: 4 | 6): SipSocket | undefined {
    const sockets = this.sockets;
    for (let i = 0; i < sockets.length; i++) {
      const socket = sockets[i] as SipSocket;
      if (socket.transport === transport && socket.family === family) return socket;
    }
    return undefined;
  }

  private addName(hostAndPort: string): void {
    const colon = hostAndPort.lastIndexOf(':');
    const port = Number(hostAndPort.slice(colon + 1));
    let hosts = this.names.get(port);
    if (hosts === undefined) this.names.set(port, (hosts = new Set()));
    hosts.add(withoutRoot(hostAndPort.slice(0, colon)));
  }

  /** The transports of our sockets, each once. */
  get transports(): TransportName[] {
    return [...new Set(this.sockets.map((socket) => socket.transport))];
  }
}

/** The address a socket is bound to, without port. */
function bound(socket: SipSocket): string {
  return hostPort(socket.address, 0).toLowerCase().replace(/:0$/, '');
}

function boundName(socket: SipSocket): string {
  return hostPort(socket.address, socket.port).toLowerCase();
}
