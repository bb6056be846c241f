import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Configuration, Refused, type Running, type ScriptLine, type Target } from './target.js';

/** Maximum time in milliseconds until an original has bound its sockets. */
const START_MS = 8000;

/** Runs the original that is installed on this machine: one process for each case, as in the recording. */
export class OriginalTarget implements Target {
  private count = 0;

  constructor(readonly name: 'opensips' | 'kamailio') {
    const { error } = spawnSync(name, ['-v'], { stdio: 'ignore' });
    if (error !== undefined) throw new Error(`${name} is not installed: ${error.message}`);
  }

  async start(configuration: Configuration, log: (line: ScriptLine) => void): Promise<Running> {
    const { folder, text } = configuration;
    const file = join(folder, `original-${++this.count}.cfg`);
    await writeFile(file, text, 'latin1');
    await this.check(file, configuration);
    const env = { ...process.env, ...configuration.env };
    const args =
      this.name === 'kamailio'
        ? ['-f', file, '-DD', '-E', '-m', '64', '-M', '8', '-w', folder, '-Y', folder, ...configuration.args]
        : ['-f', file, '-F', '-m', '64', '-M', '8', '-w', folder, ...configuration.args];
    const child = spawn(this.name, args, { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'], detached: true });
    const errors: string[] = [];
    const lines = new LogLines(log, (fault) => errors.push(fault));
    let rest = '';
    child.stderr.on('data', (data: Buffer) => {
      const parts = (rest + data.toString('latin1')).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) for (const line of part.split(ONE_LINE)) lines.add(line);
    });
    // Resolves when all output has been read.
    const exited = once(child, 'close');
    const bound = await this.bound(configuration, child, exited);
    if (!bound) {
      await stop(child, exited);
      throw new Refused(errors.slice(0, 5).join('; ') || 'did not start', undefined, 'start');
    }
    let stopped: Promise<void> | undefined;
    const end = async (): Promise<void> => {
      await stop(child, exited);
      // Output of a script without a final line break.
      if (rest !== '') for (const line of rest.split(ONE_LINE)) lines.add(line);
      lines.flush();
    };
    return {
      crashed: () => lines.crashed,
      proxyMissed: () => lines.proxyMissed,
      settled: async () => {
        if (await settled(child.pid, () => lines.crashed)) lines.crashed = true;
      },
      stop: () => (stopped ??= end()),
    };
  }

  private async check(file: string, { folder, args, env }: Configuration): Promise<void> {
    const child = spawn(this.name, [this.name === 'kamailio' ? '-c' : '-C', '-f', file, ...args], {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let text = '';
    child.stderr.on('data', (data: Buffer) => {
      text += data.toString('latin1');
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code === 0) return;
    throw new Refused(text.slice(-500), lineOf(text), 'check');
  }

  /** Waits until the sockets are bound and the workers have started; false when the process has ended. */
  private async bound({ text }: Configuration, child: ChildProcess, exited: Promise<unknown>): Promise<boolean> {
    const wanted = [...text.matchAll(/^(?:listen|socket)=udp:([0-9.]+):([0-9]+)/gm)].map(
      ([, address = '', port = '']) =>
        `${hexAddress(address)}:${Number(port).toString(16).toUpperCase().padStart(4, '0')}`,
    );
    let ended = false;
    void exited.then(() => {
      ended = true;
    });
    const end = performance.now() + START_MS;
    while (performance.now() < end && !ended) {
      const table = await readFile('/proc/net/udp', 'latin1');
      if (wanted.every((each) => table.includes(each))) {
        await wait(400);
        return !ended && child.exitCode === null;
      }
      await wait(30);
    }
    return false;
  }
}

/**
 * Waits until a worker that is crashing has been reported, 5 s at most: writing its core dump takes a while. Returns
 * whether one was still ending then.
 */
async function settled(pid: number | undefined, reported: () => boolean): Promise<boolean> {
  for (let n = 0; n < 50 && !reported(); n++) {
    if (!(await isEnding(pid))) return false;
    await wait(100);
  }
  return !reported();
}

/** Whether one of its child processes is writing a core dump, has released its memory, or has ended. */
async function isEnding(pid: number | undefined): Promise<boolean> {
  const text = (file: string) => readFile(file, 'utf8').catch(() => '');
  const children = (await text(`/proc/${pid}/task/${pid}/children`)).split(' ').filter((each) => each !== '');
  const states = await Promise.all(children.map((each) => text(`/proc/${each}/status`)));
  return states.some((each) => each !== '' && !/^CoreDumping:\s*0$/m.test(each));
}

/** The line that an original reports for an error; where the file ends too early, its last line. */
function lineOf(text: string): number | undefined {
  const found = / to line (\d+), column 0: /.exec(text) ?? /error in config file [^\n]*?line (\d+)/.exec(text);
  if (found !== null) return Number(found[1]);
  // For a directive the next line is reported.
  const directive = /invalid position for preprocessor directive 'endif'[^\n]*?line (\d+)/.exec(text)?.[1];
  if (directive !== undefined) return Number(directive) - 1;
  // For a missing "#!endif" no line is reported; the log before it has warnings only.
  if (text.includes('more #!if[n]def as #!endif')) return undefined;
  const line = /line (\d+)/.exec(text)?.[1];
  return line === undefined ? undefined : Number(line);
}

/** Reads script output from the log of an original; a text with line breaks comes in several lines. */
class LogLines {
  private pending: [string, string] | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** One of the processes of the original has died. */
  crashed = false;
  /** Its media proxy did not answer the ping in time. */
  proxyMissed = false;

  constructor(
    private readonly log: (line: ScriptLine) => void,
    private readonly fault: (text: string) => void,
  ) {}

  add(line: string): void {
    const script = SCRIPT_LINE.exec(line);
    if (script === null && this.pending !== undefined && !/^ *\d+\(\d+\) /.test(line)) {
      this.pending[1] += `${line}\n`;
      return;
    }
    this.flush();
    if (script !== null) {
      this.pending = [script[1] ?? '', `${script[2] ?? ''}\n`];
      this.timer = setTimeout(() => this.flush(), 15);
      return;
    }
    if (/ALERT: .*exited by a signal/.test(line)) this.crashed = true;
    if (line.includes('did not respond to ping')) this.proxyMissed = true;
    const fault = /^.*?\b(?:ERROR|CRITICAL):? ([^\n]*)$/.exec(line)?.[1];
    if (fault !== undefined) this.fault(fault);
  }

  flush(): void {
    clearTimeout(this.timer);
    if (this.pending !== undefined) this.log(this.pending);
    this.pending = undefined;
  }
}

/** Where the next log entry begins on a line that a script did not end. */
const ONE_LINE = /(?<=.)(?= \d+\(\d+\) [A-Z]+: )/;
/** "<level>: ... <script>: text" of Kamailio, "<level>:xlog? text" of OpenSIPS. */
const SCRIPT_LINE = /\b(ALERT|BUG|CRITICAL|ERROR|WARNING|NOTICE|INFO|DEBUG): (?:\{[^}]*\} )?<script>: ([^\n]*)$/;

function hexAddress(address: string): string {
  return address
    .split('.')
    .reverse()
    .map((part) => Number(part).toString(16).toUpperCase().padStart(2, '0'))
    .join('');
}

/** Ends a process and its children, which form a process group. */
async function stop(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return;
  const kill = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-pid, signal);
    } catch {
      // The process has already ended.
    }
  };
  kill('SIGTERM');
  const timer = setTimeout(() => kill('SIGKILL'), 3000);
  await exited;
  clearTimeout(timer);
  kill('SIGKILL');
}
