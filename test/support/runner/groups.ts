import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import { pathToFileURL } from 'node:url';
import type { CompiledTests } from './compile.js';
import { type FileEvents, isFailedInside, isFile } from './results.js';

/**
 * A process costs 0.2 s of processor time, and its modules are loaded again; few large groups would end long after the
 * others.
 */
const MAX_GROUP = 16;

/**
 * Sources with these words have a process of their own: what they change or measure belongs to the whole process (its
 * environment, its end, its time, its memory, the clock of mocked timers).
 */
const OF_WHOLE_PROCESS =
  /\bprocess\.(?!pid\b|execPath\b|cwd\b|platform\b|version|nextTick\b|hrtime\b)|\bmock\b|\bglobalThis\b|\b(?:fork|spawn)\(|\b(?:memory|cpu|resource)Usage\b|\bassertLinear\b|\bperformance\.now\b|support\/growth/;

/**
 * Compiled test files in the order of their sources, those of unit/ in groups that share a process: hundreds of them
 * run for a shorter time than their start takes.
 */
export function groupsOf(tests: CompiledTests): string[][] {
  const unit = `${resolve('test/unit')}/`;
  const groups: string[][] = [];
  let open: string[] = [];
  for (const file of tests.files) {
    const source = tests.source(file);
    if (!source.startsWith(unit) || OF_WHOLE_PROCESS.test(readFileSync(source, 'utf8'))) {
      groups.push([file]);
      continue;
    }
    if (open.length === 0) groups.push(open);
    open.push(file);
    if (open.length === MAX_GROUP) open = [];
  }
  return groups;
}

/** Writes the program that runs the files one after another, each as a describe block with the path as its name. */
export function writeProgram(files: readonly string[], folder: string): string {
  const program = join(folder, `group-${groupCount++}.mjs`);
  const urls = files.map((file) => [file, pathToFileURL(file).href]);
  writeFileSync(
    program,
    `import { describe } from 'node:test';
for (const [file, url] of ${JSON.stringify(urls)}) await describe(file, async () => void (await import(url)));
`,
  );
  return program;
}

let groupCount = 0;

/** The events of a process that runs one file. */
export async function* whole(file: string, stream: AsyncIterable<TestEvent>): AsyncGenerator<FileEvents> {
  const started = performance.now();
  const events: TestEvent[] = [];
  let last = started;
  for await (const event of stream) {
    events.push(event);
    if (isResult(event) && !isFile(event.data.name, file)) last = performance.now();
  }
  const now = performance.now();
  yield { file, events, isCut: false, seconds: (now - started) / 1000, after: (now - last) / 1000 };
}

/**
 * The events of a process that runs a group, by file as if each had run alone. An error after the end of the tests, of
 * which only the process knows, is counted to the last file; the output has its place.
 */
export async function* byFile(
  program: string,
  stream: AsyncIterable<TestEvent>,
  files: readonly string[],
): AsyncGenerator<FileEvents> {
  let current: OpenFile | undefined;
  let last: FileEvents | undefined;
  let lastAt = performance.now();
  const after: TestEvent[] = [];
  for await (const event of stream) {
    const { name, nesting } = event.data as { name?: string; nesting?: number };
    const isBlock = nesting === 0 && name !== undefined && files.includes(name);
    if (isBlock && event.type === 'test:enqueue') {
      if (last !== undefined) yield last;
      last = undefined;
      current = { file: name, events: [], started: performance.now() };
    } else if (isBlock && current !== undefined) {
      if (event.type === 'test:fail' && !isFailedInside(event.data.details.error)) current.events.push(event);
      if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
      last = ended(current, false);
      lastAt = performance.now();
      current = undefined;
    } else if (nesting === 0) {
      if (event.type === 'test:diagnostic' || (event.type === 'test:fail' && isFile(name ?? '', program)))
        after.push(event);
    } else {
      const events = current?.events ?? after;
      events.push(nesting === undefined ? event : raised(event, nesting - 1));
    }
  }
  if (current !== undefined) last = ended(current, true);
  // A process that was killed, or could not be started, may report none of its files.
  last ??= { file: files[0] as string, events: [], isCut: true, seconds: 0 };
  const { file, events } = last;
  yield {
    ...last,
    after: (performance.now() - lastAt) / 1000,
    events: [...events, ...after.map((event) => ({ ...event, data: { ...event.data, name: file } }) as TestEvent)],
  };
}

const isResult = (event: TestEvent): event is Extract<TestEvent, { type: 'test:pass' | 'test:fail' }> =>
  event.type === 'test:pass' || event.type === 'test:fail';

interface OpenFile {
  readonly file: string;
  readonly events: TestEvent[];
  readonly started: number;
}

function ended({ file, events, started }: OpenFile, isCut: boolean): FileEvents {
  return { file, events, isCut, seconds: (performance.now() - started) / 1000 };
}

function raised(event: TestEvent, nesting: number): TestEvent {
  return { ...event, data: { ...event.data, nesting } } as TestEvent;
}
