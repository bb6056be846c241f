import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import type { LoadReport, Partition } from '../engine/partition.js';
import { destinationsOf } from '../engine/set.js';
import type { StatusReport } from '../management/mi/dependencies.js';

/** Discarded rows of one load that are logged one by one. */
const DISCARDED_LOGGED = 20;
/** Different reasons of failed loads that are logged as errors until one succeeds. */
const MAX_FAILURES = 8;
/** Reports kept; the oldest are removed first. */
const MAX_REPORTS = 100;

/** The results of a partition's loads, for the log, the metrics and sr_list_reports. */
export class LoadOutcomes {
  /** Why the partition is not ready; undefined: it is ready. */
  notReady: string | undefined = 'not loaded yet';
  /**
   * `lastDuration`: milliseconds; `lastSuccess`: milliseconds since the epoch; `discarded`: rows that the last load
   * discarded.
   */
  readonly figures = { loads: 0, failures: 0, lastDuration: 0, lastSuccess: 0, discarded: 0 };
  /** The reports, oldest first. */
  readonly reports: StatusReport[] = [];
  /** Why loads have failed since the last one that succeeded, as far as logged. */
  private readonly failures = new Set<string>();

  constructor(
    private readonly name: string,
    private readonly options: {
      readonly log: Logger;
      readonly store: { readonly description: string };
      readonly clock: Clock;
    },
  ) {}

  /** A load succeeded and its snapshot is in use; it took `duration` milliseconds. */
  succeeded(report: LoadReport, duration: number): void {
    const { log, store, clock } = this.options;
    this.notReady = undefined;
    this.failures.clear();
    this.figures.loads++;
    this.figures.lastDuration = duration;
    this.figures.lastSuccess = clock.now();
    this.figures.discarded = report.discarded.length;
    for (const { row, reason } of report.discarded.slice(0, DISCARDED_LOGGED)) {
      log.warn({ row, reason }, `a row of partition ${this.name} was discarded`);
    }
    const counts = {
      loaded: report.loaded,
      discarded: report.discarded.length,
      added: report.added.length,
      removed: report.removed.length,
      changed: report.changed.length,
    };
    log.info({ ...counts, ms: Math.round(duration), store: store.description }, `partition ${this.name} loaded`);
    this.report(`${report.loaded} records loaded, ${report.discarded.length} discarded`);
  }

  /**
   * Logs the sockets named by destinations but not listened on. The load is still good: calls to these destinations use
   * another socket.
   */
  reportUnusedSockets(partition: Partition, listens: (socket: string) => boolean): void {
    const { log } = this.options;
    const sockets = new Map<string, number>();
    for (const { row } of destinationsOf(partition.snapshot)) {
      if (row.socket !== '') sockets.set(row.socket, (sockets.get(row.socket) ?? 0) + 1);
    }
    const unused = [...sockets].filter(([socket]) => !listens(socket));
    for (const [socket, destinations] of unused.slice(0, DISCARDED_LOGGED)) {
      const text = `destinations of partition ${this.name} name a socket on which the daemon does not listen: another one is used`;
      log.warn({ socket, destinations }, text);
      this.report(
        `the daemon does not listen on socket ${socket} of ${destinations} destinations: another one is used`,
      );
    }
  }

  /**
   * A load failed, so the old `kept` destinations remain. When it fails for a reason that has been logged since the
   * last success, or for many different ones, that is logged at level debug.
   */
  failed(error: unknown, kept: number): void {
    const { log, store } = this.options;
    const message = messageOf(error);
    const isNews = this.failures.size < MAX_FAILURES && !this.failures.has(message);
    if (isNews) this.failures.add(message);
    this.figures.failures++;
    if (this.figures.loads === 0) this.notReady = message;
    this.report(`loading failed: ${message}`);
    const fields = { err: { message }, store: store.description };
    const text = `partition ${this.name} could not be loaded; ${kept} destinations stay as they were`;
    if (isNews) log.error(fields, text);
    else log.debug(fields, text);
  }

  private report(text: string): void {
    this.reports.push({ time: this.options.clock.now(), text });
    if (this.reports.length > MAX_REPORTS) this.reports.shift();
  }
}
