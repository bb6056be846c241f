import { loadSettings } from '../config/load.js';
import { formatProblems } from '../config/problem.js';
import type { Settings } from '../config/settings.js';
import { compositionFaults } from '../daemon/composition.js';
import type { CommandIo } from './line/io.js';

/** Loads the settings for a command; prints warnings to `err`. Throws ConfigError. */
export function settingsFor(config: string | undefined, io: CommandIo): Settings {
  const { settings, warnings } = loadSettings(config, { inspect: compositionFaults });
  if (warnings.length > 0) io.err(`${formatProblems(warnings)}\n`);
  return settings;
}
