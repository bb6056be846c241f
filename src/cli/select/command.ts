import { CONFIG, choice, defineCommand, flag, JSON_OUTPUT, text, whole } from '../line/command.js';

/** "switchyard select". */
export const select = defineCommand({
  name: 'select',
  group: 'data',
  summary: 'show the destination that would be selected for a request',
  description: `
Shows the destination that the engine and the tables of the daemon would select for a request. Sends nothing. The request is read
from a file or, with "-" or no file, from standard input. With --batch, each line of the input is a JSON object (a request and a
selection, or an MI command), and each is answered with one line; later lines see the states that earlier ones left.`,
  arguments: [
    {
      name: 'FILE',
      optional: true,
      description: 'A SIP request, or JSON lines with --batch. Default: standard input.',
    },
  ],
  options: {
    config: CONFIG,
    partition: text('P', 'Partition. Default: the default partition.'),
    set: text('S', 'Set, or sets in order: "1,2".'),
    alg: text('A', 'Algorithm, or one for each set: "4,0".'),
    flags: text('F', 'Flags of ds_select_dst: f failover, a append, u user part only, F fall back, D default, s skip.'),
    'max-res': whole('N', 'At most this many destinations.', 0),
    fn: choice('FUNCTION', ['dst', 'domain'], 'Function: dst sets the next hop, domain rewrites the request-URI.'),
    batch: flag('Answer JSON lines.'),
    json: JSON_OUTPUT,
  },
  examples: [
    ['the destination of a request', 'switchyard select --set 1 --alg 0 invite.sip'],
    [
      'all candidates over two sets',
      'switchyard select --partition acme --set 1,2 --alg 4 --flags f --json - < invite.sip',
    ],
    [
      'a batch',
      `echo '{"id":1,"request":{"method":"INVITE","ruri":"sip:1@example.com","from":"<sip:a@b>;tag=1","to":"<sip:1@example.com>","callid":"x"},"set":1,"alg":4,"flags":"f"}' | switchyard select --batch -`,
    ],
  ],
  run: async ({ options, args, io }) => (await import('./select.js')).select(options, args[0], io),
});
