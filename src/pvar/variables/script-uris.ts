import { defaultPort, parseUri, type SipUri, uriParam, uriTransport } from '../../core/uri.js';
import { integerOf, type PvarContext, type PvarValue } from '../context.js';
import { type CompiledVariable, orNull, plain, type VariableDefinition } from './definition.js';

/** Differences between the two programs in reading and writing parts of a URI. */
export interface UriRules {
  /** Value of $rP and the like. */
  protocol(uri: SipUri): string;
  /** Value of $rp and the like for a URI without a port. */
  port(uri: SipUri): number;
  /** Whether parts of $du may be written. */
  readonly writesDestination: boolean;
  readonly scheme: boolean;
  /** Whether a URI that can be parsed does not count as one. */
  refuses(uri: SipUri, text: string): boolean;
  /** Whether blanks and angle brackets are allowed in the user part. */
  readonly lenientUser: boolean;
  /** The part of the user part that counts as the user. */
  user(uri: SipUri): string;
}

/** OpenSIPS: names of transports in small letters. */
export const OPENSIPS_URIS: UriRules = {
  protocol: (uri) => (uriTransport(uri) ?? 'udp').toLowerCase(),
  port: (uri) => defaultPort(uriTransport(uri) ?? 'udp'),
  writesDestination: true,
  scheme: false,
  refuses: () => false,
  lenientUser: false,
  user: (uri) => uri.user,
};

/** Kamailio: names of transports as written; in capitals where the URI gives none. */
export const KAMAILIO_URIS: UriRules = {
  // As recorded, sips: and WebSocket transports have no effect here.
  protocol: (uri) => uriParam(uri.params, 'transport') ?? 'UDP',
  port: (uri) => (uriParam(uri.params, 'transport')?.toLowerCase() === 'tls' ? 5061 : 5060),
  writesDestination: false,
  scheme: true,
  refuses: kamailioRefuses,
  lenientUser: true,
  user: kamailioUser,
};

/**
 * Whether Kamailio refuses a URI: an "@" without a user, a second "@", or a user or password that contains a character
 * that separates parts of a URI.
 */
export function kamailioRefuses(uri: SipUri, text: string): boolean {
  return (
    (uri.user === '' && uri.host !== '' && text.indexOf('@') === uri.scheme.length + 1) ||
    /[@[\]]/.test(uri.user) ||
    /[:;?@[\]]/.test(uri.password)
  );
}

/** Whether Kamailio parses a text as a URI. */
export function isKamailioUri(text: string): boolean {
  const uri = parseUri(text) ?? lenientUri(text);
  return isValidUri(uri) && !kamailioRefuses(uri, text);
}

/**
 * The user as Kamailio reads it: of a telephone number (`user=phone`) without the number's parameters (RFC 3261 section
 * 19.1.6).
 */
export function kamailioUser(uri: Pick<SipUri, 'user' | 'params'>): string {
  const semi = uri.user.indexOf(';');
  return semi < 0 || !isPhone(uri) ? uri.user : uri.user.slice(0, semi);
}

const NO_PARTS = { password: '', port: undefined, portText: '', params: '', headers: '' } as const;

function isValidUri(uri: SipUri | undefined): uri is SipUri {
  return uri !== undefined && !(uri.user === '' && uri.password !== '');
}

/** Joins the parts of a URI without validation: as in the originals, all parts of an invalid result are null. */
function text(uri: SipUri): string {
  const password = uri.password === '' ? '' : `:${uri.password}`;
  const user = uri.user === '' && password === '' ? '' : `${uri.user}${password}@`;
  const port = uri.portText === '' ? '' : `:${uri.portText}`;
  return `${uri.scheme}:${user}${uri.host}${port}${uri.params}${uri.headers}`;
}

/**
 * The parts of a URN in To or From: as recorded, "urn:a:b" and "urn:a@b" have a user and a host, "urn:a" has a host.
 */
export function urnParts(text: string): SipUri | undefined {
  const [, first, second] = /^urn:([^:@]+)(?:[:@]([^:@]+))?$/i.exec(text) ?? [];
  if (first === undefined) return undefined;
  const [user, host] = second === undefined ? ['', first] : [first, second];
  return { ...NO_PARTS, scheme: 'urn' as SipUri['scheme'], user, host };
}

/**
 * Parses a URI that Kamailio accepts though RFC 3261 does not: one with blanks, quotes or angle brackets in its user
 * part or after its host, or "urn:NID:NSS" (RFC 8141), whose parts count as user and host. Undefined for others.
 */
export function lenientUri(text: string): SipUri | undefined {
  const urn = /^(urn):([^: \t\r\n]+):([^ \t\r\n;?]+)$/i.exec(text);
  if (urn !== null) {
    const [, scheme, user = '', host = ''] = urn;
    return { ...NO_PARTS, scheme: scheme?.toLowerCase() as SipUri['scheme'], user, host };
  }
  const at = text.indexOf('@');
  const colon = text.indexOf(':');
  if (colon < 0 || (at >= 0 && colon > at)) return undefined;
  const head = text.slice(0, colon + 1);
  const user = at < 0 ? '' : text.slice(colon + 1, at);
  const lenient = /[ \t\r\n<>"]/.test(user);
  const afterUser = text.slice(at < 0 ? colon + 1 : at + 1);
  const semi = afterUser.search(/[;?]/);
  const host = semi < 0 ? afterUser : afterUser.slice(0, semi);
  const uri = parseUri(`${head}${at < 0 ? '' : `${lenient ? 'x' : user}@`}${host}`);
  if (uri === undefined) return undefined;
  const rest = semi < 0 ? '' : afterUser.slice(semi);
  const question = rest.indexOf('?');
  return {
    ...uri,
    user: lenient ? user : uri.user,
    params: question < 0 ? rest : rest.slice(0, question),
    headers: question < 0 ? '' : rest.slice(question),
  };
}

/** Kamailio treats a SIP URI with user=phone as a tel URI. */
function isPhone(uri: Pick<SipUri, 'params'>): boolean {
  return /;user=phone(?:;|$)/i.test(uri.params);
}

const PHONE: Readonly<Record<string, string>> = { sip: 'tel', sips: 'tel' };

type Read = (context: PvarContext) => string | undefined;
type Write = (context: PvarContext, uri: string) => void;

class UriVariable {
  /** The text read last and its parse: most statements about a URI read the same one. */
  private seen: string | undefined = undefined;
  private parsed: SipUri | undefined = undefined;

  constructor(
    private readonly read: Read,
    private readonly write: Write | undefined,
    private readonly rules: UriRules,
  ) {}

  uri(context: PvarContext): SipUri | undefined {
    const current = this.read(context);
    if (current === this.seen) {
      // An equal text in another string object: keeps that one, so that the next comparison is by reference.
      this.seen = current;
      return this.parsed;
    }
    this.parsed = current === undefined || current === '' ? undefined : this.sound(current);
    this.seen = current;
    return this.parsed;
  }

  private sound(text: string): SipUri | undefined {
    const uri = parseUri(text) ?? (this.rules.lenientUser ? lenientUri(text) : undefined);
    return isValidUri(uri) && !this.rules.refuses(uri, text) ? uri : undefined;
  }

  part(of: (uri: SipUri) => PvarValue, edit?: (uri: SipUri, value: PvarValue) => SipUri | undefined): CompiledVariable {
    const get = (context: PvarContext): PvarValue => {
      const uri = this.uri(context);
      return uri === undefined ? null : of(uri);
    };
    const { write } = this;
    if (edit === undefined || write === undefined) return { get };
    return {
      get,
      set: (context, value) => {
        const uri = this.uri(context);
        const edited = uri === undefined ? undefined : edit(uri, value);
        if (edited === undefined) return;
        // As recorded, Kamailio keeps a tel URI without a host, and a port has no effect on it.
        const { scheme, host, user, params, headers } = edited;
        const isNumber = this.rules.scheme && scheme === 'tel' && host === '';
        write(context, isNumber ? `tel:${user}${params}${headers}` : text(edited));
      },
    };
  }

  user(): VariableDefinition {
    return fixed(
      this.part(
        (uri) => orNull(this.rules.user(uri)),
        // As recorded, a number is not accepted as a user.
        (uri, value) => {
          if (typeof value === 'number') return undefined;
          // In Kamailio the password belongs to the user; the parameters of a telephone number stay.
          const alone = (value ?? '') === '' && this.rules.lenientUser;
          const kept = uri.user.slice(this.rules.user(uri).length);
          return alone ? { ...uri, user: '', password: '' } : { ...uri, user: `${value ?? ''}${kept}` };
        },
      ),
    );
  }

  host(): VariableDefinition {
    return fixed(
      this.part(
        (uri) => orNull(uri.host),
        (uri, value) => {
          // A number is not accepted as a host either.
          if (typeof value !== 'string') return undefined;
          const isTel = this.rules.scheme && uri.scheme === 'tel';
          const whole = isTel ? { scheme: 'sip' as const, user: uri.user + uri.params, params: ';user=phone' } : {};
          return { ...uri, ...whole, host: value };
        },
      ),
    );
  }

  port(): VariableDefinition {
    const compiled = this.part(
      (uri) =>
        this.rules.lenientUser && uri.portText !== '' ? uri.portText : String(uri.port ?? this.rules.port(uri)),
      (uri, value) => {
        if (value === null || value === '') return { ...uri, port: undefined, portText: '' };
        // As recorded for Kamailio, and for other parts in OpenSIPS, any text is written; one that is not a port makes
        // the URI invalid.
        if (typeof value === 'string') return { ...uri, port: undefined, portText: value };
        const port = integerOf(value);
        return port === undefined ? undefined : { ...uri, port, portText: String(port) };
      },
    );
    return { ...fixed(compiled), digits: true };
  }

  protocol(): VariableDefinition {
    return { ...fixed(this.part(this.rules.protocol)), ignoreCase: true };
  }

  scheme(): VariableDefinition {
    return fixed(this.part((uri) => (isPhone(uri) ? (PHONE[uri.scheme] ?? uri.scheme) : uri.scheme)));
  }
}

function fixed(compiled: CompiledVariable): VariableDefinition {
  return { argument: 'none', indexed: false, compile: () => compiled };
}

/** $ru and its parts, $ou and $du, for cfg scripts. */
export function scriptUriVariables(rules: UriRules): [string, VariableDefinition][] {
  const request = new UriVariable(
    (context) => context.requestUri,
    (context, uri) => context.setRequestUri(uri),
    rules,
  );
  const original = new UriVariable((context) => context.message.requestUri, undefined, rules);
  const destination = new UriVariable(
    (context) => context.destinationUri,
    rules.writesDestination
      ? (context, uri) => {
          context.destinationUri = uri;
        }
      : undefined,
    rules,
  );
  const whole = plain(
    // As recorded, Kamailio's $ru of a reply is null.
    (context) =>
      (rules.lenientUser && !context.message.isRequest) || request.uri(context) === undefined
        ? null
        : orNull(context.requestUri),
    (context, value) => {
      if (typeof value === 'string' && (value !== '' || rules.lenientUser)) context.setRequestUri(value);
    },
  );
  const next = plain(
    (context) => orNull(context.destinationUri),
    (context, value) => {
      if (typeof value === 'number') return;
      context.destinationUri = value === null || value === '' ? undefined : value;
    },
  );
  const table: [string, VariableDefinition][] = [
    ['ru', whole],
    ['rU', request.user()],
    ['rd', request.host()],
    ['rp', request.port()],
    ['rP', request.protocol()],
    ['ou', plain((context) => orNull(context.message.requestUri))],
    ['oU', original.user()],
    ['od', original.host()],
    ['op', original.port()],
    ['oP', original.protocol()],
    ['du', next],
    ['dd', destination.host()],
    ['dp', destination.port()],
    ['dP', destination.protocol()],
  ];
  if (rules.scheme) table.push(['rz', request.scheme()], ['oz', original.scheme()]);
  return table;
}

/** Whether a URI may be written into a message: it can be parsed and has no character that would break the line. */
export function isUsableUri(uri: string): boolean {
  return isValidUri(parseUri(uri)) && !/[\x00-\x20\x7f<>]/.test(uri);
}
