import type { ScriptCommand } from '../script/commands.js';
import { dialogCommands } from './dialog/commands.js';

/** The management commands of all modules. */
export const MODULE_COMMANDS: readonly ScriptCommand[] = [...dialogCommands];
