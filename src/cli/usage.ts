/** Help texts of the command line: what each command does, its options, and examples that can be typed as they stand. */

const OVERVIEW = `switchyard - a SIP dispatcher for many tenants

Usage: switchyard COMMAND [options]

  serve    run the daemon
  check    validate settings, partitions, databases and tables
  select   tell where a request would go, and why
  mi       run a management command on a running daemon
  watch    print status events as they happen
  db       create, show and fill tables
  import   turn an opensips.cfg or kamailio.cfg into a configuration of ours

  switchyard COMMAND --help   options and examples of a command
  switchyard --version

Exit status: 0 ok, 1 what was asked for failed, 2 wrong usage.
`;

const COMMANDS: Readonly<Record<string, string>> = {
  serve: `Usage: switchyard serve [--config FILE]

Runs the daemon. FILE: ./switchyard.json if there is one, else built-in defaults.
SIGTERM and SIGINT end it: calls under way may finish, states are written, events delivered.

  switchyard serve
  switchyard serve --config /etc/switchyard/switchyard.json
`,
  check: `Usage: switchyard check [--config FILE] [--json]

Validates settings and partitions, and asks each database for its table and version.
Every problem is listed at once, as file#/pointer: reason.

  switchyard check --config /etc/switchyard/switchyard.json
`,
  select: `Usage: switchyard select [--config FILE] [--partition P] --set S --alg A [--flags F] [--max-res N] [--fn dst|domain] [REQUEST-FILE|-]
       switchyard select [--config FILE] --batch [NDJSON-FILE|-]

Tells where a request would go, with the real engine over the real tables; sends nothing.

  switchyard select --set 1 --alg 0 invite.sip
  switchyard select --partition acme --set 1,2 --alg 4 --flags f --json - < invite.sip
  echo '{"id":1,"request":{"method":"INVITE","ruri":"sip:1@example.com","from":"<sip:a@b>;tag=1","to":"<sip:1@example.com>","callid":"x"},"set":1,"alg":4,"flags":"f"}' | switchyard select --batch -
`,
  mi: `Usage: switchyard mi [--to TARGET] [--json] [--timeout MS] [--reply-dir DIR] COMMAND [name=value ... | value ...]

Runs a management command on a running daemon.
TARGET: fifo:PATH, udp:HOST:PORT, unix:PATH, http://HOST:PORT/mi. Default: the FIFO of the configuration.

  switchyard mi ds_list
  switchyard mi --to udp:127.0.0.1:8080 ds_set_state state=i group=acme:1 address=sip:10.0.0.2:5060
  switchyard mi --to fifo:/run/switchyard/mi ds_reload partition=acme
`,
  watch: `Usage: switchyard watch [--nats URL | --to TARGET] [--partition P] [--json]

Prints status events, a line each, until interrupted. Default: the NATS server of the configuration.
TARGET: the MI door of a daemon (see mi), which then sends the events to this process.

  switchyard watch --nats nats://127.0.0.1:4222
  switchyard watch --to udp:127.0.0.1:8080 --json
`,
  import: `Usage: switchyard import [--out DIR] [--force] CFG-FILE

Reads the dispatcher, tm, MI and listener settings of an opensips.cfg or kamailio.cfg, writes switchyard.json and
partitions/ into DIR (default: the present folder), and lists what could not be carried over. Existing files are only
replaced with --force.

  switchyard import /etc/opensips/opensips.cfg --out /etc/switchyard
`,
  db: `Usage: switchyard db init|show|import [--config FILE] [--partition P] [--replace | --if-empty] [--json] [FILE]

init    creates the tables and version rows of the partitions that lack them
show    prints the rows as they would be loaded, and those that would not
import  adds the rows of FILE (a JSON array or JSON lines, by column name) to the table of partition P;
        --replace empties the table first, --if-empty leaves a table that has rows as it is

  switchyard db init
  switchyard db import --partition acme gateways.json
  switchyard db show --partition acme --json
`,
};

/** Help for a command, or the overview. */
export function usage(command?: string): string {
  return (command === undefined ? undefined : COMMANDS[command]) ?? OVERVIEW;
}

/** Names of the commands. */
export function commandNames(): readonly string[] {
  return Object.keys(COMMANDS);
}
