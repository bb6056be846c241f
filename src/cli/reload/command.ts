import { CONFIG, defineCommand, flag, JSON_OUTPUT, text, whole } from '../line/command.js';

/** "switchyard reload". */
export const reload = defineCommand({
  name: 'reload',
  group: 'operate',
  summary: 'let a running daemon read its settings again',
  description: `
Lets a running daemon read its settings, partitions, rules, scripts and certificates again while calls go on. They are taken whole, or
refused whole: then the problems are listed, the old settings stay in force and the exit status is 1. What differs is listed, and
what only a restart brings into force.

With --tables the tables of the partitions are read again instead, one partition after the other ("switchyard mi ds_reload" reads all
at once): on a terminal count, rate and time left are shown, and a partition that cannot be read is named and keeps what it had.`,
  options: {
    config: CONFIG,
    'dry-run': flag('Only list what would change.'),
    tables: flag('Read the tables of the partitions again, not the settings.'),
    partition: text('P', 'With --tables: this partition only. Default: all.'),
    to: text('TARGET', 'Management endpoint of the daemon (see mi). Default: the first one of the configuration.'),
    timeout: whole('MS', 'Milliseconds to wait for the answer. Default: 60000.', 1, 86_400_000),
    'reply-dir': text(
      'DIR',
      'Folder the daemon looks for reply FIFOs in. Default: that of the configuration, or /tmp.',
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
