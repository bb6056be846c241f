import { type ChildProcess, fork } from 'node:child_process';

/** Starts a program in TypeScript as a process that inherits a descriptor (4 there), that of shared memory. */
export function forkSharing(program: string, fd: number): ChildProcess {
  return fork(program, [], { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'inherit', 'inherit', 'ipc', fd] });
}
