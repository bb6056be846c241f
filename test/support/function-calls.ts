import { readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { RouteKind } from '../../src/cfg/ast.js';
import { argumentRange, type DialectName, type ParameterDefinition } from '../../src/cfg/function-table.js';
import { CfgError } from '../../src/cfg-file/load.js';
import { scriptFunctions } from '../../src/modules/all.js';
import type { ScriptFunction } from '../../src/modules/define.js';
import { type ScriptRunner, startScript } from './script-run.js';

/** Kinds of routes that a message of a peer starts, with the first words of such a route in a file. */
export const SWEPT_ROUTES = ['request', 'branch', 'onreply', 'failure'] as const;
export type SweptRoute = (typeof SWEPT_ROUTES)[number];

/** A call of a function whose arguments are texts of a peer. */
export interface FunctionCall {
  readonly name: string;
  /** As a statement of the file. */
  readonly statement: string;
}

/** Functions that read the system, or end the process or the script's test. */
const LEFT_OUT = new Set(['exit', 'drop', 'return', 'break', 'abort', 'route', 'async', 'launch', 'sleep', 'usleep']);
/** What a file has without a module. */
const BUILT_IN = new Set(['core', 'event_route']);
/** Parameters of modules that are needed at load. */
const PARAMETERS: readonly (readonly [module: string, line: string])[] = [
  ['rtpengine', 'modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:9")'],
  ['rtpproxy', 'modparam("rtpproxy", "rtpproxy_sock", "udp:127.0.0.1:9")'],
  ...['dispatcher', 'load_balancer', 'drouting'].map(
    (each) => [each, `modparam("${each}", "db_url", "sqlite://FOLDER/tables.db")`] as const,
  ),
];

/** What stands for a parameter of a call: a peer's text wherever the language takes a variable. */
function argumentOf({ kind, values }: ParameterDefinition, dialect: DialectName): string {
  if (values?.[0] !== undefined) return `"${values[0]}"`;
  const text = dialect === 'kamailio' ? '"$hdr(Subject)"' : '$hdr(Subject)';
  switch (kind) {
    case 'int':
      return dialect === 'kamailio' ? '"500"' : '500';
    case 'flag':
      return dialect === 'kamailio' ? '1' : '"f"';
    case 'variable':
    case 'writable':
      return dialect === 'kamailio' ? '"$var(w)"' : '$var(w)';
    case 'regex':
      return '"x|[0-9]+y"';
    case 'literal':
      return '"$avp(x)"';
    case 'route':
      return '"other"';
    default:
      return text;
  }
}

/** The calls of a definition: with the least and with all of its arguments. */
function callsOf({ name, parameters }: ScriptFunction, dialect: DialectName): FunctionCall[] {
  const [least, max] = argumentRange(parameters);
  return [...new Set([least, max])].map((count) => ({
    name,
    statement: `${name}(${parameters
      .slice(0, count)
      .map((each) => argumentOf(each, dialect))
      .join(', ')});`,
  }));
}

function isAllowed({ routes, recorded, parameters }: ScriptFunction, dialect: DialectName, kind: RouteKind): boolean {
  if (dialect === 'kamailio' && recorded !== undefined)
    return argumentRange(parameters).some((count) => recorded.inRoute(count, kind, false));
  return routes === 'any' || routes.includes(kind);
}

/** A file with calls of many functions, each of which a message can choose. */
export interface SweptFile {
  readonly runner: ScriptRunner;
  /** The calls that can be loaded; a message whose header F has the number here runs it. */
  readonly calls: readonly FunctionCall[];
  /** Functions of which no call could be loaded, with the reason. */
  readonly refused: ReadonlyMap<string, string>;
}

/** X-F of a message that runs no function. */
export const CONTROL = 'none';

const BEGIN: Readonly<Record<SweptRoute, string>> = {
  request: 'SWITCH exit;',
  branch: 't_on_branch("swept"); RELAY exit;',
  onreply: 't_on_reply("swept"); RELAY exit;',
  failure: 't_on_failure("swept"); RELAY exit;',
};

function routesOf(dialect: DialectName, kind: SweptRoute, calls: readonly FunctionCall[]): string {
  const kamailio = dialect === 'kamailio';
  const cases = calls.map(({ statement }, i) => `case "${i}":\n${statement}\nbreak;`).join('\n');
  const choice = `$var(f) = $hdr(X-F);\nswitch ($var(f)) {\n${cases}\ndefault:\n$var(x) = 1;\n}`;
  const relay = '$du = "sip:127.0.0.1:5071"; t_relay();';
  const begin = BEGIN[kind].replace('SWITCH', choice).replace('RELAY', relay);
  const name = kind === 'onreply' && kamailio ? 'onreply_route' : `${kind}_route`;
  const other = `route[other] { $var(x) = 2; }\n${['failure', 'branch', 'onreply'].map((each) => `${each}_route[other] { $var(x) = 2; }`).join('\n')}`;
  const swept = kind === 'request' ? '' : `\n${name}[swept] {\n${choice}\n}`;
  return `${kamailio ? 'request_route' : 'route'} {\n${begin}\n}${swept}\n${other}\n`;
}

/** Starts a file that has calls in one kind of route; default: calls of every function of the dialect. */
export function startSweep(dialect: DialectName, kind: SweptRoute, given?: readonly FunctionCall[]): SweptFile {
  const wanted = scriptFunctions().all.filter(
    (each) => each.dialects.includes(dialect) && !LEFT_OUT.has(each.name) && isAllowed(each, dialect, kind),
  );
  const loadedAnyway =
    dialect === 'opensips' ? /^(?:tm|sl|rr|sipmsgops|maxfwd)$/ : /^(?:tm|sl|rr|pv|xlog|textops|siputils|kex)$/;
  const modules = new Set(
    wanted.flatMap(({ module }) => module.split('|')).filter((each) => !BUILT_IN.has(each) && !loadedAnyway.test(each)),
  );
  const reasons = new Map<string, string>();
  let calls = given ?? wanted.flatMap((each) => callsOf(each, dialect));
  for (;;) {
    try {
      const script = routesOf(dialect, kind, calls);
      const head = PARAMETERS.flatMap(([module, line]) => (modules.has(module) ? [line] : [])).join('\n');
      const runner = startScript({
        dialect,
        modules: [...modules].join(' '),
        head,
        script,
        settings: { limits: { max_transactions: 500_000 } },
      });
      const loaded = new Set(calls.map(({ name }) => name));
      return { runner, calls, refused: new Map([...reasons].filter(([name]) => !loaded.has(name))) };
    } catch (error) {
      if (!(error instanceof CfgError)) throw error;
      const refused = refusedLines(error);
      const before = modules.size + calls.length;
      for (const each of modules) if (refused.has(`loadmodule "${each}.so"`)) modules.delete(each);
      for (const { name, statement } of calls) {
        const reason = refused.get(statement);
        if (reason !== undefined) reasons.set(name, `${statement} ${reason}`);
      }
      calls = calls.filter(({ statement }) => !refused.has(statement));
      if (modules.size + calls.length === before) throw error;
    }
  }
}

/** The lines of a file that were refused, with the reasons. Removes the file. */
function refusedLines({ problems }: CfgError): Map<string, string> {
  const file = problems[0]?.at?.file;
  if (file === undefined) return new Map();
  const lines = readFileSync(file, 'latin1').split('\n');
  rmSync(dirname(file), { recursive: true });
  const errors = problems.filter(({ severity }) => severity === 'error');
  return new Map(errors.map(({ at, message }) => [lines[(at?.line ?? 0) - 1] ?? '', message]));
}
