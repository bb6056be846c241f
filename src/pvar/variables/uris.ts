import { defaultPort, parseUri, type SipUri, uriTransport } from '../../core/uri.js';
import { integerOf, type PvarContext, type PvarMessage, type PvarValue } from '../context.js';
import { paramValue } from '../header-values.js';
import { lastAddress, lastUri, type ParsedAddress } from '../uri-memo.js';
import { type Getter, orNull, plain, type VariableDefinition } from './definition.js';

/** Port of a URI; one without a port has its transport's default (5060, 5061 for TLS), as recorded for $rp. */
function portOf(uri: SipUri): number {
  return uri.port ?? defaultPort(uriTransport(uri) ?? 'udp');
}

/** Protocol names are documented in capitals: UDP, TCP, TLS, WS, WSS, SCTP. */
function protocolOf(uri: SipUri): string {
  return (uriTransport(uri) ?? 'udp').toUpperCase();
}

function text(uri: SipUri): string {
  const user = uri.user === '' && uri.password === '' ? '' : `${uri.user}${passwordOf(uri)}@`;
  const port = uri.portText === '' ? '' : `:${uri.portText}`;
  return `${uri.scheme}:${user}${uri.host}${port}${uri.params}${uri.headers}`;
}

function passwordOf(uri: SipUri): string {
  return uri.password === '' ? '' : `:${uri.password}`;
}

/** A host as written in a URI: an IPv6 address in brackets. */
function hostOf(value: string): string {
  return value.includes(':') && /^[0-9A-Fa-f:.]+$/.test(value) ? `[${value}]` : value;
}

/** Variables that read parts of one URI of the message: the name of each part with its definition. */
function uriVariables(
  read: (context: PvarContext) => string | undefined,
  names: { uri: string; user?: string; domain: string; port: string; protocol: string },
  write?: (context: PvarContext, uri: string) => void,
): [string, VariableDefinition][] {
  const parse = lastUri();
  const part =
    (of: (uri: SipUri) => PvarValue): Getter =>
    (context) => {
      const current = read(context);
      if (current === undefined || current === '') return null;
      const uri = parse(current);
      return uri === undefined ? null : of(uri);
    };
  /** Writes the URI with one part changed; does nothing where the URI, or the new one, cannot be parsed. */
  const change =
    (edit: (uri: SipUri, value: PvarValue) => SipUri | undefined) => (context: PvarContext, value: PvarValue) => {
      if (write === undefined) return;
      const current = read(context);
      const uri = current === undefined ? undefined : parse(current);
      if (uri === undefined || uri.scheme === 'tel') return;
      const edited = edit(uri, value);
      if (edited === undefined) return;
      const rebuilt = text(edited);
      const check = parse(rebuilt);
      // A value that would be parsed differently (";" in a host, "@" in a port) is not written.
      if (check?.user === edited.user && check.host === edited.host && check.params === edited.params) {
        write(context, rebuilt);
      }
    };
  const setter = (edit: (uri: SipUri, value: PvarValue) => SipUri | undefined) =>
    write === undefined ? undefined : change(edit);

  const definitions: [string, VariableDefinition][] = [
    [names.uri, plain((context) => orNull(read(context)))],
    [
      names.domain,
      plain(
        part((uri) => orNull(uri.host)),
        setter((uri, value) => (value === null ? undefined : { ...uri, host: hostOf(String(value)) })),
      ),
    ],
    [
      names.port,
      plain(
        part(portOf),
        setter((uri, value) => {
          if (value === null) return { ...uri, port: undefined, portText: '' };
          const port = integerOf(value);
          return port === undefined || port < 1 || port > 65535 ? undefined : { ...uri, port, portText: String(port) };
        }),
      ),
    ],
    [names.protocol, { ...plain(part(protocolOf)), ignoreCase: true }],
  ];
  if (names.user !== undefined) {
    definitions.push([
      names.user,
      plain(
        part((uri) => orNull(uri.user)),
        setter((uri, value) => ({
          ...uri,
          user: value === null ? '' : String(value),
          password: value === null ? '' : uri.password,
        })),
      ),
    ]);
  }
  return definitions;
}

/** The value if it is a URI that does not break the message it is written into; otherwise undefined. */
function usableUri(value: PvarValue): string | undefined {
  if (typeof value !== 'string' || /[\x00-\x20\x7f<>]/.test(value)) return undefined;
  return parseUri(value) === undefined ? undefined : value;
}

/** Variables over From and To. */
function addressVariables(
  read: (message: PvarMessage) => string | undefined,
  names: { uri: string; user: string; domain: string; display: string; tag: string },
): [string, VariableDefinition][] {
  const parse = lastAddress();
  const part =
    (of: (address: ParsedAddress) => string | undefined): Getter =>
    (context) => {
      const raw = read(context.message);
      return raw === undefined || raw === '' ? null : orNull(of(parse(raw)));
    };
  return [
    [names.uri, plain(part((address) => address.uri))],
    [names.user, plain(part((address) => address.parsed?.user))],
    [names.domain, plain(part((address) => address.parsed?.host))],
    [names.display, plain(part((address) => address.display))],
    [names.tag, plain(part((address) => paramValue(address.params, 'tag')))],
  ];
}

/** $ru $rU $rd $rp $rP, $ou and the like, $du $dd $dp $dP, $fu $fU $fd $fn $ft, $tu $tU $td $tn $tt. */
export const uriVariableTable: readonly [string, VariableDefinition][] = (() => {
  const request = uriVariables(
    (context) => context.requestUri,
    { uri: 'ru', user: 'rU', domain: 'rd', port: 'rp', protocol: 'rP' },
    (context, uri) => context.setRequestUri(uri),
  );
  const original = uriVariables((context) => context.message.requestUri, {
    uri: 'ou',
    user: 'oU',
    domain: 'od',
    port: 'op',
    protocol: 'oP',
  });
  const destination = uriVariables((context) => context.destinationUri, {
    uri: 'du',
    domain: 'dd',
    port: 'dp',
    protocol: 'dP',
  });
  const table = new Map<string, VariableDefinition>([
    ...request,
    ...original,
    ...destination,
    ...addressVariables((message) => message.from, { uri: 'fu', user: 'fU', domain: 'fd', display: 'fn', tag: 'ft' }),
    ...addressVariables((message) => message.to, { uri: 'tu', user: 'tU', domain: 'td', display: 'tn', tag: 'tt' }),
  ]);
  table.set(
    'ru',
    plain(
      (context) => orNull(context.requestUri),
      (context, value) => {
        const uri = usableUri(value);
        if (uri !== undefined) context.setRequestUri(uri);
      },
    ),
  );
  table.set(
    'du',
    plain(
      (context) => orNull(context.destinationUri),
      (context, value) => {
        if (value === null || value === '') context.destinationUri = undefined;
        else context.destinationUri = usableUri(value) ?? context.destinationUri;
      },
    ),
  );
  return [...table];
})();
