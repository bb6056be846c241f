import { bareHost, defaultPort, parseUri, type SipUri, type TransportName, uriTransport } from '../core/uri.js';
import type { Destination, DestinationRow, Health, ResolvedAddress } from './destination.js';

/** What identifies "the same destination": never weight, attributes or row order, so those may change under its health. */
export function destinationKey(partition: string, setId: number, uri: string, socket: string): string {
  return `${partition}\n${setId}\n${uri}\n${socket}`;
}

/** A row whose URI can be dialled, cut into parts; its health is given by the load. */
export interface DialParts {
  readonly uri: SipUri;
  readonly transport: TransportName;
  readonly dialUri: string;
}

/** Cuts a row's URI, or says why it cannot be a destination. */
export function dialPartsOf(row: DestinationRow): DialParts | string {
  const uri = parseUri(row.uri);
  if (uri === undefined) return `uri "${row.uri}" is not a SIP URI`;
  if (uri.scheme === 'tel') return `uri "${row.uri}" is a tel URI, which has no host to send to`;
  const transport = uriTransport(uri);
  if (transport === undefined) return `uri "${row.uri}" asks for a transport that is not known`;
  const plain = uri.user === '' && uri.headers === '' && row.uri.indexOf('@') < 0;
  // The stored form is kept where it can be dialled as it stands: no second string for it.
  const dialUri = plain ? row.uri : `${uri.scheme}:${hostPortParams(uri)}`;
  return { uri, transport, dialUri };
}

function hostPortParams(uri: SipUri): string {
  return uri.portText === '' ? uri.host + uri.params : `${uri.host}:${uri.portText}${uri.params}`;
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?!$)|$)){4}$/;

/** The address of a host that is an IP literal; undefined for a name. Port: as written, else the transport's default. */
export function literalAddress(
  host: string,
  port: number | undefined,
  transport: TransportName,
): ResolvedAddress | undefined {
  const family = host.charCodeAt(0) === 91 ? 6 : IPV4.test(host) ? 4 : undefined;
  if (family === undefined) return undefined;
  return { family, address: bareHost(host), port: port ?? defaultPort(transport), transport };
}

/** One destination of a snapshot. */
export class CompiledDestination implements Destination {
  index = 0;
  readonly dialUri: string;
  readonly scheme: 'sip' | 'sips';
  readonly host: string;
  readonly port: number | undefined;
  readonly params: string;
  readonly transport: TransportName;
  private addresses: readonly ResolvedAddress[];

  constructor(
    readonly key: string,
    readonly partition: string,
    readonly setId: number,
    readonly row: DestinationRow,
    parts: DialParts,
    readonly health: Health,
    resolved: readonly ResolvedAddress[],
  ) {
    this.addresses = resolved;
    this.dialUri = parts.dialUri;
    this.scheme = parts.uri.scheme === 'sips' ? 'sips' : 'sip';
    this.host = parts.uri.host;
    this.port = parts.uri.port;
    this.params = parts.uri.params;
    this.transport = parts.transport;
  }

  get resolved(): readonly ResolvedAddress[] {
    return this.addresses;
  }

  set resolved(addresses: readonly ResolvedAddress[]) {
    this.addresses = addresses;
    const resolutions = this.health.availability?.resolutions;
    if (resolutions !== undefined) resolutions.version++;
  }
}

/** Health of a destination that was never seen before. */
export function newHealth(state: Health['state'], availability: Health['availability']): Health {
  return {
    state,
    failures: 0,
    hits: 0,
    seq: 0,
    lastChange: undefined,
    lastProbe: undefined,
    dirty: false,
    scriptAttrs: undefined,
    availability,
  };
}

/**
 * A destination that stands in no set, for a URI a script put into a partition's list. Nothing can mark it and no probe
 * reaches it. Undefined when the URI cannot be dialled.
 */
export function detachedDestination(
  partition: string,
  setId: number,
  uri: string,
  socket: string,
): Destination | undefined {
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
  const parts = dialPartsOf(row);
  if (typeof parts === 'string') return undefined;
  const address = literalAddress(parts.uri.host, parts.uri.port, parts.transport);
  const health = newHealth('active', undefined);
  const key = destinationKey(partition, setId, uri, socket);
  const destination = new CompiledDestination(
    key,
    partition,
    setId,
    row,
    parts,
    health,
    address === undefined ? [] : [address],
  );
  destination.index = -1;
  return destination;
}
