import { trimmed, trimmedIfThere } from '../../core/characters.js';
import { ownValue } from '../../core/own-value.js';
import { bracketed, parseUri, type TransportName } from '../../core/uri.js';
import { countDestinations } from '../../engine/count.js';
import { findInList } from '../../engine/in-list.js';
import { FROM_LIST, findFromList } from '../../engine/kamailio/from-list.js';
import { integerOf } from '../../pvar/context.js';
import type { Format } from '../../pvar/format.js';
import { numberFor, setFor, setReference } from './references.js';
import type { DispatcherSite } from './site.js';

const DEFAULT_PORTS: Readonly<Record<string, number>> = { tls: 5061, wss: 443, ws: 80 };

/** ds_count: writes the number of destinations of a set whose states the filter names. */
export function count(site: DispatcherSite, set: string, filter: string, result: Format, partition?: string): number {
  const found = setReference(site.env.engine, set, partition);
  if (typeof found === 'string') return site.refused('ds_count', found);
  const number = found.setId === undefined ? undefined : countDestinations(found.partition, found.setId, filter);
  if (number === undefined) return -1;
  result.assign(site.pvars, number);
  return 1;
}

/**
 * ds_is_in_list: whether an address and port (0 or '' for any) belong to a destination of one set or of all. The set of
 * the first match is written to setid_pvar (when no set was given), its attributes to attrs_avp.
 */
export function isInList(
  site: DispatcherSite,
  ip: string,
  port: string,
  set = '',
  partition?: string,
  activeOnly?: string,
  pattern?: string,
): number {
  const found = setReference(site.env.engine, set, partition);
  if (typeof found === 'string') return site.refused('ds_is_in_list', found);
  const { setId } = found;
  const active = trimmed(activeOnly ?? '');
  const destination = findInList(found.partition, {
    ip,
    port: integerOf(port) ?? 0,
    setId,
    activeOnly: active !== '' && active !== '0',
    pattern,
  });
  if (destination === undefined) return -1;
  if (setId === undefined || setId === -1) site.env.setidPvar?.assign(site.pvars, destination.setId);
  const { attrsAvp } = found.partition.options;
  // Empty attributes are written too, as recorded: the value of an earlier match must not remain.
  if (attrsAvp !== undefined) site.pvars.avps.set(attrsAvp, destination.row.attrs);
  return 1;
}

/** The source of the message, or the address in a URI; undefined when the text is not a SIP URI. */
function addressOf({ pvars }: DispatcherSite, uri: string | undefined) {
  if (uri === undefined) {
    return { ip: pvars.sourceAddress, port: pvars.sourcePort, transport: pvars.protocol.toLowerCase() };
  }
  const parsed = parseUri(/^[a-z]{3,4}:/i.test(uri) ? uri : `sip:${uri}`);
  if (parsed === undefined || parsed.scheme === 'tel') return undefined;
  const named = /;transport=([A-Za-z]+)/i.exec(parsed.params)?.[1]?.toLowerCase();
  const transport = named ?? (parsed.scheme === 'sips' ? 'tls' : 'udp');
  return { ip: parsed.host, port: parsed.port ?? ownValue(DEFAULT_PORTS, transport) ?? 5060, transport };
}

/**
 * ds_is_from_list of Kamailio: whether an address (by default the sender's) belongs to a destination of a set, or of
 * any set when none or -1 is given. The attributes of the match are written to attrs_pvname and, when no set was given,
 * its set to setid_pvname.
 */
export function isFromList(site: DispatcherSite, set = '-1', mode?: string, uri?: string, partition?: string): number {
  const name = 'ds_is_from_list';
  const found = setFor(site, name, set, partition);
  const bits = numberFor(site, name, 'mode', mode, FROM_LIST.anyProtocol);
  if (found === undefined || bits === undefined) return -1;
  const address = addressOf(site, trimmedIfThere(uri));
  if (address === undefined) return site.refused(name, `"${trimmedIfThere(uri)}" is not a SIP URI`);
  const { pvars, env } = site;
  const { protocol, receivedAddress, receivedPort } = pvars;
  const host = bracketed(receivedAddress);
  const destination = findFromList(found.partition, {
    ip: address.ip,
    port: address.port,
    transport: address.transport as TransportName,
    socket: `${protocol.toLowerCase()}:${host}:${receivedPort}`,
    setId: found.setId === -1 ? undefined : found.setId,
    mode: bits,
  });
  if (destination === undefined) return -1;
  if (found.setId === -1) env.setidPvar?.assign(pvars, destination.setId);
  if (destination.row.attrs !== '') env.attrsPvar?.assign(pvars, destination.row.attrs);
  return 1;
}

/** ds_list_exists of Kamailio; -2 when the set is not a number. As recorded, empty text counts as a number. */
export function listExists(site: DispatcherSite, set: string, partition?: string): number {
  if (trimmed(set) === '') return -1;
  const found = setFor(site, 'ds_list_exists', set, partition);
  if (found === undefined) return -2;
  return found.partition.snapshot.sets.has(found.setId) ? 1 : -1;
}

/**
 * ds_is_active of Kamailio: whether a set has an active destination; with a `uri` that is not "", whether that one is.
 */
export function isActive(site: DispatcherSite, set: string, uri?: string, partition?: string): number {
  const found = setFor(site, 'ds_is_active', set, partition);
  const destinations = found?.partition.snapshot.sets.get(found.setId)?.destinations ?? [];
  const active = destinations.some(
    ({ row, health }) => health.state === 'active' && (uri === undefined || uri === '' || row.uri === uri),
  );
  return active ? 1 : -1;
}
