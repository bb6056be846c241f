import { trimmed } from '../core/characters.js';
import { type AddressValue, addrSpecOf, parseAddress } from '../core/name-addr.js';
import { parseUri } from '../core/uri.js';
import { paramPairs, parseCredentials, splitList } from '../pvar/header-values.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import { PerCall } from '../script/per-call.js';
import type { SipMessage } from '../sip/message.js';
import { type FunctionSpec, intOf, KAMAILIO, moduleFunctions, optional, type ScriptFunction } from './define.js';
import { replyHere } from './replying.js';

/**
 * Bits of the checks, by the module's documentation. Those of Via (8, 16) do nothing; every request passes the checks
 * 1, 4 and 16384, since the parser has refused others.
 */
const CHECKS = {
  requestVersion: 1,
  requestUriScheme: 2,
  cseqMethod: 32,
  cseqValue: 64,
  contentLength: 128,
  expires: 256,
  proxyRequire: 512,
  uris: 1024,
  digest: 2048,
  duplicateTags: 4096,
  authorization: 8192,
} as const;

/** Checks that look at the first line of a request. */
const OF_REQUESTS = CHECKS.requestVersion | CHECKS.requestUriScheme | CHECKS.cseqMethod;

/** Bits of the URIs that `CHECKS.uris` checks. */
const URIS = { request: 1, from: 2, to: 4, contact: 8 } as const;

/** The fault of a message with the reply to it, as recorded of Kamailio 5.6.3; without a status there is no reply. */
interface Fault {
  readonly status: number;
  readonly reason: string;
  /** Header lines of the reply. */
  readonly lines?: string;
}

/** The parameters of sanity. */
const settings = {
  module: 'sanity',
  create: (parameters: ModuleParameters) => ({
    checks: parameters.int('default_checks', 3047),
    uris: parameters.int('uri_checks', 7),
    /** Option tags that Proxy-Require may contain. */
    extensions: new Set(
      parameters
        .text('proxy_require', '')
        .split(',')
        .map((each) => trimmed(each))
        .filter((each) => each !== ''),
    ),
    noReply: parameters.flag('noreply', false),
    /** Whether sanity_check() ends the script for a faulty request. */
    autoDrop: parameters.flag('autodrop', true),
  }),
};

const bad = (reason: string): Fault => ({ status: 400, reason });
const SILENT: Fault = { status: 0, reason: '' };

/**
 * Whether the original accepts a URI: sip, sips, tel and urn, with a user that is not empty if there is an "@". As
 * recorded, a second "@" is a fault wherever it stands, and so is a ":" in the password.
 */
function isUri(text: string): boolean {
  if (/^(?:tels?|urn):./i.test(text)) return true;
  const uri = parseUri(text);
  if (uri === undefined || uri.password.includes(':')) return false;
  return !/^sips?:@/i.test(text) && text.indexOf('@') === text.lastIndexOf('@');
}

/**
 * Whether a text starts with a whole number of at most ten digits (up to the first blank); as recorded, 2^32 is the
 * largest.
 */
function isNumber(text: string): boolean {
  const [word = ''] = trimmed(text).split(/[ \t\r\n]/, 1);
  return /^\d{1,10}$/.test(word) && Number(word) <= 0x1_0000_0000;
}

/** The parsed value of a From or To; undefined for one that the original cannot parse. */
function addressOf(value: string): AddressValue | undefined {
  const text = trimmed(value);
  const address = parseAddress(text);
  const open = text.indexOf('<');
  if (open >= 0) return text.indexOf('>', open) > 0 ? address : undefined;
  return address.uri === '' || /[" \t\r\n]/.test(address.uri) ? undefined : address;
}

function isAddress(value: string): boolean {
  const address = addressOf(value);
  return address !== undefined && isUri(address.uri);
}

function proxyRequireFault(message: SipMessage, known: ReadonlySet<string>): Fault | undefined {
  for (const value of message.headers('proxy-require')) {
    if (trimmed(value) === '') return bad('Bad Proxy Require Header');
    for (const each of value.split(',')) {
      const token = trimmed(each);
      if (!known.has(token))
        return { status: 420, reason: 'Bad Proxy Require Extension', lines: `Unsupported: ${token}\r\n` };
    }
  }
  return undefined;
}

function uriFault({ message, call }: MessageRun, uris: number): Fault | undefined {
  if ((uris & URIS.request) !== 0 && !(message.isRequest && isUri(call.requestUri))) return bad('Bad Request URI');
  if ((uris & URIS.from) !== 0 && !isAddress(message.from)) return bad('Invalid From Header');
  // Misspelt in the original too.
  if ((uris & URIS.to) !== 0 && !isAddress(message.to)) return bad('Ivalid To Header');
  if ((uris & URIS.contact) === 0) return undefined;
  for (const each of splitList(message.headers('contact').join(','), ',')) {
    const text = trimmed(each);
    if (text === '*') continue;
    if (!text.includes('<') && /[ \t\r\n]/.test(text)) return bad('Bad Contact Header');
    if (!isUri(addrSpecOf(text))) return bad('Bad Contact URI');
  }
  return undefined;
}

/** `strict`: a scheme other than digest is a fault, for which there is no reply. */
function credentialsFault(message: SipMessage, strict: boolean): Fault | undefined {
  for (const value of [...message.headers('authorization'), ...message.headers('proxy-authorization')]) {
    // As recorded, there is no reply to "Digest" alone.
    if (/^[ \t\r\n]*digest[ \t\r\n]*$/i.test(value)) return SILENT;
    if (!/^[ \t\r\n]*digest[ \t\r\n]/i.test(value)) {
      if (strict) return SILENT;
      continue;
    }
    const pairs = /=/.test(value) ? parseCredentials(value) : undefined;
    if (pairs === undefined) {
      return bad('Bad Auth Header');
    }
    const { param } = pairs;
    const [user, nonce, response] = [param('username'), param('nonce'), param('response')];
    const complete = [user, nonce, response, param('realm'), param('uri')].every((each) => each !== undefined);
    const counted =
      !/^auth(?:-int)?$/i.test(param('qop') ?? '') || (param('nc') !== undefined && param('cnonce') !== undefined);
    if (!complete || !counted) return bad('Bad Auth Credentials');
    if (user === '') return bad('Auth Empty User');
    if (nonce === '') return bad('Auth Empty Nonce');
    if (response === '') return bad('Auth Empty Response');
  }
  return undefined;
}

function tagFault({ from, to }: SipMessage): Fault | undefined {
  for (const [value, name] of [
    [from, 'From'],
    [to, 'To'],
  ] as const) {
    const address = addressOf(value);
    if (address === undefined) return SILENT;
    const tags = paramPairs(address.params).filter(([each]) => each.toLowerCase() === 'tag');
    if (tags.length > 1) return bad(`Many ${name} Tag Params`);
  }
  return undefined;
}

/** The first fault of a message, in the original's order; undefined when there is none. */
function fault(run: MessageRun, checks: number, uris: number, extensions: ReadonlySet<string>): Fault | undefined {
  const { message, call } = run;
  const has = (bit: number): boolean => (checks & bit) !== 0;
  // As recorded, a reply has neither a method nor a request-URI and so fails.
  if (!message.isRequest && has(OF_REQUESTS)) return SILENT;
  if (has(CHECKS.requestUriScheme) && !isUri(call.requestUri)) return bad('Bad Request URI');
  if (has(CHECKS.cseqValue) && !(message.cseqNumber >= 0 && message.cseqNumber <= 0x1_0000_0000))
    return bad('CSeq number is illegal');
  if (has(CHECKS.contentLength) && message.contentLengthValue >= 0 && message.text.length !== message.bodyEnd)
    return bad('Content-Length mis-match');
  if (has(CHECKS.expires)) {
    const expires = message.header('expires');
    if (expires !== undefined && trimmed(expires) === '') return bad('Bad Expires Header');
    if (expires !== undefined && !isNumber(expires)) return bad('Expires value is illegal');
  }
  const requires = has(CHECKS.proxyRequire) ? proxyRequireFault(message, extensions) : undefined;
  if (requires !== undefined) return requires;
  const uri = has(CHECKS.uris) ? uriFault(run, uris) : undefined;
  if (uri !== undefined) return uri;
  const digest = has(CHECKS.digest) || has(CHECKS.authorization);
  const credentials = digest ? credentialsFault(message, has(CHECKS.digest)) : undefined;
  if (credentials !== undefined) return credentials;
  return has(CHECKS.duplicateTags) ? tagFault(message) : undefined;
}

/** The last fault that sanity_check() found, for sanity_reply(). */
const found = new PerCall((): Fault | undefined => undefined);

function answer(run: MessageRun, { status, reason, lines = '' }: Fault): void {
  if (status === 0 || !run.message.isRequest || run.message.method === 'ACK') return;
  run.call.replyLines += lines;
  replyHere(run, status, reason, 'either');
}

const checkCompile: FunctionSpec['compile'] =
  ([checks, uris]) =>
  (run) => {
    const { extensions, noReply, autoDrop, ...defaults } = run.env.modules.of(settings);
    const looked = intOf(checks, run, defaults.checks);
    const addresses = intOf(uris, run, defaults.uris);
    // As recorded, the function fails when either is 0 or less or has bits beyond the known ones.
    if (looked <= 0 || addresses <= 0 || looked > 0x7fff || addresses > 15) return -1;
    const wrong = fault(run, looked, addresses, extensions);
    if (wrong === undefined) return 1;
    if (noReply) found.set(run.call, wrong);
    else answer(run, wrong);
    return autoDrop ? 0 : -1;
  };

const replyCompile: FunctionSpec['compile'] = () => (run) => {
  const { noReply } = run.env.modules.of(settings);
  if (noReply) answer(run, found.known(run.call) ?? { status: 500, reason: 'Server Sanity Failure' });
  return 1;
};

/** Functions of sanity. */
export const sanityFunctions: ScriptFunction[] = moduleFunctions('sanity', [
  {
    name: 'sanity_check',
    dialects: KAMAILIO,
    parameters: [optional('checks', 'int'), optional('URI checks', 'int')],
    summary: 'whether a request is well formed; if not, replies to it',
    compile: checkCompile,
  },
  {
    name: 'sanity_reply',
    dialects: KAMAILIO,
    parameters: [],
    summary: 'replies with the fault that sanity_check() found',
    compile: replyCompile,
  },
]);
