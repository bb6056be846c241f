import { Readable } from 'node:stream';
import { spec, type TestEvent } from 'node:test/reporters';

/** What a file has reported. */
export interface FileEvents {
  /** Its path, compiled. */
  readonly file: string;
  readonly events: readonly TestEvent[];
  /** Its process ended before its tests. */
  readonly isCut: boolean;
  readonly seconds: number;
  /** How long its process went on after its last test, in seconds. */
  readonly after?: number;
}

/** Results of one file. */
export interface FileResults {
  readonly passed: number;
  readonly skipped: number;
  /** Names of failed tests. */
  readonly failed: readonly string[];
  /** As people read it. */
  readonly output: string;
}

/** Counts the tests of a file, and what is wrong with the file itself. */
export async function resultsOf({ file, events, isCut }: FileEvents): Promise<FileResults> {
  let passed = 0;
  let skipped = 0;
  const failed: string[] = [];
  let isEmpty = true;
  /** Tests and describe blocks of the file that have not ended. */
  let open = 0;
  for (const event of events) {
    if (event.type === 'test:enqueue') {
      if (event.data.nesting === 0 && !isFile(event.data.name, file)) open++;
    } else if (event.type === 'test:pass' || event.type === 'test:fail') {
      const { name, nesting } = event.data;
      if (nesting === 0 && !isFile(name, file)) open--;
      const isSkipped = event.data.todo !== undefined || (event.type === 'test:pass' && event.data.skip !== undefined);
      if (isSkipped) skipped++;
      else if (event.type === 'test:fail') failed.push(...failureOf(event.data, file));
      else if (isContainer(event.data, file)) continue;
      else passed++;
      isEmpty = false;
    }
  }
  if (isEmpty) failed.push('no test ran');
  else if ((open > 0 || isCut) && failed.length === 0) failed.push(`ended before ${Math.max(1, open)} of its tests`);
  let output = '';
  for await (const text of Readable.from(events.filter(isShown)).pipe(new spec())) output += text;
  return { passed, skipped, failed, output };
}

/**
 * The name of what failed; none for a container that failed only because of a test inside it, which has been counted.
 */
function failureOf(data: { name: string; details: { error: unknown } }, file: string): string[] {
  const within = isContainer(data, file) && isFailedInside(data.details.error);
  return within ? [] : [isFile(data.name, file) ? 'the file' : data.name];
}

/** A sum over the file, such as "pass 3": each file would print eight of them. */
const SUM = /^(?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [0-9.]+$/;

const isShown = (event: TestEvent): boolean => event.type !== 'test:diagnostic' || !SUM.test(event.data.message);

/** Whether a result is that of the whole file. */
export function isFile(name: string, file: string): boolean {
  return file === name || file.endsWith(`/${name}`);
}

/** A describe block or a whole file: its tests are counted instead. */
function isContainer(data: { name: string; details: object }, file: string): boolean {
  return (data.details as { type?: string }).type === 'suite' || isFile(data.name, file);
}

/** Whether a container failed only because of a test inside it. */
export function isFailedInside(error: unknown): boolean {
  return (error as { failureType?: string } | undefined)?.failureType === 'subtestsFailed';
}
