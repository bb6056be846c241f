import { CONFIG, defineCommand, flag, JSON_OUTPUT, text, whole } from '../line/command.js';

/** "switchyard calls". */
export const calls = defineCommand({
  name: 'calls',
  group: 'operate',
  summary: 'show the last calls, and where each went',
  description: `
Shows call records of a running daemon, oldest first: each request that a rule or script dispatched, with every destination tried, its
code or cause and its time, and requests that were refused. With --follow it goes on with those that end from now on.`,
  options: {
    config: CONFIG,
    to: text('TARGET', 'Management endpoint of the daemon (see mi). Default: of the configuration.'),
    partition: text('P', 'Calls of this partition only.'),
    set: whole('S', 'Calls for this set only.'),
    destination: text('URI', 'Calls that tried a destination with this in its URI.'),
    code: text('CODE', 'Final code the caller got: 503, 5xx, or failed for all but 2xx.'),
    from: text('TEXT', 'Part of the URI in From.'),
    'to-uri': text('TEXT', 'Part of the URI in To, or of the request-URI.'),
    'call-id': text('ID', 'Call-ID.'),
    source: text('ADDRESS', 'Address the request came from.'),
    method: text('METHOD', 'Method, as in INVITE.'),
    limit: whole('N', 'Records at most. Default 50.', 1, 1000),
    follow: flag('Go on with calls that end from now on, until interrupted.'),
    json: JSON_OUTPUT,
  },
  examples: [
    ['the last failed calls', 'switchyard calls --code failed'],
    ['what happened to one call', 'switchyard calls --call-id a84b4c76e66710@pc33'],
    ['calls of a tenant as they end', 'switchyard calls --partition acme --follow'],
  ],
  run: async ({ options, io }) => (await import('./calls.js')).calls(options, io),
});
