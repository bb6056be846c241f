import { CONFIG, defineCommand, flag, text, whole } from '../line/command.js';

/** "switchyard top". */
export const top = defineCommand({
  name: 'top',
  group: 'operate',
  summary: 'watch destinations as a table that refreshes',
  description: `
Shows all destinations of a running daemon, inactive ones first: the state, its time and reason, selections a second, the last
probe. It needs a management endpoint only. Arrow keys scroll, q ends it. If the output is not a terminal, one table is printed.`,
  options: {
    config: CONFIG,
    to: text('TARGET', 'Management endpoint of the daemon (see mi). Default: the first one of the configuration.'),
    partition: text('P', 'Destinations of this partition only.'),
    interval: whole('SECONDS', 'Seconds between two refreshes. Default 1.', 1, 3600),
    once: flag('Print one table and end.'),
  },
  examples: [
    ['the daemon of ./switchyard.json', 'switchyard top'],
    ['another daemon, one partition', 'switchyard top --to fifo:/run/switchyard/mi --partition acme'],
  ],
  run: async ({ options, io }) => (await import('./top.js')).top(options, io),
});
