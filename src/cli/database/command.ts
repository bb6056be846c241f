import { CONFIG, choice, defineCommand, flag, JSON_OUTPUT, text } from '../line/command.js';

const init = defineCommand({
  name: 'init',
  group: 'data',
  summary: 'create the tables and version rows that are missing',
  description: 'Creates missing tables and version rows of the partitions.',
  examples: [['all partitions', 'switchyard db init']],
  run: async ({ options, io }) => (await import('./database.js')).init(options, io),
});

const show = defineCommand({
  name: 'show',
  group: 'data',
  summary: 'print the rows that would be loaded, and those that would be discarded',
  description: `
Prints the rows that would be loaded; those that would be discarded are listed on standard error. With --json a row has the names
of its columns, as in files of "db export"; the password of a FreeSWITCH address is left out.`,
  examples: [['one partition, as JSON lines', 'switchyard db show --partition acme --json']],
  run: async ({ options, io }) => (await import('./database.js')).show(options, io),
});

const exportRows = defineCommand({
  name: 'export',
  group: 'data',
  summary: 'write all rows and columns of a table, as a backup or for another database',
  description: `
Writes every row of the table of a partition, with all columns (your own ones too), to standard output or to FILE. Only the
owner can read FILE, since rows can contain passwords. Columns have their documented names, even where the table uses other
names. "db import" reads such a file into a database of any kind.`,
  arguments: [{ name: 'FILE', description: 'Where the rows go. Default: standard output.', optional: true }],
  options: {
    format: choice('FORMAT', ['json', 'csv'], 'Format of the rows. Default: csv for a FILE.csv, otherwise json.'),
  },
  examples: [
    ['a backup', 'switchyard db export --partition acme acme.json'],
    ['for a spreadsheet', 'switchyard db export --partition acme --format csv > acme.csv'],
  ],
  run: async ({ options, args, io }) => (await import('./backup.js')).exportTable(options, args[0], io),
});

const importRows = defineCommand({
  name: 'import',
  group: 'data',
  summary: 'add the rows of a file to a table, or replace its rows with them',
  description: `
Adds the rows of FILE to the table of a partition: a JSON array, JSON lines or CSV with the documented names of the columns, or a
list file of Kamailio's dispatcher; "-" is standard input. Either all rows are written, in one transaction, or none. The ids of
the rows are kept if the table is empty or replaced. In CSV an empty field is null, and "" is an empty string.`,
  arguments: [{ name: 'FILE', description: 'File with the rows.' }],
  options: {
    replace: flag('Empty the table first.'),
    'if-empty': flag('Do nothing if the table has rows.'),
    'dry-run': flag('Change nothing; list the rows that would be added, removed or changed.'),
  },
  examples: [
    ['rows of a file', 'switchyard db import --partition acme gateways.json'],
    ['what a backup would change', 'switchyard db import --partition acme --replace --dry-run acme.json'],
    [
      'from one database to another',
      'switchyard db export --config old.json --partition acme | switchyard db import --config new.json --partition acme -',
    ],
  ],
  run: async ({ options, args, io }) => (await import('./backup.js')).importFile(options, args[0] as string, io),
});

/** "switchyard db". */
export const db = defineCommand({
  name: 'db',
  group: 'data',
  summary: 'create, show, back up and fill tables',
  description: 'Creates, shows, backs up and fills the tables of the partitions.',
  options: { config: CONFIG, partition: text('P', 'This partition only. Default: all.'), json: JSON_OUTPUT },
  subcommands: [init, show, exportRows, importRows],
  examples: [
    ['create what is missing', 'switchyard db init'],
    ['see what would be loaded', 'switchyard db show --partition acme'],
    ['keep a backup', 'switchyard db export --partition acme acme.json'],
  ],
});
