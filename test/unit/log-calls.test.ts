import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import ts from 'typescript-api';

/** A call that writes a line of level info or above: log.warn(...), this.options.logger.error(...), log[level](...). */
interface LogCall {
  readonly file: string;
  readonly line: number;
  /** The logger expression. */
  readonly logger: string;
}

const SRC = resolve(import.meta.dirname, '../../src');
const LEVELS = new Set(['info', 'warn', 'error', 'fatal']);

function callsIn(file: string, text: string): LogCall[] {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: LogCall[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const { expression: callee } = node;
      const isNamed = ts.isPropertyAccessExpression(callee) && LEVELS.has(callee.name.text);
      if (isNamed || ts.isElementAccessExpression(callee)) {
        const logger = callee.expression.getText();
        if (/(?:^|\.)(?:log|peerLog|logger)$/i.test(logger)) {
          found.push({ file, line: tree.getLineAndCharacterOfPosition(node.getStart()).line + 1, logger });
        }
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.startsWith('cli/') && !name.startsWith('console/browser/'))
  .sort();
const calls = files.flatMap((file) => callsIn(file, readFileSync(join(SRC, file), 'utf8')));

/**
 * Rooms that get a bounded logger (`boundedLog`), since peers and clients can cause their lines. The tests of log
 * floods send what causes the lines.
 */
const BOUNDED_ROOMS: readonly string[] = ['sip/', 'proxy/', 'route/', 'http/', 'management/', 'workers/brain.ts'];

/** Why a peer cannot cause the other lines without limit, and their number per file. */
const OTHERS: Readonly<Record<string, readonly [count: number, why: string]>> = {
  'blacklist/blacklist.ts': [1, 'a load'],
  'calls/call-log.ts': [1, 'once until the file can be written again'],
  'cluster/joining.ts': [2, 'a change of the membership of this node'],
  'cluster/node.ts': [4, 'a change of the membership of a node'],
  'cluster/reloads.ts': [1, 'a reload, retried with back-off'],
  'cluster/return.ts': [1, "an operator's order"],
  'cluster/store-watch.ts': [1, 'a change of the bucket that is watched for'],
  'cluster/tags.ts': [1, 'a change of a sharing tag'],
  'core/bounded-log.ts': [1, 'this is the bound'],
  'core/log-focus.ts': [4, 'passes lines on'],
  'daemon/build-cluster.ts': [1, 'a load'],
  'daemon/build-console.ts': [1, 'an error of the program'],
  'daemon/build-events.ts': [2, 'the start; an error of the program'],
  'daemon/build-tables.ts': [1, 'an error of the program'],
  'daemon/build-traces.ts': [1, 'the start'],
  'daemon/build-workers.ts': [2, "an operator's order; the end of a worker"],
  'daemon/change-reporter.ts': [2, 'a change of state: probes and thresholds pace it'],
  'daemon/congestion-log.ts': [2, 'once a minute'],
  'daemon/drain.ts': [1, 'the end'],
  'daemon/lifecycle.ts': [2, 'the start and the end'],
  'daemon/load-ahead.ts': [1, 'once'],
  'daemon/notify.ts': [1, 'once'],
  'daemon/once-a-minute.ts': [1, 'once a minute'],
  'daemon/optional-service.ts': [1, 'the start'],
  'daemon/release.ts': [1, 'the end'],
  'daemon/route-scripts.ts': [1, 'a load that a script asked for, one at a time'],
  'daemon/script-output.ts': [1, 'what a script writes, cut'],
  'daemon/script-routing.ts': [1, "an operator's command"],
  'daemon/script-tables.ts': [6, 'a load'],
  'daemon/script-worker.ts': [2, 'the end; a load'],
  'daemon/secret.ts': [1, 'the start'],
  'daemon/socket-check.ts': [1, 'a row, once for each socket'],
  'daemon/system-calls.ts': [1, 'once'],
  'daemon/telemetry.ts': [2, 'the start and the end'],
  'events/outbox-log.ts': [3, 'a change between delivered and not; once until then'],
  'events/publisher.ts': [1, 'the end'],
  'events/sinks/nats-cluster.ts': [2, 'the bucket is made, or is refused with back-off'],
  'events/sinks/nats-connection.ts': [8, 'a change of the connection to the server; refusals once a minute'],
  'events/sinks/nats-kv.ts': [4, 'back-off; once for each destination; a repair, at most one a comparison'],
  'events/sinks/nats-mi.ts': [2, 'the start; an error of the program'],
  'events/sinks/nats-records.ts': [1, 'the start'],
  'events/sinks/nats-stream.ts': [3, 'a connection to the server'],
  'events/sinks/nats.ts': [3, 'the start and the end; a connection to the server'],
  'modules/acc/account.ts': [1, 'a record the script asked for, cut'],
  'modules/acc/cdr.ts': [1, 'a record the script asked for, cut'],
  'modules/acc/writer.ts': [2, 'every thousandth row; once at the end'],
  'modules/regex-groups.ts': [1, "an operator's order"],
  'modules/permission-files.ts': [1, 'once for each line of a file of rules'],
  'probing/scheduled-prober.ts': [2, 'the start; an error of the program'],
  'store/outbox-file.ts': [1, 'once until the file can be written again'],
  'store/state-flusher.ts': [3, 'back-off; the end'],
  'tenant/load-outcomes.ts': [4, 'a load'],
  'tenant/tenant.ts': [2, 'a load'],
  'trace/hep-sender.ts': [2, 'a change of the connection to the server'],
  'weight-feed/event-socket.ts': [2, 'a change between reports and none, of a server in the table'],
  'weight-feed/freeswitch.ts': [1, 'a load'],
  'weight-feed/nats.ts': [1, 'once a minute'],
  'workers/replica.ts': [
    2,
    'a table that cannot be used; an algorithm that does not exist: the log it is given is bounded',
  ],
  'workers/pool.ts': [4, 'the start and the end of a worker; an error of the program'],
};

test('the scan finds log calls of every form', () => {
  const sample = callsIn(
    'x.ts',
    'log.warn({}, ""); this.options.logger.error({}, ""); env.peerLog[level]({}, ""); log.debug({}, "")',
  );
  assert.deepEqual(
    sample.map(({ logger }) => logger),
    ['log', 'this.options.logger', 'env.peerLog'],
  );
});

test('every log line is bounded, or cannot be caused by peers without limit', () => {
  assert.ok(calls.length > 100);
  const others = new Map<string, LogCall[]>();
  for (const call of calls) {
    if (BOUNDED_ROOMS.some((room) => call.file.startsWith(room)) || /peerLog$/.test(call.logger)) continue;
    others.set(call.file, [...(others.get(call.file) ?? []), call]);
  }
  const counted = Object.fromEntries([...others].map(([file, all]) => [file, all.length]));
  const known = Object.fromEntries(Object.entries(OTHERS).map(([file, [count]]) => [file, count]));
  assert.deepEqual(
    counted,
    known,
    'a new line: use a bounded logger (peerLog), or say here why no peer causes it without limit',
  );
});

test('rooms that handle peers get a bounded logger', () => {
  const text = (file: string) => readFileSync(join(SRC, file), 'utf8');
  for (const [file, given] of [
    ['daemon/assembly.ts', /buildSip\(first, \{[^}]*log: env\.peerLog/],
    ['daemon/build-routing.ts', /new Routing\(\s*[\s\S]*?log: peerLog/],
    ['daemon/build-management.ts', /peerLog, metrics \} = env;/],
    ['daemon/environment.ts', /peerLog: boundedLog\(/],
    ['daemon/build-management.ts', /new MiHandler\(peerLog/],
    ['daemon/build-management.ts', /buildEndpoints\(settings, \{[^}]*log: peerLog/],
    ['daemon/build-management.ts', /buildHttp\(settings, \{[^}]*log: peerLog/],
    ['daemon/build-management.ts', /createKamailioRpc\(\{[\s\S]*?log: peerLog/],
    ['daemon/build-workers.ts', /peerLog, clock[^=]*= env;[\s\S]*?new Brain\(\{[\s\S]*?log: peerLog/],
    ['workers/worker.ts', /const log: Logger = boundedLog\(/],
  ] as const) {
    assert.match(text(file), given);
  }
});
