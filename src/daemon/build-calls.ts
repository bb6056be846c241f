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

/** Takes a record that has ended: publishes it on NATS, for example. */
export type RecordSink = (entry: CallEntry) => void;

/** Call records as the daemon runs them: the ledger, and what each record is handed to when its call has ended. */
export class CallRecording implements Service, CallRecords {
  readonly name = 'call records';
  readonly ledger: CallLedger;
  /** Written to where calls.log names a file. */
  readonly log: CallLog;

  constructor(
    private settings: Settings,
    clock: Clock,
    logger: Logger,
    /** Where records are published, if anywhere. */
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

  /** Hands on the records of the calls that still go on, and ends the writing. */
  async stop(): Promise<void> {
    this.ledger.stop();
    await this.log.close();
  }

  /** Takes new settings; the file is opened anew, so that one that was moved away is not written to any longer. */
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

/** "INVITE from udp:10.0.0.1:5060: 200 by sip:10.0.0.2 after 12 ms, 2 tries" */
function summaryOf({ method, source, code, tries, ms, stateless }: CallEntry): string {
  const last = tries.at(-1);
  const by = last === undefined ? '' : ` by ${last.destination}`;
  const outcome = stateless ? `forwarded without state to ${last?.destination}` : `${code}${by} after ${ms} ms`;
  return `${method} from ${source}: ${outcome}${tries.length > 1 ? `, ${tries.length} tries` : ''}`;
}
