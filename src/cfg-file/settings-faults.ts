import type { ConfigurationTree, Position } from '../cfg/ast.js';
import { readSettings } from '../config/load.js';
import { ConfigError } from '../config/problem.js';
import type { CfgReading } from './load.js';

/** An invalid value that only a check of the settings as a whole finds. */
export interface SettingFault {
  readonly at: Position;
  readonly message: string;
}

/**
 * Errors that the daemon would find in the settings of a file, each with the position of its parameter. Empty for files
 * whose script cannot be compiled: reading the file has reported those errors.
 */
export function settingFaults({ loaded, tree }: CfgReading): SettingFault[] {
  if (loaded === undefined || tree === undefined) return [];
  try {
    readSettings(loaded.settings, { cwd: loaded.folder }, loaded.file);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ pointer, reason }) => ({
      at: positionOf(tree, loaded.settings, pointer) ?? { file: loaded.file, line: 1, column: 1 },
      message: reason,
    }));
  }
}

/** Position of the parameter that gave the setting at a JSON pointer. */
function positionOf(tree: ConfigurationTree, settings: object, pointer: string): Position | undefined {
  const [, part, key = ''] = pointer.split('/');
  const parameters = tree.moduleParameters.filter(({ module }) => module.split('|').includes('dispatcher'));
  if (part === 'modparam') return parameters.find(({ name }) => name === key)?.at;
  if (part !== 'partitions') return undefined;
  const { partitions = [] } = settings as { partitions?: readonly { name?: string }[] };
  const name = partitions[Number(key)]?.name ?? '';
  const own = parameters.find(
    (each) => each.name === 'partition' && String(each.value).split(':', 1)[0]?.trim() === name,
  );
  return own?.at ?? tree.modules.find((each) => each.name === 'dispatcher')?.at;
}
