import { CONFIG, defineCommand, flag, JSON_OUTPUT, text, whole } from '../line/command.js';

/** "switchyard calls". */
export const calls = defineCommand({
  name: 'calls',
  group: 'operate',
  summary: 'show the last calls, and where each went',
  description: `
Shows the call records of a running daemon, oldest first: requests that a rule or script dispatched or refused. A record has
every destination that was tried, with its reply code or the cause of its failure, and the time it took. With --follow, calls
are also shown as they end.`,
  options: {
    config: CONFIG,
    to: text('TARGET', 'Management endpoint of the daemon (see mi). Default: of the configuration.'),
    partition: text('P', 'Calls of this partition only.'),
    set: whole('S', 'Calls for this set only.'),
    destination: text('URI', 'Calls that tried a destination whose URI contains this.'),
    code: text('CODE', 'Calls with this final code: 503, 5xx (a class), or failed (all but 2xx).'),
    from: text('TEXT', 'Calls whose From URI contains this.'),
    'to-uri': text('TEXT', 'Calls whose To URI or request-URI contains this.'),
    'call-id': text('ID', 'Call-ID.'),
    source: text('ADDRESS', 'Calls from this address.'),
    method: text('METHOD', 'Calls with this method, as in INVITE.'),
    limit: whole('N', 'At most this many records. Default 50.', 1, 1000),
    follow: flag('Also show calls as they end, until interrupted.'),
    json: JSON_OUTPUT,
  },
  examples: [
    ['the last failed calls', 'switchyard calls --code failed'],
    ['what happened to one call', 'switchyard calls --call-id a84b4c76e66710@pc33'],
    ['calls of a tenant as they end', 'switchyard calls --partition acme --follow'],
  ],
  run: async ({ options, io }) => (await import('./calls.js')).calls(options, io),
});
