import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { type LoadedSettings, loadSettings } from '../../../src/config/load.js';
import { ConfigError, formatProblems } from '../../../src/config/problem.js';

/** A temporary folder with configuration files; objects are written as JSON. */
export function configFolder(t: TestContext, files: Readonly<Record<string, unknown>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-config-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

type Env = Readonly<Record<string, string>>;

/** Loads switchyard.json of a folder made of `files`. */
export function load(t: TestContext, files: Readonly<Record<string, unknown>>, env: Env = {}): LoadedSettings {
  return loadSettings(undefined, { cwd: configFolder(t, files), env, hostname: 'node1' });
}

/** The lines of the error that loading `files` gives; empty when there is none. */
export function refusals(t: TestContext, files: Readonly<Record<string, unknown>>, env: Env = {}): string[] {
  try {
    load(t, files, env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return formatProblems(error.problems).split('\n');
  }
}
