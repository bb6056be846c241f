import { unbounded } from '../../src/access/caller.js';
import type { EventSubscriptions } from '../../src/management/mi/dependencies.js';
import type { FifoFraming } from '../../src/management/mi/fifo-framing.js';
import { type MiFixture, makeMiFixture, type recordedRows } from './mi-fixture.js';
import type { Transcript } from './mi-transcript.js';

/** Answer of the handler to a recorded request at its endpoint; for the FIFO everything written to the reply FIFO. */
export async function replay(fixture: MiFixture, framing: FifoFraming, one: Transcript): Promise<string | undefined> {
  if (one.endpoint === 'datagram') return fixture.handler.handle(one.request, unbounded('datagram'));
  let answers = '';
  for (const item of framing.push(Buffer.from(one.request))) {
    let answer: string | undefined;
    if (item.kind === 'json') answer = await fixture.handler.handle(item.body, unbounded('fifo'));
    else if (item.kind === 'text')
      answer = (await fixture.handler.answerText(item.request, unbounded('fifo'))).join('');
    if (answer !== undefined && item.reply !== '') answers += answer;
  }
  return answers === '' ? undefined : answers;
}

/** Sets the clock to the time at which an `uptime` answer was recorded. */
export function setRecordedTime(fixture: MiFixture, answer: string | undefined): void {
  const now = /Now"?::? ?"?(\w+ \w+ +\d+ [\d:]+ \d+)/.exec(answer ?? '')?.[1];
  if (now !== undefined) fixture.clock.setWallClock(new Date(now).getTime());
}

/** Data of the recorded program that appear in answers. */
interface RecordedProgram {
  /** Milliseconds since the epoch; default: when the fixture is made. */
  readonly startedAt?: number;
  readonly argv: string;
  /** Id of its first process; those of the others follow. */
  readonly pid: number;
  /** The type of the processes that read the SIP socket. */
  readonly receiver: string;
  readonly events: readonly string[];
  /** Statistics of the group core, all 0 except the time stamp. */
  readonly statistics: string;
  readonly timestamp: number;
  readonly rows?: ReturnType<typeof recordedRows>;
}

/** The management interface of a daemon with the data of the recorded program. */
export function recordedFixture(program: RecordedProgram): MiFixture {
  const plain = makeMiFixture();
  const { startedAt = plain.clock.now(), argv, pid, receiver, statistics, timestamp, rows } = program;
  const types = ['attendant', 'MI Datagram', 'MI FIFO', 'time_keeper', 'timer', receiver, 'Timer handler'];
  const fixture: MiFixture = makeMiFixture({
    ...(rows === undefined ? {} : { rows }),
    deps: {
      process: {
        version: '0.1.0',
        platform: 'x86_64/linux',
        workingDirectory: () => 'run',
        now: () => fixture.clock.now(),
        startedAt,
        argv: argv.split(' '),
        processes: () => types.map((type, id) => ({ id, pid: pid + id, type })),
      },
      events: withRecordedEvents(plain.publisher, program.events),
    },
  });
  const names = statistics.split(' ');
  fixture.statistics.push(
    ...names.map((name) => ({ group: 'core', name, value: () => (name === 'timestamp' ? timestamp : 0) })),
  );
  return fixture;
}

/** The event bus with the recorded numbers of events, since each program has its own list of events. */
function withRecordedEvents(bus: EventSubscriptions, names: readonly string[]): EventSubscriptions {
  const renumber = <T>(value: T): T =>
    JSON.parse(JSON.stringify(value), (key, member: unknown) =>
      key === 'id' ? names.indexOf('E_DISPATCHER_STATUS') : member,
    ) as T;
  return {
    events: () => ({ Events: names.map((name, id) => ({ name, id })) }),
    subscribe: (...values) => bus.subscribe(...values),
    subscribers: (...values) => {
      const answer = bus.subscribers(...values);
      return answer === undefined ? undefined : renumber(answer);
    },
  };
}
