import { messageOf } from '../core/errors.js';
import { type LoadedSettings, loadSettings } from './load.js';
import { ConfigError, type Problem } from './problem.js';
import type { PartitionConfig, Settings } from './settings.js';
import type { LoadOptions } from './source.js';

/** What `switchyard check` asks of the world outside the configuration. */
export interface CheckProbes {
  /**
   * Looks at a partition's database: is it there, has the table a version, do the columns suffice. Answers with what is
   * wrong; a rejection counts as one finding.
   */
  readonly database?: (partition: PartitionConfig) => Promise<readonly string[]>;
  /** Whether a file can be read. */
  readonly readable?: (path: string) => Promise<boolean>;
}

/** What a check found. */
export interface CheckReport {
  /** What keeps the daemon from doing its work; empty: exit status 0. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** undefined when the files themselves are refused. */
  readonly settings: Settings | undefined;
}

/** Partitions whose databases are asked at the same time. */
const AT_ONCE = 8;

/** Checks a configuration as far as that goes without starting anything. Never throws for what it finds. */
export async function checkConfiguration(
  file: string | undefined,
  options: LoadOptions = {},
  probes: CheckProbes = {},
): Promise<CheckReport> {
  let loaded: LoadedSettings;
  try {
    loaded = loadSettings(file, options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { problems: error.problems, warnings: [], settings: undefined };
  }
  const { settings, warnings } = loaded;
  const problems = [...(await checkFiles(settings, probes)), ...(await checkDatabases(settings, probes))];
  return { problems, warnings, settings };
}

async function checkFiles(settings: Settings, { readable }: CheckProbes): Promise<Problem[]> {
  if (readable === undefined) return [];
  const nats = settings.events.nats;
  const named: readonly (readonly [string, string | undefined])[] = [
    ['/route_script', settings.routeScript],
    ['/tls/certificate', settings.tls?.cert],
    ['/tls/private_key', settings.tls?.key],
    ['/tls/ca', settings.tls?.ca],
    ...(settings.tls?.contexts ?? []).flatMap(
      (each, i) =>
        [
          [`/tls/contexts/${i}/certificate`, each.cert],
          [`/tls/contexts/${i}/private_key`, each.key],
        ] as const,
    ),
    ['/events/nats/creds_file', nats?.credsFile],
    ['/events/nats/tls/ca', nats?.tls?.ca],
    ['/events/nats/tls/cert', nats?.tls?.cert],
    ['/events/nats/tls/key', nats?.tls?.key],
  ];
  const problems: Problem[] = [];
  for (const [pointer, path] of named) {
    if (path !== undefined && !(await readable(path))) {
      problems.push({ file: settings.file, pointer, reason: `file "${path}" cannot be read` });
    }
  }
  return problems;
}

async function checkDatabases(settings: Settings, { database }: CheckProbes): Promise<Problem[]> {
  if (database === undefined) return [];
  const found: Problem[][] = [];
  let next = 0;
  const work = async () => {
    for (let i = next++; i < settings.partitions.length; i = next++) {
      const partition = settings.partitions[i]!;
      const [file, pointer = ''] = partition.source.split('#');
      const reasons = await database(partition).catch((error: unknown) => [messageOf(error)]);
      found[i] = reasons.map((reason) => ({
        file: file!,
        pointer,
        reason: `partition "${partition.name}": ${reason}`,
      }));
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, settings.partitions.length) }, work));
  return found.flat();
}
