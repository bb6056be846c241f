import { compileFormat } from '../pvar/format.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import { addBranch } from '../script/request-branches.js';
import { code, type FunctionSpec, moduleFunctions, OPENSIPS, optional, type ScriptFunction, textOf } from './define.js';
import { parseSubstitution, substituted } from './subst.js';
import { cutUri } from './uri-parts.js';

const settings = {
  module: 'enum',
  create: (parameters: ModuleParameters) => ({
    suffix: parameters.text('domain_suffix', 'e164.arpa.'),
    params: parameters.text('tel_uri_params', ''),
    isnSuffix: parameters.text('isn_suffix', 'freenum.org.'),
    infrastructure: infrastructureOf(parameters),
  }),
};

/** How the names of infrastructure ENUM are made: suffix, and the label before the country code. */
interface Infrastructure {
  readonly suffix: string;
  readonly label: string;
}

function infrastructureOf(parameters: ModuleParameters): Infrastructure {
  return { suffix: parameters.text('i_enum_suffix', 'e164.arpa.'), label: parameters.text('branchlabel', 'i') };
}

/** Country codes of two digits (ITU E.164); 1 and 7 have one digit, all others three. */
const TWO_DIGITS = /^(?:2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])/;

/** The number of digits of the country code with which a number begins. */
function countryCodeLength(digits: string): number {
  if (/^[17]/.test(digits)) return 1;
  return TWO_DIGITS.test(digits) ? 2 : 3;
}

/**
 * The domain name of a telephone number in infrastructure ENUM: the label is between the country code and the other
 * digits; undefined if the text is not a number.
 */
function infrastructureName(number: string, { suffix, label }: Infrastructure): string | undefined {
  const [, digits = ''] = /^\+(\d{1,20})$/.exec(number) ?? [];
  const length = countryCodeLength(digits);
  if (digits.length <= length) return undefined;
  return nameOf(digits.slice(length), `${label}.${nameOf(digits.slice(0, length), suffix)}`);
}

/** Maximum number of records used from one answer. */
const MAX_RECORDS = 32;

/** Services of NAPTR records for "sip", or for several as in "+sip+voice:sip". */
function services(text: string): readonly string[] {
  if (text === '') return ['e2u+sip'];
  return text.startsWith('+')
    ? text
        .slice(1)
        .split('+')
        .map((each) => `e2u+${each.toLowerCase()}`)
    : [`e2u+${text.toLowerCase()}`];
}

/** The domain name of a number: its digits in reverse order, followed by the zone. */
const nameOf = (digits: string, zone: string): string =>
  `${[...digits].reverse().join('.')}.${zone.replace(/^\.|\.$/g, '')}`;

/** The domain name of a telephone number (RFC 6116); undefined if the text is not one. */
function numberName(number: string, suffix: string): string | undefined {
  return /^\+\d{1,20}$/.test(number) ? nameOf(number.slice(1), suffix) : undefined;
}

/**
 * The domain name of an ISN, a subscriber number with the number of an organisation: "1234*256"; undefined if the text
 * is not one.
 */
function isnName(number: string, suffix: string): string | undefined {
  const [, subscriber = '', organisation = ''] = /^(\d{1,20})\*(\d{1,20})$/.exec(number) ?? [];
  return subscriber === '' ? undefined : nameOf(subscriber, `${organisation}.${suffix}`);
}

/** The URIs that the DNS returns for a number, in order. */
async function lookUp(run: MessageRun, number: string, name: string | undefined, service: string): Promise<string[]> {
  if (name === undefined) return [];
  const wanted = services(service);
  const found = await run.env.resolver.naptrRecords(name, run.call.source.address);
  const { params } = run.env.modules.of(settings);
  const uris: string[] = [];
  const sorted = [...found].sort((a, b) => a.order - b.order || a.preference - b.preference);
  for (const { flags, service: offered, regexp = '' } of sorted.slice(0, MAX_RECORDS)) {
    if (flags.toLowerCase() !== 'u' || !wanted.includes(offered.toLowerCase())) continue;
    const uri = rewritten(regexp, number, run);
    if (uri === undefined || cutUri(uri) === undefined) continue;
    uris.push(/^tel:/i.test(uri) && params !== '' ? `${uri};${params}` : uri);
  }
  return uris;
}

/** The result of a record's expression for the number; undefined when it is invalid or does not match. */
function rewritten(expression: string, number: string, run: MessageRun): string | undefined {
  try {
    const text = substituted(
      parseSubstitution(expression, false, () => undefined),
      number,
      run,
    );
    return text === undefined || /[ \t\r\n<>"]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Makes the best URI the request-URI, and the others branches. */
function used({ call, pvars }: MessageRun, [first, ...others]: readonly string[]): number {
  if (first === undefined) return -1;
  pvars.setRequestUri(first);
  for (const uri of others) addBranch(call.branches, { uri });
  return 1;
}

const FROM_USER = compileFormat('$fU');
const FROM_DOMAIN = compileFormat('$fd');

const functions: FunctionSpec[] = [
  {
    name: 'i_enum_query',
    dialects: OPENSIPS,
    waits: true,
    routes: ['request', 'failure', 'branch'],
    parameters: [optional('suffix', 'string'), optional('service', 'string')],
    summary: 'replaces a request-URI with a telephone number by the URIs that infrastructure ENUM has for it',
    compile: ([suffix, service], { facts }) => {
      const algorithm = facts.parameter?.('enum', 'bl_algorithm') ?? 'cc';
      if (algorithm !== 'cc') throw new Error(`works with bl_algorithm "cc" only, not with "${algorithm}"`);
      return async (run) => {
        const dialled = cutUri(run.call.requestUri)?.user ?? '';
        const { infrastructure } = run.env.modules.of(settings);
        const named = { ...infrastructure, suffix: textOf(suffix, run) || infrastructure.suffix };
        return used(run, await lookUp(run, dialled, infrastructureName(dialled, named), textOf(service, run)));
      };
    },
  },
  {
    name: 'is_from_user_enum',
    dialects: OPENSIPS,
    waits: true,
    routes: ['request'],
    parameters: [optional('suffix', 'string'), optional('service', 'string')],
    summary: 'whether the DNS has a URI of the domain in From for the telephone number in From',
    compile:
      ([suffix, service]) =>
      async (run) => {
        const number = String(FROM_USER.evaluateValue(run.pvars) ?? '');
        const domain = String(FROM_DOMAIN.evaluateValue(run.pvars) ?? '').toLowerCase();
        const zone = textOf(suffix, run) || run.env.modules.of(settings).suffix;
        const uris = await lookUp(run, number, numberName(number, zone), textOf(service, run));
        return code(uris.some((uri) => cutUri(uri)?.host.toLowerCase() === domain));
      },
  },
  {
    name: 'isn_query',
    dialects: OPENSIPS,
    waits: true,
    routes: ['request', 'failure', 'branch'],
    parameters: [optional('suffix', 'string'), optional('service', 'string')],
    summary: 'replaces a request-URI with an ISN ("1234*256") by the URIs the DNS has for it',
    compile:
      ([suffix, service]) =>
      async (run) => {
        const dialled = cutUri(run.call.requestUri)?.user ?? '';
        const zone = textOf(suffix, run) || run.env.modules.of(settings).isnSuffix;
        return used(run, await lookUp(run, dialled, isnName(dialled, zone), textOf(service, run)));
      },
  },
  {
    name: 'enum_query',
    dialects: OPENSIPS,
    waits: true,
    routes: ['request', 'failure', 'branch'],
    parameters: [optional('suffix', 'string'), optional('service', 'string'), optional('number', 'string')],
    summary: 'replaces a request-URI with a telephone number by the URIs the DNS has for it (ENUM)',
    compile:
      ([suffix, service, number]) =>
      async (run) => {
        const dialled = number === undefined ? (cutUri(run.call.requestUri)?.user ?? '') : textOf(number, run);
        const zone = textOf(suffix, run) || run.env.modules.of(settings).suffix;
        return used(run, await lookUp(run, dialled, numberName(dialled, zone), textOf(service, run)));
      },
  },
];

/** ENUM functions of OpenSIPS. */
export const enumFunctions: ScriptFunction[] = moduleFunctions('enum', functions);
