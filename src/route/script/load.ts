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

/** What a script is loaded with. */
export interface ScriptLoadOptions {
  /** Partitions and black lists of the settings: others in constants of the script are refused. Absent: they are not looked at. */
  readonly names?: KnownNames | undefined;
}

/** Faults that a refusal names. */
const MOST_FAULTS = 20;

/** Milliseconds a script may take to load: it may wait for something at its top level. */
const LOAD_LIMIT = 10_000;

let loads = 0;
let registered = false;

/**
 * Loads a route script, anew each time, with everything it imports from files of its own. `ownUrl` is the URL of this
 * package's entry point, which the script sees as "switchyard". TypeScript is translated by esbuild or typescript where
 * one of them is installed. Throws SwitchyardError SCRIPT_INVALID, whose message names file and line.
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
    // The parser is loaded only where there is a route script.
    const { checkCalls } = await import('./check-calls.js');
    const faults = checkCalls(file, routes, names);
    if (faults.length === 0) return { file, source, routes };
    const lines = faults
      .slice(0, MOST_FAULTS)
      .map((each) => `${each.file}:${each.line}:${each.column}: ${each.reason}`);
    throw refused(`route script ${lines.join('; ')}`);
  }
  const lines = routes.map(({ reason, word }) => `${file}:${lineOf(source, word)}: ${reason}`);
  throw refused(`route script ${lines.join('; ')}`);
}

function isFaulty(routes: ReturnType<typeof routesOf>): routes is Exclude<ReturnType<typeof routesOf>, RouteTable> {
  return Array.isArray(routes);
}

/** Once in a process: scripts find this package and may be TypeScript. */
function prepare(file: string, ownUrl: string): void {
  // So that a stack names the lines that were written, not those that were made of them.
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

/** "/etc/route.js:12: Unexpected token", from whatever an import was refused with. */
async function describe(error: unknown, file: string, source: string): Promise<string> {
  const message = messageOf(error);
  // What the translation of TypeScript found says where by itself.
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

/** The line of a syntax error in JavaScript: only the text that `node --check` prints names it. */
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

/** The line a word stands in first; 1 when it does not. */
function lineOf(source: string, word: string): number {
  const escaped = word.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  const at = source.search(new RegExp(`(?<![\\w$])${escaped}(?![\\w$])`));
  return at < 0 ? 1 : source.slice(0, at).split('\n').length;
}

function refused(message: string, cause?: unknown): SwitchyardError {
  return new SwitchyardError('SCRIPT_INVALID', message, cause === undefined ? {} : { cause });
}
