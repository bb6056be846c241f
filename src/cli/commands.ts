import type { CommandSpec } from './line/command.js';

/**
 * The commands of the program in the order of the overview. Each has a folder with `command.ts`: its texts and options,
 * which imports nothing large, and a `run` that loads the code for the work.
 */
export const COMMANDS: Readonly<Record<string, () => Promise<CommandSpec>>> = {
  serve: async () => (await import('./serve/command.js')).serve,
  mi: async () => (await import('./mi/command.js')).mi,
  reload: async () => (await import('./reload/command.js')).reload,
  watch: async () => (await import('./watch/command.js')).watch,
  calls: async () => (await import('./calls/command.js')).calls,
  top: async () => (await import('./top/command.js')).top,
  explain: async () => (await import('./explain/command.js')).explain,
  trace: async () => (await import('./trace/command.js')).trace,
  check: async () => (await import('./check/command.js')).check,
  select: async () => (await import('./select/command.js')).select,
  access: async () => (await import('./access/command.js')).access,
  audit: async () => (await import('./audit/command.js')).audit,
  db: async () => (await import('./database/command.js')).db,
  import: async () => (await import('./import/command.js')).importCfg,
  completion: async () => (await import('./completion/command.js')).completion,
  man: async () => (await import('./man/command.js')).man,
  version: async () => (await import('./version/command.js')).version,
};
