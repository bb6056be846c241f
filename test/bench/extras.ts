import { request } from 'node:http';
import { hashToken, newToken } from '../../src/access/secret.js';
import { askMi } from '../support/mi-http.js';
import type { PathRun } from './path.js';
import type { StartProxy } from './proxies.js';
import { type StartOptions, type SwitchyardProxy, startSwitchyardWith } from './switchyard.js';

/** Disables the ledger, to measure a daemon without call records. */
const WITHOUT_RECORDS = `data:text/javascript,${encodeURIComponent(`
import { CallLedger } from ${JSON.stringify(new URL('../../dist/calls/call-ledger.js', import.meta.url).href)};
CallLedger.prototype.relayed = () => undefined;
CallLedger.prototype.refused = () => {};
`)}`;
const READERS = 10;
const DESTINATIONS = 1000;

/** A daemon with settings of its own, and what is done with it once it is running. */
function variant(
  name: string,
  more: StartOptions['more'],
  then?: (proxy: SwitchyardProxy) => Promise<void>,
  nodeArgs: readonly string[] = [],
): StartProxy {
  return async (destinations) => {
    const proxy = await startSwitchyardWith(destinations, nodeArgs, { name, more: more ?? {} });
    await then?.(proxy);
    return proxy;
  };
}

/** The default settings; then without records, and with one additional feature each. */
export const EXTRAS: readonly StartProxy[] = [
  variant('usual', {}),
  variant('no records', {}, undefined, ['--import', WITHOUT_RECORDS]),
  variant('trace 1/1k', {}, async ({ http }) => {
    await askMi(http, 'trace_start', { one_in: 1000, seconds: 3600, calls: 10_000, messages: 100_000 });
  }),
  variant('users', {
    access: { users: [{ name: 'ci', token: hashToken(newToken()), role: 'viewer', partitions: '*' }] },
  }),
  variant('readers', {}, async (proxy) => {
    const rows = Array.from({ length: DESTINATIONS }, (_, i) => ({
      setid: 2,
      destination: `sip:127.0.1.1:${10_000 + i}`,
    }));
    await proxy.addRows(rows);
    await askMi(proxy.http, 'ds_reload');
    for (let i = 0; i < READERS; i++) read(`${proxy.http}/console/stream`);
  }),
];

/** Reads a stream until it ends. */
function read(url: string): void {
  request(url, (response) => response.resume().on('error', () => {}))
    .on('error', () => {})
    .end();
}

/**
 * For each variant, the median over the rounds of the ratio of its cost to that of the first variant in the same round.
 */
export function ratiosToFirst(runs: readonly PathRun[]): string[] {
  const names = [...new Set(runs.map(({ proxy }) => proxy))];
  const of = (name: string | undefined) => runs.filter(({ proxy }) => proxy === name);
  const first = of(names[0]);
  return names.slice(1).map((name) => {
    const ratios = of(name).map((run, i) => run.cpuPerCall / (first[i]?.cpuPerCall ?? Number.NaN));
    const sorted = ratios.sort((a, b) => a - b);
    const middle = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
    return `  ${name.padEnd(11)} ${(100 * (middle - 1)).toFixed(1)} % more than ${names[0]} (median of ${sorted.length} rounds, ${sorted
      .map((each) => (100 * (each - 1)).toFixed(1))
      .join(' ')})`;
  });
}
