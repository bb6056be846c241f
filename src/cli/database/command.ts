import { CONFIG, defineCommand, flag, JSON_OUTPUT, text } from '../line/command.js';

const init = defineCommand({
  name: 'init',
  group: 'data',
  summary: 'create the tables and version rows that are missing',
  description: 'Creates the tables and version rows of the partitions that lack them.',
  examples: [['all partitions', 'switchyard db init']],
  run: async ({ options, io }) => (await import('./database.js')).init(options, io),
});

const show = defineCommand({
  name: 'show',
  group: 'data',
  summary: 'print the rows as they would be loaded, and those that would not',
  description: 'Prints the rows as they would be loaded; those that would not be loaded are listed on standard error.',
  examples: [['one partition, as JSON lines', 'switchyard db show --partition acme --json']],
  run: async ({ options, io }) => (await import('./database.js')).show(options, io),
});

const importRows = defineCommand({
  name: 'import',
  group: 'data',
  summary: 'add the rows of a file to a table',
  description: `
Adds the rows of FILE to the table of a partition: a JSON array or JSON lines with the names of the columns, or a list file of
Kamailio's dispatcher.`,
  arguments: [{ name: 'FILE', description: 'The rows.' }],
  options: {
    replace: flag('Empty the table first.'),
    'if-empty': flag('Leave a table that has rows as it is.'),
  },
  examples: [['rows of a file', 'switchyard db import --partition acme gateways.json']],
  run: async ({ options, args, io }) => (await import('./database.js')).importFile(options, args[0] as string, io),
});

export const db = defineCommand({
  name: 'db',
  group: 'data',
  summary: 'create, show and fill tables',
  description: 'Creates, shows and fills the tables of the partitions.',
  options: { config: CONFIG, partition: text('P', 'This partition only. Default: all.'), json: JSON_OUTPUT },
  subcommands: [init, show, importRows],
  examples: [
    ['make what is missing', 'switchyard db init'],
    ['see what would be loaded', 'switchyard db show --partition acme'],
  ],
});
