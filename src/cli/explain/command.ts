import { CFG_OPTIONS } from '../check/cfg-options.js';
import { CONFIG, defineCommand, flag, JSON_OUTPUT, text } from '../line/command.js';

/** "switchyard explain". */
export const explain = defineCommand({
  name: 'explain',
  group: 'operate',
  summary: 'show where rules or a cfg file send a request, and why',
  description: `
Shows which rule matches a request and why the rules before it do not; the destinations of the set with weights and states; the
hash or position that decides; and the order in which destinations are tried. For a request within a dialog it shows whether the
Route or the rules decide, and for a route script the functions it calls with their values. Reads the tables, with the states of a
daemon that has just started; with --live the running daemon answers. It sends no request and changes no state.

With --cfg it runs the script of an opensips.cfg or kamailio.cfg on the request instead, and shows each statement with the values
of its variables and its result, and what would be sent. With --live a daemon that serves a cfg file does the same with the script
it has loaded, on a copy of its tables, states and variables.`,
  arguments: [
    { name: 'FILE', optional: true, description: 'File with a SIP request. Default, or "-": standard input.' },
  ],
  options: {
    config: CONFIG,
    source: text('ADDRESS', 'Address, or address:port, that the request comes from. Default 127.0.0.1:5060.'),
    live: flag('Ask the running daemon.'),
    to: text('TARGET', 'Management endpoint of the daemon for --live (see mi). Default: of the configuration.'),
    json: JSON_OUTPUT,
    ...CFG_OPTIONS,
  },
  examples: [
    ['from the tables', 'switchyard explain --source 10.0.0.9 invite.sip'],
    ['the statements a script executes', 'switchyard explain --cfg /etc/opensips/opensips.cfg invite.sip'],
    ['as the daemon sees it now', 'switchyard explain --live invite.sip'],
  ],
  run: async ({ options, args, io }) => {
    const { cfg, define, ...more } = options;
    const { explain: byRules, requestIn } = await import('./explain.js');
    if (cfg === undefined) return byRules(options, args[0], io);
    const request = await requestIn(args[0], io);
    return (await import('./cfg.js')).explainCfg({ ...more, cfg, defines: define }, request, io);
  },
});
