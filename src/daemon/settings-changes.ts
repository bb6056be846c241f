import { redactUrl } from '../config/db-url.js';
import type { Settings } from '../config/settings.js';

/** One value that differs between two settings. */
export interface SettingChange {
  /** "partitions/acme/tableName", "routing/0/select/set" */
  readonly path: string;
  /** undefined: it was not there. */
  readonly from: string | undefined;
  /** undefined: it is not there any more. */
  readonly to: string | undefined;
}

/** Changes listed at most; the last entry then says how many more there are. */
const MOST = 200;
/** Locations of values in the files: no change of the settings. */
const LOCATIONS = /^(?:file|listenByDefault|partitions\/[^/]+\/source|routing\/[0-9]+\/pointer)$/;
const SECRET = /(?:pass|password|token|secret|seed|creds)/i;

/** What differs between two settings, in the order of their keys. Secrets are masked, and named as changed. */
export function settingsChanges(before: Settings, after: Settings): readonly SettingChange[] {
  const [old, now] = [flattened(before), flattened(after)];
  const paths = [...new Set([...old.keys(), ...now.keys()])];
  const changed = paths.filter((path) => old.get(path) !== now.get(path));
  const changes = changed.slice(0, MOST).map((path) => ({
    path,
    from: shown(path, old.get(path)),
    to: shown(path, now.get(path)),
  }));
  if (changed.length > MOST)
    changes.push({ path: '...', from: undefined, to: `${changed.length - MOST} more changes` });
  return changes;
}

function shown(path: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (SECRET.test(name)) return '***';
  return /^[a-z]+:\/\//i.test(value) ? redactUrl(value) : value.slice(0, 200);
}

/** Every value with its path; partitions go by their names, so that one that moves is none that changed. */
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
