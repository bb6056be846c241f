import type { TlsClient, TlsProtocol } from '../core/tls-peers.js';
import { type LoadedSettings, loadSettings } from './load.js';
import { ConfigError, type Problem } from './problem.js';
import type { Settings } from './settings.js';
import type { ReadOptions } from './source.js';

/** Checks beyond the text of the configuration files. */
export interface CheckProbes {
  /** Whether a file can be read. */
  readonly readable?: (path: string) => Promise<boolean>;
}

/** The result of a check. */
export interface CheckReport {
  /** The problems; without any the exit status is 0. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** The settings; undefined when the files are refused. */
  readonly settings: Settings | undefined;
}

/** Checks the files of a configuration; problems are returned, not thrown. */
export async function checkConfiguration(
  file: string | undefined,
  options: ReadOptions = {},
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
  return { problems: await checkFiles(settings, probes), warnings, settings };
}

async function checkFiles(settings: Settings, { readable }: CheckProbes): Promise<Problem[]> {
  if (readable === undefined) return [];
  const nats = settings.events.nats;
  const named: readonly (readonly [string, string | undefined])[] = [
    ['/route_script', settings.routeScript],
    ...tlsFiles(settings.tls),
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

/** Files that "tls" names, by their keys. */
function tlsFiles(tls: Settings['tls']): (readonly [string, string | undefined])[] {
  if (tls === undefined) return [];
  const of = (
    pointer: string,
    each: TlsProtocol & Pick<TlsClient, 'cert' | 'key'> & { readonly ca?: string | undefined },
  ) =>
    [
      [`${pointer}/certificate`, each.cert],
      [`${pointer}/private_key`, each.key],
      [`${pointer}/ca`, each.ca],
      ...(['dhParams', 'crl', 'caDir'] as const).map((key): readonly [string, string | undefined] => [
        `${pointer}/${{ dhParams: 'dh_params', crl: 'crl', caDir: 'ca_dir' }[key]}`,
        each[key] === 'none' ? undefined : each[key],
      ]),
    ] as const;
  return [
    ...of('/tls', tls),
    ...(['contexts', 'listeners', 'clients'] as const).flatMap((list) =>
      tls[list].flatMap((each, i) => of(`/tls/${list}/${i}`, each)),
    ),
  ];
}
