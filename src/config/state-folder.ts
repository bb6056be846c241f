import { isAbsolute } from 'node:path';

/**
 * The folder for what the daemon keeps across restarts: the state folder of the service manager, else `settingsFolder`.
 * Undefined if neither is an absolute path.
 */
export function stateFolder(
  settingsFolder: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  const folder = environment['STATE_DIRECTORY']?.split(':')[0] ?? settingsFolder;
  return isAbsolute(folder) ? folder : undefined;
}
