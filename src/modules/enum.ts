import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import { addBranch } from '../script/request-branches.js';
import { type FunctionSpec, moduleFunctions, OPENSIPS, optional, type ScriptFunction, textOf } from './define.js';
import { parseSubstitution, substituted } from './subst.js';
import { cutUri } from './uri-parts.js';

const settings = {
  module: 'enum',
  create: (parameters: ModuleParameters) => ({
    suffix: parameters.text('domain_suffix', 'e164.arpa.'),
    params: parameters.text('tel_uri_params', ''),
  }),
};

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

/** The URIs of a telephone number in the DNS (RFC 6116), in order. */
async function lookUp(run: MessageRun, number: string, suffix: string, service: string): Promise<string[]> {
  const digits = number.slice(1);
  if (!/^\+\d{1,20}$/.test(number)) return [];
  const name = `${[...digits].reverse().join('.')}.${suffix.replace(/^\.|\.$/g, '')}`;
  const wanted = services(service);
  const found = await run.env.resolver.naptrRecords(name);
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
    return text === undefined || /[\s<>"]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

const functions: FunctionSpec[] = [
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
        const { call, pvars } = run;
        const dialled = number === undefined ? (cutUri(call.requestUri)?.user ?? '') : textOf(number, run);
        const configured = run.env.modules.of(settings).suffix;
        const zone = textOf(suffix, run);
        const [first, ...others] = await lookUp(run, dialled, zone === '' ? configured : zone, textOf(service, run));
        if (first === undefined) return -1;
        pvars.setRequestUri(first);
        for (const uri of others) addBranch(call.branches, { uri });
        return 1;
      },
  },
];

/** ENUM functions of OpenSIPS. */
export const enumFunctions: ScriptFunction[] = moduleFunctions('enum', functions);
