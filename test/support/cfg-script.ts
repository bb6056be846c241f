import assert from 'node:assert/strict';
import type { Position, RouteKind } from '../../src/cfg/ast.js';
import { compileScript } from '../../src/cfg/compile/script.js';
import { type Dialect, KAMAILIO, OPENSIPS, OPENSIPS_OLD } from '../../src/cfg/dialect.js';
import { type FunctionDefinition, FunctionTable } from '../../src/cfg/function-table.js';
import type { CfgProblem } from '../../src/cfg/problem.js';
import { type RouteOutcome, type ScriptBounds, ScriptRun } from '../../src/cfg/runtime.js';
import { parseConfiguration } from '../../src/cfg/source/configuration.js';
import { PvarScope } from '../../src/pvar/context.js';
import { VarStore } from '../../src/pvar/var-store.js';
import { parseMessage } from '../../src/sip/parse-message.js';

const DIALECTS: Readonly<Record<string, Dialect>> = {
  opensips: OPENSIPS,
  'opensips-old': OPENSIPS_OLD,
  kamailio: KAMAILIO,
};

const REQUEST = [
  'INVITE sip:bob@sw.example:5060 SIP/2.0',
  'Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1',
  'Max-Forwards: 70',
  'From: "Alice" <sip:alice@caller.example>;tag=ft',
  'To: <sip:bob@sw.example>',
  'Call-ID: a@caller.example',
  'CSeq: 1 INVITE',
  'Content-Length: 0',
  '',
  '',
].join('\r\n');

/** A run over one message whose functions write to `log`. */
export class TestRun extends ScriptRun {
  readonly pvars: PvarScope;
  readonly log: string[] = [];
  readonly faults: string[] = [];

  constructor(
    message: string,
    readonly routeKind: RouteKind = 'request',
    vars = new VarStore(),
  ) {
    super();
    const parsed = parseMessage(message);
    assert.ok(parsed !== undefined);
    this.pvars = new PvarScope(parsed);
    this.pvars.sourceAddress = '127.0.0.1';
    this.pvars.sourcePort = 5070;
    this.pvars.receivedAddress = '127.0.0.2';
    this.pvars.receivedPort = 5060;
    this.pvars.routes = [];
    this.pvars.shareVars(vars);
  }

  fault(at: Position, message: string): void {
    this.faults.push(`${at.line}:${at.column} ${message}`);
  }
}

const BOTH = ['opensips', 'kamailio'] as const;

/** xlog, is_method and a function that waits, for tests of the language. */
export const TEST_FUNCTIONS: readonly FunctionDefinition<TestRun>[] = [
  {
    name: 'xlog',
    module: 'core',
    dialects: BOTH,
    parameters: [
      { name: 'level or text', kind: 'string' },
      { name: 'text', kind: 'string', optional: true },
    ],
    routes: 'any',
    summary: 'Writes a line to the log.',
    compile([first, second]) {
      return (run) => {
        run.log.push(((second ?? first)?.string(run) ?? '').replace(/\n$/, ''));
        return 1;
      };
    },
  },
  {
    name: 'is_method',
    module: 'core',
    dialects: BOTH,
    parameters: [{ name: 'methods', kind: 'string' }],
    routes: ['request', 'failure'],
    summary: 'Whether the method is one of these.',
    compile([methods]) {
      const names = new Set(String(methods?.constant ?? '').split('|'));
      return (run) => (names.has(run.pvars.message.method ?? '') ? 1 : -1);
    },
  },
  {
    name: 'later',
    module: 'core',
    dialects: BOTH,
    parameters: [{ name: 'code', kind: 'int' }],
    routes: 'any',
    waits: true,
    summary: 'Returns its argument after a moment.',
    compile([code]) {
      return (run) => new Promise((resolve) => setImmediate(() => resolve(code?.int(run) ?? -1)));
    },
  },
  {
    name: 'need',
    module: 'core',
    dialects: BOTH,
    parameters: [
      { name: 'number', kind: 'int' },
      { name: 'text', kind: 'string' },
      { name: 'result', kind: 'writable', optional: true },
    ],
    routes: 'any',
    summary: 'Takes one argument of each kind.',
    compile([number, text, result]) {
      return (run) => {
        result?.variable?.assign(run.pvars, `${number?.int(run)} ${text?.string(run)}`);
        return 1;
      };
    },
  },
  {
    name: 'prefix',
    module: 'core',
    dialects: BOTH,
    parameters: [{ name: 'text', kind: 'string' }],
    routes: 'any',
    keepsReturnCode: true,
    summary: 'Does nothing here.',
    compile: () => () => 1,
  },
];

export interface CfgOptions {
  readonly files?: Readonly<Record<string, string>>;
  readonly defines?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly bounds?: Partial<ScriptBounds>;
  readonly unknownFunctions?: 'refuse' | 'log';
}

/** Compiles a whole file: its problems, and a way to run it. */
export function cfgFile(dialect: string, text: string, options: CfgOptions = {}) {
  const { files = {}, defines = {}, environment = {} } = options;
  const parsed = parseConfiguration(
    { file: 'test.cfg', text },
    {
      dialect: DIALECTS[dialect] as Dialect,
      reader: {
        read: (path) => (files[path] === undefined ? undefined : { file: path, text: files[path] as string }),
      },
      defines: new Map(Object.entries(defines)),
      environment,
    },
  );
  const compiled = compileScript<TestRun>(parsed.tree, {
    dialect: DIALECTS[dialect] as Dialect,
    functions: new FunctionTable(TEST_FUNCTIONS),
    ...(options.bounds === undefined ? {} : { bounds: options.bounds }),
    ...(options.unknownFunctions === undefined ? {} : { unknownFunctions: options.unknownFunctions }),
  });
  const problems: CfgProblem[] = [...parsed.problems, ...compiled.problems];
  const vars = new VarStore();
  return {
    tree: parsed.tree,
    problems,
    /** "line:column message" of each problem. */
    messages: problems.map(({ at, message }) => `${at.line}:${at.column} ${message}`),
    script: compiled.script,
    run(kind: RouteKind = 'request', name?: string, message = REQUEST) {
      assert.deepEqual(
        problems.filter(({ severity }) => severity === 'error'),
        [],
      );
      const run = new TestRun(message, kind, vars);
      const route = compiled.script?.route(kind, name);
      assert.ok(route !== undefined, 'no such route');
      const outcome = route.run(run);
      return {
        outcome: outcome as RouteOutcome,
        done: Promise.resolve(outcome),
        log: run.log,
        faults: run.faults,
        run,
      };
    },
  };
}

/** Compiles statements of a main route, and further routes by their headers. */
export function cfg(
  dialect: string,
  main: string,
  routes: Readonly<Record<string, string>> = {},
  options: CfgOptions = {},
) {
  const head = dialect === 'kamailio' ? 'request_route' : 'route';
  const blocks = Object.entries(routes).map(([title, body]) => `${title} {\n${body}\n}\n`);
  return cfgFile(dialect, `${head} {\n${main}\n}\n${blocks.join('')}`, options);
}
