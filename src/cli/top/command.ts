import { CONFIG, defineCommand, flag, text, whole } from '../line/command.js';

/** "switchyard top". */
export const top = defineCommand({
  name: 'top',
  group: 'operate',
  summary: 'watch destinations as a table that refreshes',
  description: `
Shows all destinations of a running daemon, what is wrong first: state, since when and why, selections a second, last probe. Needs no
more than a way in for management commands. Arrow keys scroll, q ends it. Where the output is not a terminal one table is printed.`,
  options: {
    config: CONFIG,
    to: text('TARGET', 'Management endpoint of the daemon (see mi). Default: the first one of the configuration.'),
    partition: text('P', 'Destinations of this partition only.'),
    interval: whole('SECONDS', 'Seconds between two refreshes. Default 1.', 1, 3600),
    once: flag('Print one table and end.'),
  },
  examples: [
    ['the daemon of ./switchyard.json', 'switchyard top'],
    ['another one, one tenant', 'switchyard top --to fifo:/run/switchyard/mi --partition acme'],
  ],
  run: async ({ options, io }) => (await import('./top.js')).top(options, io),
});
