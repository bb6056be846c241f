import { fileURLToPath } from 'node:url';
import { Child } from '../support/child-process.js';

const GENERATOR = fileURLToPath(new URL('./call-generator.ts', import.meta.url));
/** Milliseconds the generator may take to start on a busy machine. */
const READY_MS = 30_000;

/** Final report of the call generator. */
export interface GeneratedCalls {
  readonly placed: number;
  readonly completed: number;
  /** Requests repeated because no answer came. */
  readonly repeated: number;
  /** CPU microseconds of the generator itself. */
  readonly micros: number;
}

/**
 * Starts the generator with a rate in calls per second, the port of the proxy and the two ports it answers at. Resolves
 * when calls begin.
 */
export async function startGenerator(
  port: number,
  answerPorts: readonly [number, number],
  rate: number,
  seconds: number,
): Promise<Child> {
  const args = [port, rate, seconds, ...answerPorts].map(String);
  const child = new Child(process.execPath, ['--import', 'tsx', GENERATOR, ...args]);
  await child.until(() => child.stdout.includes('ready'), READY_MS, 'the generator of calls');
  return child;
}

/** Waits until a generator has ended. Throws when there is no report. */
export async function generatedCalls(generator: Child): Promise<GeneratedCalls> {
  await generator.exited;
  const [, line] = generator.stdout.split('\n');
  if (line === undefined || line === '') throw new Error(`the generator of calls ended early: ${generator.said()}`);
  return JSON.parse(line) as GeneratedCalls;
}

/** Runs something with each of several kinds, round by round; every second round in reverse order. */
export async function inRounds<T>(rounds: number, kinds: readonly T[], run: (kind: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < rounds; i++) for (const each of i % 2 === 0 ? kinds : [...kinds].reverse()) await run(each);
}
