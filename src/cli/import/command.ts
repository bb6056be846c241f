import { CFG_OPTIONS, DEFINE } from '../check/cfg-options.js';
import { defineCommand, flag, JSON_OUTPUT, text } from '../line/command.js';

/** "switchyard import". */
export const importCfg = defineCommand({
  name: 'import',
  group: 'data',
  summary: 'convert an opensips.cfg or kamailio.cfg to settings and partitions',
  description: `
Reads an opensips.cfg or kamailio.cfg with the files it includes, writes switchyard.json and partitions/ into DIR, and lists what was
not carried over, each with its file and line. Sockets and the parameters of dispatcher, tm, MI, TLS and pike are carried over. A
selection in the script becomes a rule if all conditions that lead to it can be written as "match". The rule fails over if its
failure route can be written as a list of codes. Requests that the script handles in any other way are answered with 404.

The exit status is 0 only if everything was carried over. A script that needs more than rules can be run unchanged: see
"switchyard serve --help".`,
  arguments: [{ name: 'CFG-FILE', description: 'The opensips.cfg or kamailio.cfg.' }],
  options: {
    out: text('DIR', 'Folder to write into. Default: the current folder.'),
    define: DEFINE,
    preprocess: CFG_OPTIONS.preprocess,
    force: flag('Replace existing files.'),
    json: JSON_OUTPUT,
  },
  examples: [
    ['into a new folder', 'switchyard import /etc/opensips/opensips.cfg --out /etc/switchyard'],
    ['a template for m4', 'switchyard import --preprocess "m4 -s" opensips.m4 --out /etc/switchyard'],
    ['what would have to be done by hand', 'switchyard import --json --out /tmp/look kamailio.cfg | jq .left'],
  ],
  run: async ({ options, args, io }) => {
    const { importConfiguration } = await import('./import-command.js');
    return importConfiguration(options, args[0] as string, io);
  },
});
