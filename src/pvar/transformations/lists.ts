import { trimmed } from '../../core/characters.js';
import { parseAddress } from '../../core/name-addr.js';
import { parseUri, type SipUri, uriParam, uriTransport } from '../../core/uri.js';
import type { PvarValue } from '../context.js';
import { paramPairs, paramValue, splitList } from '../header-values.js';
import { orNull, type TextReader } from '../variables/definition.js';
import { elementAt, onText, type TransformationDefinition, uriParameters, uriPart } from './definition.js';

/** A transformation of text with a name as its argument. */
export function withName(run: (text: string, name: string) => PvarValue): TransformationDefinition {
  return {
    least: 1,
    max: 1,
    make(args) {
      const name = args[0] as TextReader;
      return (value, context) => run(String(value), trimmed(name.constant ?? name.read(context)));
    },
  };
}

const partOf = (of: (uri: SipUri) => PvarValue) => uriPart(of, null);

function uriParameter(name: string): TransformationDefinition {
  return partOf((uri) => uriParam(uri.params, name) ?? null);
}

/** Class "uri": the value as a SIP URI (RFC 3261 section 19.1); null for any other text. */
export const uriTransformations: readonly [string, TransformationDefinition][] = [
  ['uri.user', partOf((uri) => orNull(uri.user))],
  ['uri.host', partOf((uri) => orNull(uri.host))],
  ['uri.passwd', partOf((uri) => orNull(uri.password))],
  ['uri.port', partOf((uri) => orNull(uri.portText))],
  ['uri.params', partOf((uri) => orNull(uri.params.slice(1)))],
  ['uri.param', withName((text, name) => uriParam(parseUri(text)?.params ?? '', name.toLowerCase()) ?? null)],
  ['uri.headers', partOf((uri) => orNull(uri.headers.slice(1)))],
  ['uri.proto', partOf((uri) => uriTransport(uri) ?? null)],
  ...uriParameters(uriParameter),
  ['uri.schema', partOf((uri) => uri.scheme)],
  ['uri.scheme', partOf((uri) => uri.scheme)],
];

/** Class "param": the value as a list "name=value;name=value". */
export const paramTransformations: readonly [string, TransformationDefinition][] = [
  ['param.value', withName((text, name) => paramValue(text, name) ?? null)],
  ['param.exist', withName((text, name) => (paramValue(text, name) === undefined ? 0 : 1))],
  ['param.valueat', elementAt(paramPairs, ([, value]) => value)],
  ['param.name', elementAt(paramPairs, ([name]) => name)],
  ['param.count', onText((text) => paramPairs(text).length)],
];

const csv = (text: string) => splitList(text, ',');

/** Class "csv": the value as a comma-separated list. */
export const csvTransformations: readonly [string, TransformationDefinition][] = [
  ['csv.count', onText((text) => csv(text).length)],
  ['csv.value', elementAt(csv, (item) => item)],
];

/** Class "nameaddr": the value as the value of From, To or Contact. */
export const addressTransformations: readonly [string, TransformationDefinition][] = [
  ['nameaddr.name', onText((text) => orNull(parseAddress(text).display))],
  ['nameaddr.uri', onText((text) => orNull(parseAddress(text).uri))],
  ['nameaddr.len', onText((text) => text.length)],
  ['nameaddr.param', withName((text, name) => paramValue(parseAddress(text).params, name) ?? null)],
  ['nameaddr.params', onText((text) => orNull(parseAddress(text).params.slice(1)))],
];

interface ViaValue {
  readonly name: string;
  readonly version: string;
  readonly transport: string;
  readonly host: string;
  readonly port: string;
  readonly params: string;
  /** Text in parentheses at the end, as RFC 2543 had it. */
  readonly comment: string;
}

const VIA =
  /^([^ \t\r\n/]+)[ \t\r\n]*\/[ \t\r\n]*([^ \t\r\n/]+)[ \t\r\n]*\/[ \t\r\n]*([^ \t\r\n/]+)[ \t\r\n]+(\[[^\]]*\]|[^ \t\r\n:;,]+)(?:[ \t\r\n]*:[ \t\r\n]*([0-9]+))?[ \t\r\n]*(;.*)?$/s;

/** Parses a Via value (RFC 3261 section 20.42), the first of a list. */
function parseVia(text: string): ViaValue | undefined {
  const value = trimmed(splitList(text.slice(0, 4096), ',')[0] ?? '');
  const open = value.endsWith(')') ? value.lastIndexOf('(') : -1;
  const match = VIA.exec(open < 0 ? value : trimmed(value.slice(0, open)));
  if (match === null) return undefined;
  const [, name = '', version = '', transport = '', host = '', port = '', params = ''] = match;
  return { name, version, transport, host, port, params, comment: open < 0 ? '' : value.slice(open + 1, -1) };
}

/** A part of a Via header value. */
export function viaPart(of: (via: ViaValue) => string | undefined): TransformationDefinition {
  return onText((text) => {
    const via = parseVia(text);
    return via === undefined ? null : orNull(of(via));
  });
}

/** Class "via": the value as a Via header value. */
export const viaTransformations: readonly [string, TransformationDefinition][] = [
  ['via.name', viaPart((via) => via.name)],
  ['via.version', viaPart((via) => via.version)],
  ['via.transport', viaPart((via) => via.transport)],
  ['via.host', viaPart((via) => via.host)],
  ['via.port', viaPart((via) => via.port)],
  ['via.params', viaPart((via) => via.params.slice(1))],
  ['via.param', withName((text, name) => paramValue(parseVia(text)?.params ?? '', name) ?? null)],
  ['via.branch', viaPart((via) => paramValue(via.params, 'branch'))],
  ['via.received', viaPart((via) => paramValue(via.params, 'received'))],
  ['via.rport', viaPart((via) => paramValue(via.params, 'rport'))],
];
