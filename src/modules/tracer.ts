import { trimmed } from '../core/characters.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import {
  type Args,
  code,
  type FunctionSpec,
  moduleFunctions,
  OPENSIPS,
  optional,
  type ScriptFunction,
  textOf,
} from './define.js';
import { capture, type Mode, modeOf } from './siptrace.js';

/** A named destination: "[name] value; key=value; ...". */
export interface NamedDestination {
  readonly name: string;
  /** What stands before the first semicolon without being "key=value"; '' for nothing. */
  readonly value: string;
  readonly options: ReadonlyMap<string, string>;
}

/** Parses hep_id of proto_hep or trace_id of tracer; undefined for another form. */
export function namedDestination(text: string): NamedDestination | undefined {
  const given = trimmed(text);
  const end = given.indexOf(']');
  if (!given.startsWith('[') || end < 2) return undefined;
  let value = '';
  const options = new Map<string, string>();
  for (const each of given
    .slice(end + 1)
    .split(';')
    .map(trimmed)) {
    const [, key, rest = ''] = /^(\w+)[ \t\r\n]*=(.*)$/s.exec(each) ?? [];
    if (key !== undefined) options.set(key.toLowerCase(), trimmed(rest));
    else if (each !== '') value = each;
  }
  return { name: trimmed(given.slice(1, end)), value, options };
}

/** The hep_id that a trace_id names; undefined for other destinations: databases, files, syslog, SIP. */
export function hepOf({ options }: NamedDestination): string | undefined {
  const uri = options.get('uri') ?? '';
  return /^hep:/i.test(uri) ? trimmed(uri.slice(4)) : undefined;
}

/** The module that has the parameters: tracer, before OpenSIPS 3.0 siptrace. */
function settingsOf(module: string) {
  return {
    module,
    create: (parameters: ModuleParameters) => ({
      on: parameters.flag('trace_on', true),
      ids: sentIds(parameters.all('trace_id').flatMap((each) => namedDestination(String(each)) ?? [])),
    }),
  };
}

/** The hep_id of the one capture server to which copies go: that of the first trace id that names one. */
export function captureServerOf(given: readonly NamedDestination[]): string | undefined {
  return given.map(hepOf).find((server) => server !== undefined);
}

/** The names of the trace ids of that server: what is meant for another server must not reach this one. */
function sentIds(given: readonly NamedDestination[]): ReadonlySet<string> {
  const server = captureServerOf(given);
  return new Set(given.filter((each) => server !== undefined && hepOf(each) === server).map(({ name }) => name));
}

const tracer = settingsOf('tracer');
const siptrace = settingsOf('siptrace');

/** What a call of trace() without scope follows: the most that the loaded modules can. */
function widest({ env: { modules } }: MessageRun): Mode {
  return modules.loaded.has('dialog') ? 'd' : modules.loaded.has('tm') ? 't' : 'm';
}

/** trace(): as documented, only SIP messages are sent where the types do not leave them out. */
function trace(run: MessageRun, [id, scope, types, , , correlation]: Args): number {
  const { on, ids } = run.env.modules.of(run.env.modules.loaded.has('tracer') ? tracer : siptrace);
  if (!ids.has(textOf(id, run)) || !on) return 1;
  const wanted = textOf(types, run).toLowerCase();
  if (wanted !== '' && !wanted.split('|').some((each) => trimmed(each) === 'sip')) return 1;
  const mode = modeOf(textOf(scope, run)) ?? widest(run);
  return code(run.env.services.captures === undefined || capture(run, mode, textOf(correlation, run), undefined));
}

function spec(name: string): FunctionSpec {
  return {
    name,
    dialects: OPENSIPS,
    parameters: [
      optional('trace', 'string'),
      optional('scope', 'string'),
      optional('types', 'string'),
      optional('user', 'string'),
      optional('flags', 'string'),
      optional('correlation', 'string'),
    ],
    summary: 'sends the message, its transaction (t) or its dialog (d) to the capture server that a trace id names',
    compile: (args) => (run) => trace(run, args),
  };
}

/** Functions of OpenSIPS' tracer, before 3.0 siptrace. */
export const tracerFunctions: ScriptFunction[] = moduleFunctions('tracer|siptrace', [spec('trace'), spec('sip_trace')]);
