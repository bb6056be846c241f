import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { register } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, SwitchyardError, unreadableReason } from '../../core/errors.js';
import type { KnownNames } from './constant-checks.js';
import { LOAD_MARK, positionOf } from './fault.js';
import type { LoadedScript, RouteTable } from './route-table.js';
import { routesOf } from './validate.js';

/** Options for loading a script. */
export interface ScriptLoadOptions {
  /**
   * Partitions and black lists in the settings; a script with a constant that names another one is refused. Absent: not
   * checked.
   */
  readonly names?: KnownNames | undefined;
}

/** Maximum number of faults in an error message. */
const MAX_FAULTS = 20;

/** Maximum time in milliseconds for loading a script, which may await something at its top level. */
const LOAD_LIMIT = 10_000;

/** Number of loads so far: each has a URL of its own. Per process, like the module loader of Node. */
let loads = 0;
/** Whether the hooks are registered with the module loader, of which a process has one. */
let registered = false;

/**
 * Loads a route script, and everything it imports from its own files, without Node's module cache. `ownUrl` is the URL
 * of this package's entry point, which the script imports as "switchyard". TypeScript is translated by esbuild or
 * typescript, where one of them is installed. Throws SwitchyardError SCRIPT_INVALID, whose message has file and line.
 */
export async function loadScript(
  file: string,
  ownUrl: string,
  { names }: ScriptLoadOptions = {},
): Promise<LoadedScript> {
  const source = await readFile(file, 'utf8').catch((error: unknown) => {
    throw refused(`route script ${file} cannot be read: ${unreadableReason(error)}`);
  });
  prepare(file, ownUrl);
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = await inTime(import(`${pathToFileURL(file).href}?${LOAD_MARK}=${++loads}`));
  } catch (error) {
    throw refused(`route script ${await describe(error, file, source)}`, error);
  }
  const routes = routesOf(exported);
  if (!isFaulty(routes)) {
    // The parser is imported only where there is a route script.
    const { checkCalls } = await import('./check-calls.js');
    const faults = checkCalls(file, routes, names);
    if (faults.length === 0) return { file, source, routes };
    const lines = faults.slice(0, MAX_FAULTS).map((each) => `${each.file}:${each.line}:${each.column}: ${each.reason}`);
    throw refused(`route script ${lines.join('; ')}`);
  }
  const lines = routes.map(({ reason, word }) => `${file}:${lineOf(source, word)}: ${reason}`);
  throw refused(`route script ${lines.join('; ')}`);
}

function isFaulty(routes: ReturnType<typeof routesOf>): routes is Exclude<ReturnType<typeof routesOf>, RouteTable> {
  return Array.isArray(routes);
}

/** Registers the module hooks, once in a process: they resolve "switchyard", and translate TypeScript. */
function prepare(file: string, ownUrl: string): void {
  // Stack traces then name the lines of the TypeScript source.
  if (/\.[cm]?tsx?$/.test(file)) process.setSourceMapsEnabled(true);
  if (registered) return;
  registered = true;
  const hooks = import.meta.url.endsWith('.ts') ? './module-hooks.ts' : './module-hooks.js';
  register(hooks, import.meta.url, { data: { ownUrl, mark: LOAD_MARK } });
}

async function inTime<T>(loading: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`took more than ${LOAD_LIMIT / 1000} s to load`)), LOAD_LIMIT);
  });
  try {
    return await Promise.race([loading, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** "/etc/route.js:12: Unexpected token", from any error that an import is rejected with. */
async function describe(error: unknown, file: string, source: string): Promise<string> {
  const message = messageOf(error);
  // Errors of the TypeScript translation already contain the position.
  if (/^\/[^\n]*:[0-9]+: /.test(message)) return message;
  const position = positionOf(error, file);
  if (position.line !== undefined) return `${position.file}:${position.line}: ${message}`;
  const missing = /imported from ([^\n]+)$/.exec(message);
  if (missing !== null) {
    const name = /'([^']+)'/.exec(message)?.[1]?.split('/').pop();
    return `${file}:${name === undefined ? 1 : lineOf(source, name)}: ${message}`;
  }
  const line = error instanceof SyntaxError ? await syntaxErrorLine(source) : undefined;
  return `${file}${line === undefined ? '' : `:${line}`}: ${message}`;
}

/** The line of a syntax error in JavaScript, which only the output of `node --check` contains. */
async function syntaxErrorLine(source: string): Promise<number | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-check-'));
  try {
    const copy = join(folder, 'script.mjs');
    await writeFile(copy, source);
    const complaint = await new Promise<string>((resolve) => {
      execFile(process.execPath, ['--check', copy], { timeout: 5000, env: {} }, (_error, _out, err) => resolve(err));
    });
    const line = /script\.mjs:([0-9]+)/.exec(complaint)?.[1];
    return line === undefined ? undefined : Number(line);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The first line that contains a word; 1 when there is none. */
function lineOf(source: string, word: string): number {
  const escaped = word.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  const at = source.search(new RegExp(`(?<![\\w$])${escaped}(?![\\w$])`));
  return at < 0 ? 1 : source.slice(0, at).split('\n').length;
}

function refused(message: string, cause?: unknown): SwitchyardError {
  return new SwitchyardError('SCRIPT_INVALID', message, cause === undefined ? {} : { cause });
}
