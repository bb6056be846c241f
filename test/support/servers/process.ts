import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A server that the tests started. */
export interface RunningServer {
  readonly url: string;
  readonly port: number;
  /** Its data and its log. */
  readonly dir: string;
  readonly pid: number;
  /** Whether it still runs. */
  readonly alive: boolean;
  /** Stops it in order and waits; does nothing when it has already ended. */
  stop(): Promise<void>;
  /** Kills it, as in a crash, and waits. */
  kill(): Promise<void>;
}

export interface ServerOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly url: string;
  readonly port: number;
  readonly dir: string;
  readonly account?: { readonly uid: number; readonly gid: number } | undefined;
  readonly stopSignal: NodeJS.Signals;
  /** Polled every 25 ms until true. */
  readonly ready: () => Promise<boolean>;
  readonly readyMs: number;
}

const SETPRIV = '/usr/bin/setpriv';

/**
 * Starts a server and waits until it is ready; its output goes to a log in its folder, whose last lines are in the
 * error when it fails.
 */
export async function startProcess(options: ServerOptions): Promise<RunningServer> {
  const logFile = join(options.dir, `${options.name}.log`);
  const log = openSync(logFile, 'a');
  let command = options.command;
  let args = [...options.args];
  if (existsSync(SETPRIV)) {
    // The server ends with this process, even if that is killed.
    args = ['--pdeathsig', 'KILL', '--', command, ...args];
    command = SETPRIV;
  }
  const child = spawn(command, args, {
    cwd: options.dir,
    stdio: ['ignore', log, log],
    ...(options.account ?? {}),
  });
  closeSync(log);
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  child.unref();
  const isAlive = () => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  const deadline = performance.now() + options.readyMs;
  while (!(await options.ready())) {
    if (!isAlive() || performance.now() > deadline) {
      if (isAlive()) child.kill('SIGKILL');
      const why = performance.now() > deadline ? `was not ready within ${options.readyMs} ms` : 'ended at once';
      throw new Error(`${options.name} ${why}:\n${readFileSync(logFile, 'utf8').slice(-2000)}`);
    }
    await delay(25);
  }
  return {
    url: options.url,
    port: options.port,
    dir: options.dir,
    pid: child.pid as number,
    get alive() {
      return isAlive();
    },
    stop: () => end(child, gone, isAlive, options.stopSignal),
    kill: () => end(child, gone, isAlive, 'SIGKILL'),
  };
}

async function end(child: ChildProcess, gone: Promise<void>, isAlive: () => boolean, signal: NodeJS.Signals) {
  if (!isAlive()) return;
  child.ref();
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), 8000);
  await gone;
  clearTimeout(timer);
}

/** Whether something accepts connections on a loopback port and, with `greeting`, whether its first bytes match. */
export function answers(port: number, greeting?: RegExp): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (yes: boolean) => {
      socket.destroy();
      resolve(yes);
    };
    socket.setTimeout(1000, () => settle(false));
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
    if (greeting === undefined) socket.once('connect', () => settle(true));
    else socket.once('data', (data) => settle(greeting.test(data.toString('latin1'))));
  });
}
