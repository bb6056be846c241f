import { CFG_OPTIONS } from '../check/cfg-options.js';
import { CONFIG, defineCommand, flag, JSON_OUTPUT, text } from '../line/command.js';

/** "switchyard explain". */
export const explain = defineCommand({
  name: 'explain',
  group: 'operate',
  summary: 'say where a request goes by rules or a cfg file, and why',
  description: `
Says which rule takes a request and why those before it do not, which destinations there are with their weights and states, the hash or
position that decides, and the order they are tried in; of a request inside a dialog, whether its Route or the rules decide. Where a route
script decides, the calls it makes with their values. Offline from the tables, as a daemon would begin; with --live as the running daemon
sees it now. Sends nothing and moves nothing on.

With --cfg the script of an opensips.cfg or kamailio.cfg is run over the request instead: each statement with the values of its
variables, what it decided or returned, and what would be sent. Nothing is sent. With --live a daemon that serves a cfg file shows the same
for the script it has loaded, on a copy of its tables, states and variables.`,
  arguments: [{ name: 'FILE', optional: true, description: 'A SIP request. Default, or "-": standard input.' }],
  options: {
    config: CONFIG,
    source: text('ADDRESS', 'Address the request comes from, or address:port. Default 127.0.0.1:5060.'),
    live: flag('Ask the running daemon.'),
    to: text('TARGET', 'Management endpoint of the daemon for --live (see mi). Default: of the configuration.'),
    json: JSON_OUTPUT,
    ...CFG_OPTIONS,
  },
  examples: [
    ['from the tables', 'switchyard explain --source 10.0.0.9 invite.sip'],
    ['the way through a script', 'switchyard explain --cfg /etc/opensips/opensips.cfg invite.sip'],
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
