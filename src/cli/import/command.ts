import { defineCommand, flag, JSON_OUTPUT, text } from '../line/command.js';

/** "switchyard import". */
export const importCfg = defineCommand({
  name: 'import',
  group: 'data',
  summary: 'convert an opensips.cfg or kamailio.cfg into a configuration of ours',
  description: `
Reads an opensips.cfg or kamailio.cfg with what it includes, writes switchyard.json and partitions/ into DIR, and lists what was
not carried over, each with its file and line. Parameters of the dispatcher, tm, MI, TLS and pike and the sockets are carried
over. A selection of the script becomes a rule where every condition that guards it can be said as "match", and fails over where
its failure route can be said as codes; requests that the script handles in a way that no rule can say are answered 404.

The exit status is 0 only where everything was carried over. A script that needs more than rules can be run as it is: see
"switchyard serve --help".`,
  arguments: [{ name: 'CFG-FILE', description: 'The opensips.cfg or kamailio.cfg.' }],
  options: {
    out: text('DIR', 'Folder to write into. Default: the present folder.'),
    force: flag('Replace files that are there.'),
    json: JSON_OUTPUT,
  },
  examples: [
    ['into a new folder', 'switchyard import /etc/opensips/opensips.cfg --out /etc/switchyard'],
    ['what would have to be done by hand', 'switchyard import --json --out /tmp/look kamailio.cfg | jq .left'],
  ],
  run: async ({ options, args, io }) => {
    const { importConfiguration } = await import('./import-command.js');
    return importConfiguration(options, args[0] as string, io);
  },
});
