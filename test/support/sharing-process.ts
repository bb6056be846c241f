import { type ChildProcess, fork } from 'node:child_process';
import { programArguments } from './program.js';

/** Starts a program of the tests as a process that inherits a descriptor (4 there), that of shared memory. */
export function forkSharing(program: string, fd: number): ChildProcess {
  const execArgv = programArguments(program);
  const path = execArgv.pop() as string;
  return fork(path, [], { execArgv, stdio: ['ignore', 'inherit', 'inherit', 'ipc', fd] });
}
