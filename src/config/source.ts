import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { unreadableReason } from '../core/errors.js';
import { maskSecrets } from '../core/mask.js';
import { ownValue } from '../core/own-value.js';
import { type Json, JsonSyntaxError, parseJson } from './json-source.js';
import { below, type Problem } from './problem.js';
import type { Settings } from './settings.js';

/** Where things are read from; set by tests and the command line. */
export interface ReadOptions {
  /** Environment for "${NAME}"; default process.env. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Working folder; default process.cwd(). */
  readonly cwd?: string | undefined;
  /** Name of this node if the settings give none; default the host name. */
  readonly hostname?: string | undefined;
  /**
   * Finds problems that only show when the settings are put together, so that they are reported with the others.
   * Refused parts (`refused`) are included as far as they could be read.
   */
  readonly inspect?:
    | ((settings: Settings, refused: readonly Problem[]) => readonly Pick<Problem, 'pointer' | 'reason'>[])
    | undefined;
}

/** A file, or a part of one, as read: JSON with environment variables replaced. */
export interface ReadJson {
  /** Name in messages. */
  readonly file: string;
  /** Absolute path of the folder from which relative paths in it start. */
  readonly dir: string;
  /** JSON pointer to `value` in the file. */
  readonly pointer: string;
  readonly value: Json;
  /** Strings before environment variables were replaced, by pointer: only these may be shown in messages. */
  readonly written: ReadonlyMap<string, string>;
  /** Pointers to strings whose environment variables could not be replaced; already reported. */
  readonly broken: ReadonlySet<string>;
}

/** Longest file in bytes, far beyond real configurations; a list of destinations belongs in a table. */
const MAX_BYTES = 16 * 1024 * 1024;

/** A file's name in messages. */
export function displayName(path: string, cwd: string): string {
  const near = relative(cwd, path);
  return near === '' || near.startsWith('..') || isAbsolute(near) ? path : near;
}

/** Reads a JSON file and replaces environment variables; on failure adds to `problems` and returns undefined. */
export function readSource(path: string, options: ReadOptions, problems: Problem[]): ReadJson | undefined {
  const read = readJson(path, options, problems);
  return read && fillEnvironment(read.value, { ...read, pointer: '' }, options, problems);
}

/** Reads a JSON file unchanged; on failure adds to `problems` and returns undefined. */
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
    problems.push({ file: maskSecrets(file), pointer: '', reason: `cannot be read: ${unreadableReason(error)}` });
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

/** Replaces "${NAME}" and "${NAME:-default}" in every string of `value`. Missing variables are added to `problems`. */
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
/** Used where no closing brace follows: otherwise each "${" would be searched to the end of the text. */
const UNCLOSED = /\$\{/g;

function fillString(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  report: (reason: string) => void,
): string {
  const closed = text.lastIndexOf('}') + 1;
  const fill = (_: string, name?: string, fallback?: string): string => {
    if (name === undefined) {
      report(`"$\{" does not begin an environment reference: expected $\{NAME} or $\{NAME:-default}`);
      return '';
    }
    const value = ownValue(env, name);
    // As in a shell, ":-" also applies to a variable that is set but empty.
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
    if (value === undefined) report(`environment variable ${name} is not set`);
    return value ?? '';
  };
  return text.slice(0, closed).replace(REFERENCE, fill) + text.slice(closed).replace(UNCLOSED, () => fill(''));
}

/** The path of ./switchyard.json if it exists: it is read when no file is named. */
export function defaultFile(cwd: string): string | undefined {
  const path = resolve(cwd, 'switchyard.json');
  return statSync(path, { throwIfNoEntry: false }) === undefined ? undefined : path;
}
