import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Maximum number of characters kept of a child's stdout and of its stderr. */
const OUTPUT_LIMIT = 200_000;

/** Children that must end with this process. */
const alive = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** A child process that is ended with this process; the beginning of its output is kept. */
export class Child {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Resolves with the exit status when the process has ended, with null when a signal ended it. Never rejects. */
  readonly exited: Promise<number | null>;
  stdout = '';
  stderr = '';

  constructor(
    readonly command: string,
    args: readonly string[],
    options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
  ) {
    this.process = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    this.exited = new Promise((resolve) => {
      this.process.once('error', (error) => {
        this.stderr += `${error.message}\n`;
        resolve(127);
      });
      this.process.once('close', (code) => resolve(code));
    });
    this.process.stdout?.setEncoding('latin1').on('data', (text: string) => {
      if (this.stdout.length < OUTPUT_LIMIT) this.stdout += text;
    });
    this.process.stderr?.setEncoding('latin1').on('data', (text: string) => {
      if (this.stderr.length < OUTPUT_LIMIT) this.stderr += text;
    });
    this.pid = this.process.pid ?? -1;
    alive.add(this.process);
    void this.exited.then(() => alive.delete(this.process));
  }

  get running(): boolean {
    return this.pid > 0 && this.process.exitCode === null && this.process.signalCode === null;
  }

  /** Sends `signal`, and SIGKILL when the process still runs after `graceMs`; resolves with its exit status. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', graceMs = 3000): Promise<number | null> {
    if (this.running) this.process.kill(signal);
    const timer = setTimeout(() => this.process.kill('SIGKILL'), graceMs);
    const code = await this.exited;
    clearTimeout(timer);
    return code;
  }

  /** Waits until `ready` returns true. Throws with the child's output when it ends first or `timeoutMs` pass. */
  async until(ready: () => boolean | Promise<boolean>, timeoutMs: number, what: string): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!(await ready())) {
      if (!this.running) throw new Error(`${what}: ${this.command} ended early: ${this.said()}`);
      if (performance.now() > deadline) {
        throw new Error(`${what}: ${this.command} not ready after ${timeoutMs} ms: ${this.said()}`);
      }
      await sleep(10);
    }
  }

  /** The last lines of its output for error messages. */
  said(): string {
    return `${this.stdout}\n${this.stderr}`.trim().split('\n').slice(-12).join('\n');
  }
}

/** Whether a process has bound `port` for the transport, according to the kernel's socket tables (Linux). */
export async function isBound(port: number, transport: 'udp' | 'tcp'): Promise<boolean> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  for (const table of [transport, `${transport}6`]) {
    const text = await readFile(`/proc/net/${table}`, 'latin1').catch(() => '');
    for (const line of text.split('\n')) {
      const [, local, , state] = line.trim().split(/\s+/);
      // State 07 is an unconnected UDP socket, 0A a listening TCP socket.
      if (local?.endsWith(`:${hex}`) && (state === '07' || state === '0A')) return true;
    }
  }
  return false;
}
