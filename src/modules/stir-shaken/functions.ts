import { addrSpecOf } from '../../core/name-addr.js';
import { parseUri } from '../../core/uri.js';
import type { PvarValue } from '../../pvar/context.js';
import type { VariableDefinition } from '../../pvar/variables/definition.js';
import type { CfgScope, MessageRun } from '../../script/call.js';
import type { ModuleParameters } from '../../script/environment.js';
import { PerCall } from '../../script/per-call.js';
import type { SipMessage } from '../../sip/message.js';
import { type Arg, moduleFunctions, OPENSIPS, optional, param, type ScriptFunction, textOf } from '../define.js';
import { byWord } from '../named-fields.js';
import { authoritiesIn, chainOf, isTrusted, isValidAt, keyOf } from './certificates.js';
import {
  type Claims,
  isSignedBy,
  type Passport,
  type PassportFault,
  readIdentity,
  signedIdentity,
} from './passport.js';

/** The parameters of stir_shaken. Throws an Error for an unusable one. */
export const shakenSettings = {
  module: 'stir_shaken',
  create(parameters: ModuleParameters) {
    for (const each of ['crl_list', 'crl_dir'])
      if (parameters.text(each, '') !== '')
        throw new Error(`${each} is not supported: revocation of certificates is not checked`);
    return {
      authFreshness: parameters.int('auth_date_freshness', 60),
      verifyFreshness: parameters.int('verify_date_freshness', 60),
      authorities: authoritiesIn(parameters.text('ca_list', ''), parameters.text('ca_dir', '')),
      strict: parameters.flag('e164_strict_mode', false),
      longest: parameters.int('e164_max_length', 15),
      requiresDate: parameters.flag('require_date_hdr', true),
    };
  },
};

type Settings = ReturnType<typeof shakenSettings.create>;

const ATTESTS: ReadonlyMap<string, Claims['attest']> = new Map([
  ['a', 'A'],
  ['full', 'A'],
  ['b', 'B'],
  ['partial', 'B'],
  ['c', 'C'],
  ['gateway', 'C'],
]);

/** The digits of an E.164 number; undefined for any other text. */
function digitsOf(text: string, { strict, longest }: Settings): string | undefined {
  const [, plus = '', digits = ''] = /^(\+?)(\d+)$/.exec(text.replace(/[-.()]/g, '')) ?? [];
  if (digits === '' || digits.length > longest || (strict && plus === '')) return undefined;
  return digits;
}

function numberIn(address: string, settings: Settings): string | undefined {
  const uri = parseUri(addrSpecOf(address));
  if (uri === undefined) return undefined;
  if (settings.strict && uri.scheme !== 'tel' && !/;user=phone(?:;|$)/i.test(uri.params)) return undefined;
  // The user part may contain parameters of the telephone number.
  return digitsOf((uri.scheme === 'tel' ? uri.user || uri.host : uri.user).split(';')[0] ?? '', settings);
}

interface Numbers {
  readonly orig: string;
  readonly dest: string;
}

/** Calling and called number: given by the script, else from P-Asserted-Identity or From, and from To. */
function numbersOf(run: MessageRun, orig: Arg | undefined, dest: Arg | undefined): Numbers | undefined {
  const settings = run.env.modules.of(shakenSettings);
  const { message } = run;
  const from =
    orig === undefined
      ? numberIn(message.header('p-asserted-identity') ?? message.from, settings)
      : digitsOf(textOf(orig, run), settings);
  const to = dest === undefined ? numberIn(message.to, settings) : digitsOf(textOf(dest, run), settings);
  return from === undefined || to === undefined ? undefined : { orig: from, dest: to };
}

/** RFC 3261 section 20.17: without GMT the date would be read in the local time zone. */
const SIP_DATE = /^\w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d GMT$/;

/** The time in Date, in milliseconds since 1970; NaN when it is invalid, undefined without a Date. */
function dateOf(message: SipMessage): number | undefined {
  const text = message.header('date');
  return text === undefined ? undefined : SIP_DATE.test(text) ? Date.parse(text) : Number.NaN;
}

function authenticate(
  run: MessageRun,
  [attest, origid, cert, pkey, x5u, orig, dest, out]: readonly (Arg | undefined)[],
): number {
  const { message, env, edits } = run;
  const { authFreshness } = env.modules.of(shakenSettings);
  if (message.header('identity') !== undefined) return -2;
  const level = ATTESTS.get(textOf(attest, run).toLowerCase());
  const [certificate] = chainOf(textOf(cert, run));
  const key = keyOf(textOf(pkey, run));
  const where = textOf(x5u, run);
  if (level === undefined || certificate === undefined || key === undefined || /[ \t\r\n<>"]/.test(where)) return -1;
  if (!certificate.checkPrivateKey(key)) return -1;
  const numbers = numbersOf(run, orig, dest);
  if (numbers === undefined) return -3;
  const now = env.clock.now();
  const date = dateOf(message);
  const time = date ?? now;
  if (Number.isNaN(time) || now - time > authFreshness * 1000) return -4;
  if (!isValidAt(certificate, now) || !isValidAt(certificate, time)) return -5;
  const iat = Math.floor(time / 1000);
  const claims: Claims = { attest: level, ...numbers, iat, origid: textOf(origid, run) };
  const lines = date === undefined ? `Date: ${new Date(iat * 1000).toUTCString()}\r\n` : '';
  const identity = signedIdentity(claims, where, key);
  if (out !== undefined) {
    if (lines !== '') edits.insert(message.headersEnd, lines);
    out.variable?.assign(run.pvars, identity);
  } else edits.insert(message.headersEnd, `${lines}Identity: ${identity}\r\n`);
  return 1;
}

/** A failed verification: the return code of the function, and the reply of RFC 8224 section 6.2.2. */
interface Refusal {
  readonly result: number;
  readonly code: number;
  readonly reason: string;
}

const refusal = (result: number, code: number, reason: string): Refusal => ({ result, code, reason });

function checked(run: MessageRun, cert: string, orig: Arg | undefined, dest: Arg | undefined): Refusal | undefined {
  const { message, env } = run;
  const settings = env.modules.of(shakenSettings);
  const passport = passportOf(message);
  const date = dateOf(message);
  if (passport === undefined) return refusal(-2, 428, 'Use Identity Header');
  if (date === undefined && settings.requiresDate) return refusal(-2, 403, 'Stale Date');
  if (passport === 'unsupported') return refusal(-5, 437, 'Unsupported Credential');
  if (passport === 'invalid') return refusal(-4, 438, 'Invalid Identity Header');
  const numbers = numbersOf(run, orig, dest);
  if (numbers === undefined) return refusal(-3, 438, 'Invalid Identity Header');
  const { claims } = passport;
  const now = env.clock.now();
  const fresh = (time: number): boolean => Math.abs(now - time) <= settings.verifyFreshness * 1000;
  if (!fresh(date ?? claims.iat * 1000) || !fresh(claims.iat * 1000)) return refusal(-6, 403, 'Stale Date');
  const chain = chainOf(cert);
  const [certificate] = chain;
  if (certificate === undefined) return refusal(-8, 437, 'Unsupported Credential');
  if (!isValidAt(certificate, date ?? claims.iat * 1000)) return refusal(-7, 437, 'Unsupported Credential');
  if (!isTrusted(chain, settings.authorities, now)) return refusal(-8, 437, 'Unsupported Credential');
  // The PASSporT must be about this call: its numbers must equal those of the request.
  const same = claims.orig === numbers.orig && claims.dest === numbers.dest;
  return same && isSignedBy(passport, certificate.publicKey) ? undefined : refusal(-9, 438, 'Invalid Identity Header');
}

/** The parsed Identity of each message; null for none. */
const passports = new PerCall((): Passport | PassportFault | null | undefined => undefined);

/** Maximum number of Identity fields that are read. */
const MAX_FIELDS = 8;

/** RFC 8224 section 4 allows several Identity fields, such as one of "div" (RFC 8946); the first of SHAKEN is used. */
function firstShakenPassport(message: SipMessage): Passport | PassportFault | undefined {
  let first: PassportFault | undefined;
  for (let i = 0; i < MAX_FIELDS; i++) {
    const value = message.header('identity', i);
    if (value === undefined) break;
    const read = readIdentity(value);
    if (typeof read !== 'string') return read;
    first ??= read;
  }
  return first;
}

/** The parsed Identity of a message; undefined when it has none. */
function passportOf(message: SipMessage): Passport | PassportFault | undefined {
  let known = passports.known(message);
  if (known === undefined) {
    known = firstShakenPassport(message) ?? null;
    passports.set(message, known);
  }
  return known ?? undefined;
}

const optionalNumbers = [optional('caller', 'string'), optional('callee', 'string')];

/** The functions of stir_shaken. */
export const stirShakenFunctions: ScriptFunction[] = moduleFunctions('stir_shaken', [
  {
    name: 'stir_shaken_auth',
    dialects: OPENSIPS,
    parameters: [
      param('attestation', 'string'),
      param('origination id', 'string'),
      param('certificate', 'string'),
      param('private key', 'string'),
      param('URL of the certificate', 'string'),
      ...optionalNumbers,
      optional('result', 'writable'),
    ],
    routes: ['request'],
    summary:
      'adds an Identity header that attests the caller (RFC 8224, RFC 8588), or assigns its value, and adds Date',
    compile: (args) => (run) => authenticate(run, args),
  },
  {
    name: 'stir_shaken_verify',
    dialects: OPENSIPS,
    parameters: [
      param('certificate', 'string'),
      param('code', 'writable'),
      param('reason', 'writable'),
      ...optionalNumbers,
    ],
    routes: ['request'],
    summary:
      'whether Identity is signed by a certificate of a trusted authority, and about this call; code and reason are for the answer',
    compile:
      ([cert, code, reason, orig, dest]) =>
      (run) => {
        const found = checked(run, textOf(cert, run), orig, dest);
        if (found === undefined) return 1;
        code?.variable?.assign(run.pvars, found.code);
        reason?.variable?.assign(run.pvars, found.reason);
        return found.result;
      },
  },
  {
    name: 'stir_shaken_check',
    dialects: OPENSIPS,
    routes: ['request'],
    summary: 'whether Identity is one of SHAKEN, by its form',
    compile: () => (run) => {
      const read = passportOf(run.message);
      if (read === undefined) return -2;
      return read === 'invalid' ? -3 : read === 'unsupported' ? -4 : 1;
    },
  },
  {
    name: 'stir_shaken_check_cert',
    dialects: OPENSIPS,
    parameters: [param('certificate', 'string')],
    routes: ['request'],
    summary: 'whether a certificate is valid now',
    compile:
      ([cert]) =>
      (run) => {
        const [certificate] = chainOf(textOf(cert, run));
        if (certificate === undefined) return -1;
        return isValidAt(certificate, run.env.clock.now()) ? 1 : -2;
      },
  },
]);

const field =
  (read: (passport: Passport) => PvarValue) =>
  ({ run }: CfgScope): PvarValue => {
    const passport = run === undefined ? undefined : passportOf(run.call.message);
    return passport === undefined || typeof passport === 'string' ? null : read(passport);
  };

/** $identity(field). */
export const identityVariable: VariableDefinition = byWord({
  header: field(({ header }) => header),
  payload: field(({ payload }) => payload),
  x5u: field(({ x5u }) => x5u),
  attest: field(({ claims }) => claims.attest),
  dest: field(({ claims }) => claims.dest),
  orig: field(({ claims }) => claims.orig),
  iat: field(({ claims }) => claims.iat),
  origid: field(({ claims }) => claims.origid),
});
