import { callEntry } from '../calls/call-entry.js';
import type { CallEntry } from '../calls/call-entry-types.js';
import { CallLedger } from '../calls/call-ledger.js';
import { listCalls } from '../calls/call-list.js';
import { CallLog } from '../calls/call-log.js';
import type { Settings } from '../config/settings.js';
import { boundedLog } from '../core/bounded-log.js';
import type { Clock } from '../core/clock.js';
import type { Logger } from '../core/logger.js';
import type { Service } from '../core/service.js';
import type { CallRecords } from '../management/mi/dependencies.js';

/** Receives a finished record, for example to publish it. */
export type RecordSink = (entry: CallEntry) => void;

/** The call records of a daemon: the ledger, and what receives each record when its call has ended. */
export class CallRecording implements Service, CallRecords {
  readonly name = 'call records';
  readonly ledger: CallLedger;
  /** Writes records to the file of calls.log, if it is set. */
  readonly log: CallLog;

  constructor(
    private settings: Settings,
    clock: Clock,
    logger: Logger,
    /** Publishes a record; undefined: nowhere. */
    publish: RecordSink | undefined,
  ) {
    const peerLog = boundedLog(logger, () => clock.monotonic());
    this.ledger = new CallLedger(clock, settings.calls, (error) =>
      peerLog.error({ err: error }, 'a call record could not be made'),
    );
    this.log = new CallLog(logger, clock);
    const isLogged = () => logger.isLevelEnabled('debug');
    const isWanted = () => {
      const { log, nats } = this.settings.calls;
      return log !== undefined || (nats && publish !== undefined) || isLogged();
    };
    this.ledger.onEnd((record) => {
      const { calls, node, privacy } = this.settings;
      const entry = callEntry(record, node, privacy);
      if (isLogged())
        logger.debug({ callId: entry.call_id, partition: entry.partition, call: entry }, summaryOf(entry));
      if (calls.log !== undefined) this.log.write(entry);
      if (calls.nats) publish?.(entry);
    }, isWanted);
  }

  async start(): Promise<void> {
    this.log.open(this.settings.calls.log);
  }

  /** Reports the records of calls still in progress, and closes the file. */
  async stop(): Promise<void> {
    this.ledger.stop();
    await this.log.close();
  }

  /** Applies new settings. The file is opened again, so that a file that was moved away gets no more records. */
  configure(settings: Settings): void {
    this.settings = settings;
    this.ledger.configure(settings.calls);
    this.log.open(settings.calls.log);
  }

  async list(
    filter: Parameters<CallRecords['list']>[0],
    limit: number,
  ): Promise<{ readonly newest: number; readonly entries: readonly CallEntry[] }> {
    const { node, privacy } = this.settings;
    const { newest } = this.ledger;
    return { newest, entries: await listCalls(this.ledger, filter, { node, privacy, limit }) };
  }
}

/** For example "INVITE from udp:10.0.0.1:5060: 200 by sip:10.0.0.2 after 12 ms, 2 tries". */
function summaryOf({ method, source, code, tries, ms, stateless }: CallEntry): string {
  const last = tries.at(-1);
  const by = last === undefined ? '' : ` by ${last.destination}`;
  const outcome = stateless ? `forwarded statelessly to ${last?.destination}` : `${code}${by} after ${ms} ms`;
  return `${method} from ${source}: ${outcome}${tries.length > 1 ? `, ${tries.length} tries` : ''}`;
}
