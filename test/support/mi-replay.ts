import { unbounded } from '../../src/access/caller.js';
import type { EventSubscriptions, ProcessInfo, Statistic } from '../../src/management/mi/dependencies.js';
import type { FifoFraming } from '../../src/management/mi/fifo-framing.js';
import type { MiFixture } from './mi-fixture.js';
import type { Transcript } from './mi-transcript.js';

/** What the handler answers to a recorded request at its endpoint; on the FIFO everything written to the reply FIFO. */
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

/** Sets the clock to the time an `uptime` answer was recorded at. */
export function setRecordedTime(fixture: MiFixture, answer: string | undefined): void {
  const now = /Now"?::? ?"?(\w+ \w+ +\d+ [\d:]+ \d+)/.exec(answer ?? '')?.[1];
  if (now !== undefined) fixture.clock.setWallClock(new Date(now).getTime());
}

/** The process the recordings were made with. */
export function recordedProcess(
  values: Pick<ProcessInfo, 'argv' | 'processes' | 'startedAt'>,
): (now: () => number) => ProcessInfo {
  return (now) => ({ version: '0.1.0', platform: 'x86_64/linux', workingDirectory: () => 'run', now, ...values });
}

/** The event bus with the numbers events had in the recording: which events there are is each program's own affair. */
export function withRecordedEvents(bus: EventSubscriptions, names: readonly string[]): EventSubscriptions {
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

/** Statistics of one group, all zero but those given. */
export function zeroStatistics(group: string, names: readonly string[], values: Record<string, number>): Statistic[] {
  return names.map((name) => ({ group, name, value: () => values[name] ?? 0 }));
}
