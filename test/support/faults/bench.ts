import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unbounded } from '../../../src/access/caller.js';
import { parseDatabaseUrl } from '../../../src/config/db-url.js';
import { readSettings } from '../../../src/config/load.js';
import type { Clock } from '../../../src/core/clock.js';
import type { Logger } from '../../../src/core/logger.js';
import { Daemon } from '../../../src/daemon/daemon.js';
import type { Destination, HealthState } from '../../../src/engine/destination.js';
import type { DispatcherEvent } from '../../../src/events/event.js';
import { initDatabase, insertRows, type NewRow, showRows, type TableSpec } from '../../../src/store/provision.js';
import { COLUMNS } from '../columns.js';
import { eventFault } from '../event-schema.js';
import { freePort } from '../ports.js';

export interface LogLine {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A logger that keeps every line. */
function keepingLogger(lines: LogLine[], bindings: Record<string, unknown> = {}): Logger {
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields: { ...bindings, ...fields }, message });
  return {
    trace() {},
    debug() {},
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    child: (more) => keepingLogger(lines, { ...bindings, ...more }),
    isLevelEnabled: () => false,
  };
}

/** A daemon in this process with real sockets and servers. */
export class RunningDaemon {
  readonly events: DispatcherEvent[] = [];
  /** Events that do not match their schema. */
  readonly malformed: string[] = [];

  constructor(
    readonly daemon: Daemon,
    readonly log: LogLine[],
    readonly port: number,
  ) {
    daemon.onEvent((event) => {
      this.events.push(event);
      const fault = eventFault(event);
      if (fault !== undefined) this.malformed.push(fault);
    });
  }

  /** Clears the recorded log lines and events. */
  forget(): void {
    this.log.length = 0;
    this.events.length = 0;
  }

  /** Runs an MI command. Throws on an error reply. */
  async mi(method: string, params: object = {}): Promise<unknown> {
    const text = await this.daemon.mi.handle(
      JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      // Commands with source "cli" leave no audit records, which would be stored among the events of the stream.
      unbounded('cli'),
    );
    const reply = JSON.parse(text ?? '{}') as { result?: unknown; error?: { message: string } };
    if (reply.error !== undefined) throw new Error(`${method}: ${reply.error.message}`);
    return reply.result;
  }

  /** Sets a destination's state by MI: "a", "i" or "p". */
  async mark(state: string, set: number, uri: string, partition?: string): Promise<void> {
    const group = partition === undefined ? String(set) : `${partition}:${set}`;
    await this.mi('ds_set_state', { state, group, address: uri });
  }

  destination(partition: string, set: number, uri: string): Destination {
    const found = this.daemon.engine.partition(partition)?.find(set, uri);
    if (found === undefined) throw new Error(`no destination ${uri} in set ${set} of ${partition}`);
    return found;
  }

  /** States of all destinations of a partition by "set uri". */
  states(partition: string): Map<string, HealthState> {
    const states = new Map<string, HealthState>();
    for (const [id, set] of this.daemon.engine.partition(partition)?.snapshot.sets ?? []) {
      for (const each of set.destinations) states.set(`${id} ${each.row.uri}`, each.health.state);
    }
    return states;
  }

  /** One value of /metrics; NaN when it is missing. */
  metric(name: string, labels = ''): number {
    const prefix = `${name}${labels} `;
    const line = this.daemon.metrics
      .prometheus()
      .split('\n')
      .find((each) => each.startsWith(prefix));
    return line === undefined ? Number.NaN : Number(line.slice(prefix.length));
  }

  /** Lines of the log whose message matches. */
  said(pattern: RegExp): LogLine[] {
    return this.log.filter((line) => pattern.test(line.message));
  }
}

export interface DaemonStart {
  readonly clock?: Clock;
  /** Keys added to the defaults: one UDP socket, node "sw1". */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly firstLoadMs?: number;
}

/** Everything that one fault test starts; stopped in reverse order at its end. */
export class FaultBench {
  private readonly releases: (() => unknown)[] = [];

  constructor(t?: { after(release: () => Promise<void>): void }) {
    t?.after(() => this.end());
  }

  defer(release: () => unknown): void {
    this.releases.push(release);
  }

  async end(): Promise<void> {
    for (let release = this.releases.pop(); release !== undefined; release = this.releases.pop()) await release();
  }

  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'switchyard-faults-'));
    this.defer(() => rm(folder, { recursive: true, force: true }));
    return folder;
  }

  /** Makes an SQLite table with these rows in its own folder; returns its URL. */
  async sqlite(rows: readonly NewRow[]): Promise<string> {
    const url = `sqlite://${await this.folder()}/table.db`;
    await fill(url, rows);
    return url;
  }

  async daemon({ settings, clock, firstLoadMs }: DaemonStart): Promise<RunningDaemon> {
    const port = await freePort();
    const value = { node: 'sw1', listen: `udp:127.0.0.1:${port}`, ...settings };
    const lines: LogLine[] = [];
    const daemon = new Daemon({
      settings: readSettings(value, { cwd: await this.folder() }).settings,
      log: keepingLogger(lines),
      drainMs: 200,
      ...(clock === undefined ? {} : { clock }),
      ...(firstLoadMs === undefined ? {} : { firstLoadMs }),
    });
    const running = new RunningDaemon(daemon, lines, port);
    this.defer(async () => {
      await daemon.stop();
      assert.deepEqual(running.malformed, []);
    });
    await daemon.start();
    return running;
  }
}

export function tableSpec(dbUrl: string, table = 'dispatcher'): TableSpec {
  return { url: parseDatabaseUrl(dbUrl, '/'), table, columns: COLUMNS, flavour: 'opensips' };
}

/** Makes the table if it is missing and replaces its rows. */
export async function fill(dbUrl: string, rows: readonly NewRow[], table?: string): Promise<void> {
  const spec = tableSpec(dbUrl, table);
  await initDatabase(spec);
  await insertRows(spec, rows, { replace: true });
}

/** States in the table by "set uri". */
export async function tableStates(dbUrl: string, table?: string): Promise<Map<string, HealthState>> {
  const { rows } = await showRows(tableSpec(dbUrl, table));
  return new Map(rows.map((row) => [`${row.setId} ${row.uri}`, row.state]));
}

/** `count` destinations of set 1 at addresses where nobody answers. */
export function deadRows(count: number, set = 1): { setId: number; uri: string }[] {
  return Array.from({ length: count }, (_, i) => ({ setId: set, uri: `sip:127.77.${(i >> 8) & 255}.${i & 255}:5070` }));
}
