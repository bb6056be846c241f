import { CONFIG, defineCommand, flag, JSON_OUTPUT, text, whole } from '../line/command.js';

export const reload = defineCommand({
  name: 'reload',
  group: 'operate',
  summary: 'let a running daemon read its settings again',
  description: `
Lets a running daemon read its settings, partitions, rules, scripts and certificates again while calls go on. They are taken whole, or
refused whole: then the problems are listed, the old settings stay in force and the exit status is 1. What differs is listed, and
what only a restart brings into force. Tables are read again by "switchyard mi ds_reload".`,
  options: {
    config: CONFIG,
    'dry-run': flag('Only list what would change.'),
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
    ['see what a change would do', 'switchyard reload --dry-run'],
  ],
  run: async ({ options, io }) => (await import('./reload.js')).reload(options, io),
});
