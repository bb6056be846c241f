import { BlacklistTable } from '../../src/blacklist/blacklist.js';
import type { DestinationRow } from '../../src/engine/destination.js';
import { Engine } from '../../src/engine/engine.js';
import type { PartitionOptions } from '../../src/engine/options.js';
import { compileFormat, compileWritable } from '../../src/pvar/format.js';
import type { DispatcherFormats } from '../../src/route/request-scope.js';
import type { RouteScriptEnvironment } from '../../src/route/script/environment.js';
import type { LoadedScript } from '../../src/route/script/route-table.js';
import type { ScriptRoutes } from '../../src/route/script/routes.js';
import { ScriptLog } from '../../src/route/script/script-log.js';
import { ScriptRouter } from '../../src/route/script/script-router.js';
import type { SipMessage } from '../../src/sip/message.js';
import { parseMessage } from '../../src/sip/parse-message.js';
import { partitionOptions, row, seededRandom } from './partitions.js';
import { proxyFixture } from './proxy-fixture.js';
import { recordingLog } from './recording-log.js';

/** Rows of one partition; the default set is 1. */
export interface FixturePartition {
  readonly options?: Partial<PartitionOptions>;
  readonly rows: readonly DestinationRow[];
}

export interface ScriptFixtureOptions {
  /** By name; the default partition has set 1 with three destinations, 10.0.0.1 to 10.0.0.3. */
  readonly partitions?: Readonly<Record<string, FixturePartition>>;
  /** Name of a list -> sets of the default partition. */
  readonly blacklists?: Readonly<Record<string, readonly number[]>>;
  readonly hashPvar?: string;
  readonly setidPvar?: string;
  readonly score?: DispatcherFormats['score'];
  readonly dialogs?: RouteScriptEnvironment['dialogs'];
  /** File name of the script for positions in the log. */
  readonly file?: string;
}

export const GATEWAYS: readonly DestinationRow[] = [
  row('sip:10.0.0.1:5060', { attrs: 'first' }),
  row('sip:10.0.0.2:5060', { attrs: 'second' }),
  row('sip:10.0.0.3:5060', { attrs: 'third' }),
];

/** A route script over the proxy core, with recorders as sockets and a clock that the test advances. */
export function scriptFixture(routes: ScriptRoutes, options: ScriptFixtureOptions = {}) {
  const proxy = proxyFixture({ decide: () => ({ kind: 'drop' }) });
  const { log, lines } = recordingLog();
  const engine = new Engine({
    clock: proxy.clock,
    random: seededRandom(),
    warn: (_partition, message) => lines.push({ level: 'warn', message, fields: {} }),
  });
  const partitions = options.partitions ?? { default: { rows: GATEWAYS } };
  for (const [name, each] of Object.entries(partitions)) {
    const partition = engine.addPartition(partitionOptions({ name, ...each.options }));
    partition.load(each.rows, { inheritState: true });
  }
  const blacklists = new BlacklistTable(
    log,
    Object.entries(options.blacklists ?? {}).map(([name, sets]) => ({ partition: 'default', name, sets, match: 'ip' })),
  );
  for (const partition of engine.partitions) blacklists.rebuild(partition);
  const counted = { selected: 0, failed: 0 };
  const environment: RouteScriptEnvironment = {
    engine,
    sockets: proxy.sockets,
    formats: {
      hash: options.hashPvar === undefined ? undefined : compileFormat(options.hashPvar),
      load: undefined,
      score: options.score,
      statistic: () => undefined,
    },
    setidPvar: options.setidPvar === undefined ? undefined : compileWritable(options.setidPvar),
    scriptAttrsAvp: () => 'pushed',
    blocked: (lists, address) => blacklists.blocked(lists, address),
    hasBlacklist: (name) => blacklists.has(name),
    tally: { selected: () => counted.selected++, failed: () => counted.failed++ },
    clock: proxy.clock,
    log,
    dialogs: options.dialogs,
    faults: new ScriptLog(log, proxy.clock),
  };
  const script: LoadedScript = { file: options.file ?? '/scripts/route.js', source: '', routes };
  proxy.proxy.useRouter(new ScriptRouter(environment, script));
  return {
    ...proxy,
    engine,
    environment,
    script,
    counted,
    log: lines,
    /** Errors in the log. */
    faults: () => lines.filter((each) => each.level === 'error'),
    /** Requests the proxy sent to gateways, oldest first. */
    relayed(): SipMessage[] {
      return proxy.udp.sent.flatMap(({ text }) => {
        const message = parseMessage(text);
        return message?.isRequest === true && message.method !== 'ACK' ? [message] : [];
      });
    },
    /** Targets of those requests. */
    targets: () =>
      proxy.udp.sent.filter(({ text }) => /^(?!SIP|ACK)/.test(text)).map(({ address, port }) => `${address}:${port}`),
    /** State of a destination of the default partition. */
    state: (uri: string, setId = 1) => engine.partition('default')?.find(setId, uri)?.health.state,
  };
}

/** Lets settled promises run their callbacks. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
