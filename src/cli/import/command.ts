import { defineCommand, flag, text } from '../line/command.js';

export const importCfg = defineCommand({
  name: 'import',
  group: 'data',
  summary: 'turn an opensips.cfg or kamailio.cfg into a configuration of ours',
  description: `
Reads the dispatcher, tm, MI and listener settings of an opensips.cfg or kamailio.cfg, writes switchyard.json and partitions/
into DIR, and lists what could not be carried over.`,
  arguments: [{ name: 'CFG-FILE', description: 'The opensips.cfg or kamailio.cfg.' }],
  options: {
    out: text('DIR', 'Folder to write into. Default: the present folder.'),
    force: flag('Replace files that are there.'),
  },
  examples: [['into a new folder', 'switchyard import /etc/opensips/opensips.cfg --out /etc/switchyard']],
  run: async ({ options, args, io }) => (await import('./import-command.js')).importConfiguration(options, args, io),
});
