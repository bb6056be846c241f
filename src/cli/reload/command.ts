import { CONFIG, defineCommand, flag, JSON_OUTPUT, text, whole } from '../line/command.js';

/** "switchyard reload". */
export const reload = defineCommand({
  name: 'reload',
  group: 'operate',
  summary: 'make a running daemon read its settings again',
  description: `
Makes a running daemon read its settings, partitions, rules, scripts and certificates again while calls go on. If anything is
wrong, the problems are listed, all old settings stay in force and the exit status is 1. Lists the values that differ, and those
that take effect only after a restart.

With --tables it reads the tables of the partitions again instead, one partition after the other ("switchyard mi ds_reload" reads
all at once). On a terminal it shows count, rate and remaining time. A partition whose table cannot be read keeps its destinations.`,
  options: {
    config: CONFIG,
    'dry-run': flag('Only list what would change.'),
    tables: flag('Read the tables of the partitions again, not the settings.'),
    partition: text('P', 'With --tables: this partition only. Default: all.'),
    to: text('TARGET', 'Management endpoint of the daemon (see mi). Default: the first one of the configuration.'),
    timeout: whole('MS', 'Milliseconds to wait for the answer. Default: 60000.', 1, 86_400_000),
    'reply-dir': text(
      'DIR',
      'Folder in which the daemon looks for reply FIFOs. Default: that of the configuration, or /tmp.',
    ),
    json: JSON_OUTPUT,
  },
  examples: [
    ['take the settings of the system', 'switchyard reload --config /etc/switchyard/switchyard.json'],
    ['read all tables again', 'switchyard reload --tables'],
    ['see what a change would do', 'switchyard reload --dry-run'],
  ],
  run: async ({ options, io }) => {
    if (options.tables === true) return (await import('./tables.js')).reloadTables(options, io);
    return (await import('./reload.js')).reload(options, io);
  },
});
