import { UNCHECKED_BOUNDS } from './access.js';
import { BUILT_IN, builtInSettings } from './built-in.js';
import type { RawSettings } from './raw.js';
import { Findings, type Location } from './reading.js';
import { withDefaults } from './schema.js';
import { readHttp, readMi } from './services.js';
import type { Settings } from './settings.js';
import { defaultFile, fillEnvironment, type ReadOptions, readJson } from './source.js';

/** The settings that a client of the daemon needs. */
export type EndpointSettings = Pick<Settings, 'mi' | 'http'>;

/**
 * Reads only the management endpoints of a configuration: a client of a running daemon need not load every schema.
 * Undefined for an invalid value, which only a complete load can explain.
 */
export function endpointsOf(file: string | undefined, options: ReadOptions = {}): EndpointSettings | undefined {
  const findings = new Findings();
  const cwd = options.cwd ?? process.cwd();
  const path = file ?? defaultFile(cwd);
  const read =
    path === undefined
      ? { file: BUILT_IN, dir: cwd, value: builtInSettings() }
      : readJson(path, options, findings.problems);
  const whole = read?.value;
  if (read === undefined || whole === null || typeof whole !== 'object' || Array.isArray(whole)) return undefined;
  // Environment variables with secrets, which a client may not have, are used in other keys.
  const { mi } = whole;
  if (mi !== undefined && (mi === null || typeof mi !== 'object' || Array.isArray(mi))) return undefined;
  const parts = { mi: mi ?? {}, ...(whole['http'] === undefined ? {} : { http: whole['http'] }) };
  const value = fillEnvironment(parts, { ...read, pointer: '' }, options, findings.problems).value;
  const root: Location = { file: read.file, dir: read.dir, pointer: '' };
  try {
    const raw = withDefaults('settings', value) as RawSettings;
    const known = { partitions: new Set<string>(), complete: false };
    const found = {
      mi: readMi(raw, root, new Set(Object.keys(whole)), findings, known, UNCHECKED_BOUNDS),
      http: readHttp(raw, root, findings, UNCHECKED_BOUNDS),
    };
    return findings.problems.length === 0 ? found : undefined;
  } catch {
    // The type of a value is not that of the schema.
    return undefined;
  }
}
