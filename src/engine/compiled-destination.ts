import { bareHost, defaultPort, parseUri, type SipUri, type TransportName, uriTransport } from '../core/uri.js';
import type { Destination, DestinationRow, Health, ResolvedAddress } from './destination.js';
import { LiveHealth } from './live-health.js';

/**
 * The identity of a destination. Weight, attributes and order of rows are not part of it, so its health survives when
 * they change.
 */
function destinationKey(partition: string, setId: number, uri: string, socket: string): string {
  return `${partition}\n${setId}\n${uri}\n${socket}`;
}

/** The parts of a row's URI. Requests are sent to the URI without user, password and headers. */
export interface DialParts {
  readonly uri: SipUri;
  readonly transport: TransportName;
}

/** Parses a row's URI; returns an error text when it cannot be a destination. */
export function dialPartsOf(rowUri: string): DialParts | string {
  const uri = parseUri(rowUri);
  if (uri === undefined) return `uri "${rowUri}" is not a SIP URI`;
  if (uri.scheme === 'tel') return `uri "${rowUri}" is a tel URI, which has no host to send to`;
  const transport = uriTransport(uri);
  if (transport === undefined) {
    const why = uri.scheme === 'sips' ? 'is a sips URI with a transport other than TLS' : 'names an unknown transport';
    return `uri "${rowUri}" ${why}`;
  }
  return { uri, transport };
}

function dialUriOf(rowUri: string, uri: SipUri): string {
  // Uses the stored string itself when nothing has to be removed, to save memory.
  if (uri.headers === '' && rowUri.indexOf('@') < 0) return rowUri;
  const port = uri.portText === '' ? '' : `:${uri.portText}`;
  return `${uri.scheme}:${uri.host}${port}${uri.params}`;
}

/**
 * A destination of a snapshot. Of a hundred thousand loaded, few may ever be used, so the parts of its URI are parsed
 * when first needed.
 */
export class CompiledDestination implements Destination {
  index = 0;
  serial = 0;
  private parts: DialParts | undefined = undefined;
  private dial: string | undefined = undefined;
  private addresses: readonly ResolvedAddress[] | undefined;
  private identity: string | undefined = undefined;

  /** `row.uri` must be accepted by dialPartsOf. `addresses`: undefined when the host is an IP literal. */
  constructor(
    readonly partition: string,
    readonly row: DestinationRow,
    readonly health: Health,
    addresses: readonly ResolvedAddress[] | undefined,
  ) {
    this.addresses = addresses;
  }

  /** The ID of its set. */
  get setId(): number {
    return this.row.setId;
  }

  get key(): string {
    return (this.identity ??= destinationKey(this.partition, this.row.setId, this.row.uri, this.row.socket));
  }

  /** Makes it a destination of its own although `earlier` rows of the set have the same URI and socket. */
  setApart(earlier: number): void {
    this.identity = `${this.key}\n${earlier}`;
  }

  get dialUri(): string {
    return (this.dial ??= dialUriOf(this.row.uri, this.cut.uri));
  }

  /** The scheme of its URI. */
  get scheme(): 'sip' | 'sips' {
    return this.cut.uri.scheme === 'sips' ? 'sips' : 'sip';
  }

  get host(): string {
    return this.cut.uri.host;
  }

  get port(): number | undefined {
    return this.cut.uri.port;
  }

  get params(): string {
    return this.cut.uri.params;
  }

  /** The transport that its URI implies (RFC 3263 section 4.1, without DNS). */
  get transport(): TransportName {
    return this.cut.transport;
  }

  get resolved(): readonly ResolvedAddress[] {
    return (this.addresses ??= [literalAddress(this.cut)]);
  }

  set resolved(addresses: readonly ResolvedAddress[]) {
    this.addresses = addresses;
    const resolutions = this.health.availability?.resolutions;
    if (resolutions !== undefined) resolutions.version++;
  }

  private get cut(): DialParts {
    if (this.parts === undefined) {
      const parts = dialPartsOf(this.row.uri);
      if (typeof parts === 'string') throw new Error(parts);
      this.parts = parts;
    }
    return this.parts;
  }
}

/** The address of a host that is an IP literal, with the port of the URI or the default port. */
function literalAddress({ uri, transport }: DialParts): ResolvedAddress {
  const family = uri.host.charCodeAt(0) === 91 ? 6 : 4;
  return { family, address: bareHost(uri.host), port: uri.port ?? defaultPort(transport), transport };
}

/** The Health of a new destination. */
export function newHealth(state: Health['state'], availability: Health['availability']): Health {
  return new LiveHealth(state, availability);
}

/**
 * A destination outside any set, for a URI that a script wrote into a partition's list. It has no state and is not
 * probed. Undefined when the URI cannot be a destination.
 */
export function detachedDestination(
  partition: string,
  setId: number,
  uri: string,
  socket: string,
): Destination | undefined {
  const parts = dialPartsOf(uri);
  if (typeof parts === 'string') return undefined;
  const row: DestinationRow = {
    setId,
    uri,
    socket,
    state: 'active',
    probeMode: 0,
    weight: 1,
    priority: 0,
    attrs: '',
    description: '',
  };
  const isLiteral = isIpLiteral(parts.uri.host);
  const destination = new CompiledDestination(
    partition,
    row,
    newHealth('active', undefined),
    isLiteral ? undefined : [],
  );
  destination.index = -1;
  return destination;
}

/** Whether the host of a parsed URI is an IP literal (IPv6 in brackets). */
export function isIpLiteral(host: string): boolean {
  return host.charCodeAt(0) === 91 || ipv4Number(host) !== undefined;
}

/** An IPv4 address as a signed 32-bit number; undefined for anything else. */
export function ipv4Number(host: string): number | undefined {
  const { length } = host;
  if (length < 7 || length > 15) return undefined;
  let value = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  for (let i = 0; i < length; i++) {
    const c = host.charCodeAt(i);
    if (c === 46 /* the dot */) {
      if (digits === 0 || ++dots > 3) return undefined;
      value = (value << 8) | part;
      part = 0;
      digits = 0;
    } else if (c >= 48 && c <= 57) {
      // A leading zero is refused, since some programs read octal then.
      if (digits > 0 && part === 0) return undefined;
      part = part * 10 + c - 48;
      if (++digits > 3 || part > 255) return undefined;
    } else {
      return undefined;
    }
  }
  return dots === 3 && digits > 0 ? (value << 8) | part : undefined;
}
