import { redactUrl } from '../config/db-url.js';
import type { Settings } from '../config/settings.js';

/** A value that differs between two versions of the settings. */
export interface SettingChange {
  /** For example "partitions/acme/tableName", "routing/0/select/set". */
  readonly path: string;
  /** undefined: it did not exist. */
  readonly from: string | undefined;
  /** undefined: it no longer exists. */
  readonly to: string | undefined;
}

/** Maximum number of changes listed; the last entry then gives the number of the others. */
const MAX_CHANGES = 200;
/** Matches paths that only say where something is in the files; they are not settings. */
const LOCATIONS = /^(?:file|listenByDefault|partitions\/[^/]+\/source|routing\/[0-9]+\/pointer)$/;
const SECRET = /(?:pass|password|token|secret|seed|creds)/i;

/**
 * The differences between two versions of the settings, in the order of keys. Secrets are masked, but listed when
 * changed.
 */
export function settingsChanges(before: Settings, after: Settings): readonly SettingChange[] {
  const [old, now] = [flattened(before), flattened(after)];
  const paths = [...new Set([...old.keys(), ...now.keys()])];
  const changed = paths.filter((path) => old.get(path) !== now.get(path));
  const changes = changed.slice(0, MAX_CHANGES).map((path) => ({
    path,
    from: shown(path, old.get(path)),
    to: shown(path, now.get(path)),
  }));
  if (changed.length > MAX_CHANGES)
    changes.push({ path: '...', from: undefined, to: `${changed.length - MAX_CHANGES} more changes` });
  return changes;
}

function shown(path: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (SECRET.test(name)) return '***';
  return /^[a-z]+:\/\//i.test(value) ? redactUrl(value) : value.slice(0, 200);
}

/** All values by path; partitions are identified by name, so that moving one is not a change. */
function flattened(settings: Settings): Map<string, string> {
  const values = new Map<string, string>();
  const walk = (value: unknown, path: string): void => {
    if (value === undefined || LOCATIONS.test(path)) return;
    if (value === null || typeof value !== 'object') {
      values.set(path, String(value));
      return;
    }
    const entries: Iterable<readonly [string | number, unknown]> =
      value instanceof Map
        ? value.entries()
        : value instanceof Set
          ? [...value].map((each, i) => [i, each] as const)
          : path === 'partitions'
            ? (value as Settings['partitions']).map((each) => [each.name, each] as const)
            : Object.entries(value);
    for (const [key, each] of entries) walk(each, path === '' ? String(key) : `${path}/${key}`);
  };
  walk(settings, '');
  return values;
}
