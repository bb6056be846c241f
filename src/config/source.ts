import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { unreadableReason } from '../core/errors.js';
import { type Json, JsonSyntaxError, parseJson } from './json-source.js';
import { below, type Problem } from './problem.js';
import type { Settings } from './settings.js';

/** Where things are read from; what tests and the command line hand in. */
export interface ReadOptions {
  /** Environment for "${NAME}"; default process.env. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Working folder; default process.cwd(). */
  readonly cwd?: string | undefined;
  /** Name of this node when the settings give none; default the host name. */
  readonly hostname?: string | undefined;
  /**
   * Finds what is wrong with settings that only shows when they are put together, so that it is reported with the
   * rest. Parts that are refused already (`refused`) stand in the settings as well as they could be read.
   */
  readonly inspect?:
    | ((settings: Settings, refused: readonly Problem[]) => readonly Pick<Problem, 'pointer' | 'reason'>[])
    | undefined;
}

/** A file, or a part of one, as read: JSON with the environment filled in. */
export interface ReadJson {
  /** As shown in messages. */
  readonly file: string;
  /** Folder relative paths in it start from, absolute. */
  readonly dir: string;
  /** Pointer of `value` inside the file. */
  readonly pointer: string;
  readonly value: Json;
  /** Strings as they stood before the environment was filled in, by pointer: the only form fit for messages. */
  readonly written: ReadonlyMap<string, string>;
  /** Pointers whose environment could not be filled in: reported already, so not worth a second complaint. */
  readonly broken: ReadonlySet<string>;
}

/** Far beyond any real configuration; a list of destinations belongs into a table. */
const MAX_BYTES = 16 * 1024 * 1024;

/** The name a file goes by in messages. */
export function displayName(path: string, cwd: string): string {
  const near = relative(cwd, path);
  return near === '' || near.startsWith('..') || isAbsolute(near) ? path : near;
}

/** Reads a JSON file and fills the environment in; undefined when that failed and was added to `problems`. */
export function readSource(path: string, options: ReadOptions, problems: Problem[]): ReadJson | undefined {
  const read = readJson(path, options, problems);
  return read && fillEnvironment(read.value, { ...read, pointer: '' }, options, problems);
}

/** Reads a JSON file as it is written; undefined when that failed and was added to `problems`. */
export function readJson(
  path: string,
  options: ReadOptions,
  problems: Problem[],
): Pick<ReadJson, 'file' | 'dir' | 'value'> | undefined {
  const cwd = options.cwd ?? process.cwd();
  const absolute = resolve(cwd, path);
  const file = displayName(absolute, cwd);
  let text: string;
  try {
    if (statSync(absolute).size > MAX_BYTES) throw new Error(`file is larger than ${MAX_BYTES / 1024 / 1024} MiB`);
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(absolute));
  } catch (error) {
    problems.push({ file, pointer: '', reason: `cannot be read: ${unreadableReason(error)}` });
    return undefined;
  }
  try {
    return { file, dir: dirname(absolute), value: parseJson(text) };
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    problems.push({ file, pointer: '', reason: `not JSON: ${error.message}` });
    return undefined;
  }
}

/** Replaces "${NAME}" and "${NAME:-default}" in every string of `value`. What is missing is added to `problems`. */
export function fillEnvironment(
  value: Json,
  location: Pick<ReadJson, 'file' | 'dir' | 'pointer'>,
  options: ReadOptions,
  problems: Problem[],
): ReadJson {
  const env = options.env ?? process.env;
  const written = new Map<string, string>();
  const broken = new Set<string>();
  const walk = (each: Json, pointer: string): Json => {
    if (typeof each === 'string') {
      if (!each.includes('${')) return each;
      written.set(pointer, each);
      return fillString(each, env, (reason) => {
        broken.add(pointer);
        problems.push({ file: location.file, pointer, reason });
      });
    }
    if (Array.isArray(each)) return each.map((item, i) => walk(item, below(pointer, i)));
    if (each === null || typeof each !== 'object') return each;
    const entries = Object.entries(each).map(([key, item]): [string, Json] => [key, walk(item, below(pointer, key))]);
    return Object.fromEntries(entries);
  };
  return { ...location, value: walk(value, location.pointer), written, broken };
}

const REFERENCE = /\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?/g;
/** The same where no brace closes any more: a default would be looked for to the end of the text from each. */
const UNCLOSED = /\$\{/g;

function fillString(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  report: (reason: string) => void,
): string {
  const closed = text.lastIndexOf('}') + 1;
  const fill = (_: string, name?: string, fallback?: string): string => {
    if (name === undefined) {
      report(`"$\{" begins no environment reference: expected $\{NAME} or $\{NAME:-default}`);
      return '';
    }
    const value = env[name];
    // As in a shell, ":-" also stands in for a variable that is set but empty.
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
    if (value === undefined) report(`environment variable ${name} is not set`);
    return value ?? '';
  };
  return text.slice(0, closed).replace(REFERENCE, fill) + text.slice(closed).replace(UNCLOSED, () => fill(''));
}

/** ./switchyard.json, if it is there: what is read when no file is named. */
export function defaultFile(cwd: string): string | undefined {
  const path = resolve(cwd, 'switchyard.json');
  return statSync(path, { throwIfNoEntry: false }) === undefined ? undefined : path;
}
