import { trimEnd } from '../../core/characters.js';
import { parseAddress } from '../../core/name-addr.js';
import { parseUri, type SipUri, uriParam, uriTransport } from '../../core/uri.js';
import type { PvarValue } from '../context.js';
import { kamailioUser, lenientUri, urnParts } from '../variables/script-uris.js';
import { onText, type TransformationDefinition } from './definition.js';

/** Removes a pair of brackets around a text. */
export function unbracketed(text: string): string {
  const at = '([{<'.indexOf(text.charAt(0));
  return text.length > 1 && at >= 0 && text.endsWith(')]}>'.charAt(at)) ? text.slice(1, -1) : text;
}

/** A part of a URI. As recorded, text that is not a URI gives null, which ends a chain of transformations. */
export const partOf = (of: (uri: SipUri) => PvarValue) =>
  onText((text) => {
    const uri = parseUri(text) ?? lenientUri(text);
    return uri === undefined ? null : of(uri);
  });

/** A parameter of a URI, "" without it. */
export const uriParameter = (name: string) => partOf((uri) => uriParam(uri.params, name) ?? '');

/** A transformation of an address; an empty text gives null. */
export function address(of: (text: string) => PvarValue): TransformationDefinition {
  return onText((text) => (text === '' ? null : of(text)));
}

/** A part of the value of To or From. As recorded, a text with a line break that is not folding gives null. */
export function toBody(of: (address: ReturnType<typeof parts>) => PvarValue): TransformationDefinition {
  return address((text) => {
    if (/[\r\n](?![ \t\n])/.test(trimEnd(text))) return null;
    const found = parts(text);
    // As recorded, each part is null if the text has no URI, or a parameter with two "=".
    return found.parsed === undefined || TWICE.test(found.params) ? null : of(found);
  });
}

/** ";transport=..." of a URI, "" without it. */
export function transportSuffix(uri: SipUri): string {
  const transport = uriParam(uri.params, 'transport');
  return transport === undefined ? '' : `;transport=${transport}`;
}

/** The next hop in a URI: without user, and with only the transport parameter. */
export function duri(uri: SipUri): string {
  return `${uri.scheme}:${uri.host}${uri.portText === '' ? '' : `:${uri.portText}`}${transportSuffix(uri)}`;
}

/** The user of a URI with "@", "" without a user. */
export const userAt = ({ user }: SipUri): string => (user === '' ? '' : `${user}@`);

/** A parameter with two "=" outside quotes. */
const TWICE = /;[^;="]*=[^;="]*=/;

/** The parts of an address as in To: display name, URI, parameters. */
export const parts = (text: string) => {
  const { display, uri, params } = parseAddress(text);
  return { display, uri, params, parsed: parseUri(uri) ?? urnParts(uri) };
};

/** The user of a URI; '' for undefined. */
export const userOf = (uri: SipUri | undefined): string => (uri === undefined ? '' : kamailioUser(uri));

/** The display name with everything before the "<". */
export function nameBefore(text: string): string {
  const open = text.indexOf('<');
  return open < 0 ? '' : text.slice(0, open);
}

const PROTOCOLS = ['', 'udp', 'tcp', 'tls', 'sctp', 'ws', 'wss'];

/** "host~port~protocol" of a URI, as nathelper writes it after ";alias=". */
export function aliasOf(text: string): string {
  const uri = parseUri(text);
  if (uri === undefined) return '';
  const protocol = PROTOCOLS.indexOf((uriTransport(uri) ?? 'udp').toLowerCase());
  return protocol < 1 ? '' : `${uri.host}~${uri.port ?? (protocol === 3 ? 5061 : 5060)}~${protocol}`;
}

/** The URI of a value of the parameter alias, "address~port~protocol"; "" if it is not one. */
export function uriOfAlias(text: string): string {
  const [host, port, protocol] = text.split('~', 3);
  if (host === undefined || port === undefined || protocol === undefined) return '';
  const name = PROTOCOLS[Number(protocol.charAt(0))] ?? '';
  return `sip:${host}:${port}${name === '' || name === 'udp' ? '' : `;transport=${name}`}`;
}
