import { fileURLToPath } from 'node:url';
import { Child } from '../support/child-process.js';

const GENERATOR = fileURLToPath(new URL('./call-generator.ts', import.meta.url));
/** Milliseconds until the generator is ready, on a busy machine. */
const READY_MS = 30_000;

/** What the generator of calls says at its end. */
export interface GeneratedCalls {
  readonly placed: number;
  readonly completed: number;
  /** Requests repeated for want of an answer. */
  readonly repeated: number;
  /** CPU microseconds of the generator itself. */
  readonly micros: number;
}

/** Starts the generator: so many calls a second to the proxy at a port, answered at two others. Resolves when it begins. */
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

/** Waits until a generator has ended. Throws when it has not said what it did. */
export async function generatedCalls(generator: Child): Promise<GeneratedCalls> {
  await generator.exited;
  const [, line] = generator.stdout.split('\n');
  if (line === undefined || line === '') throw new Error(`the generator of calls ended early: ${generator.said()}`);
  return JSON.parse(line) as GeneratedCalls;
}

/** Runs something with each of several kinds, round by round, and in the other order every second time. */
export async function inRounds<T>(rounds: number, kinds: readonly T[], run: (kind: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < rounds; i++) for (const each of i % 2 === 0 ? kinds : [...kinds].reverse()) await run(each);
}
