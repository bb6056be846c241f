import { CONFIG, defineCommand, JSON_OUTPUT, text, whole } from '../line/command.js';

/** "switchyard audit". */
export const audit = defineCommand({
  name: 'audit',
  group: 'operate',
  summary: 'print who changed what, and what was refused',
  description: `
Prints the audit records of a daemon since its start, oldest first. Older ones are in its log ("audit": true), and on NATS under
PREFIX.audit.PARTITION.`,
  options: {
    config: CONFIG,
    to: text('TARGET', 'Management endpoint of a daemon (see mi).'),
    partition: text('P', 'Records of this partition only.'),
    user: text('NAME', 'Records of this user only.'),
    command: text('NAME', 'Records of this command only.'),
    result: text('WORD', 'Records with this result only: ok, refused or failed.'),
    limit: whole('N', 'The last N records. Default 100.', 1, 1000),
    json: JSON_OUTPUT,
  },
  examples: [
    ['what was refused', 'switchyard audit --result refused'],
    ['one partition, as JSON lines', 'switchyard audit --partition acme --json'],
  ],
  run: async ({ options, io }) => (await import('./audit.js')).audit(options, io),
});
