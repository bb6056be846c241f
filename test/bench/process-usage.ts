import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second of the times in /proc/PID/stat. */
const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'latin1' }));

interface Stat {
  readonly parent: number;
  /** User and system time of all threads of the process in clock ticks. */
  readonly ticks: number;
}

function readStat(pid: number): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The command name may contain spaces and parentheses; the fields begin after the last parenthesis (proc(5)).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
}

/** A process and its present descendants. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const parent = readStat(pid)?.parent;
    if (parent === undefined) continue;
    const list = children.get(parent);
    if (list === undefined) children.set(parent, [pid]);
    else list.push(pid);
  }
  const tree = [root];
  for (let i = 0; i < tree.length; i++) tree.push(...(children.get(tree[i] as number) ?? []));
  return tree;
}

/**
 * User and system time that a process and its descendants have used, in microseconds with the resolution of a clock
 * tick.
 */
export function cpuMicros(root: number): number {
  let ticks = 0;
  for (const pid of processTree(root)) ticks += readStat(pid)?.ticks ?? 0;
  return (ticks * 1e6) / TICKS;
}

/**
 * Milliseconds of a look, the part of a processor below which processes count as idle, and how many looks must say so.
 */
const LOOK_MS = 500;
const IDLE = 0.03;
const IDLE_LOOKS = 8;

/**
 * Waits until a process and its descendants use next to nothing, so that warm-up calls, and what is loaded after the
 * start, are not measured. Throws when they are still busy after `timeoutMs`.
 */
export async function untilIdle(root: number, timeoutMs: number): Promise<void> {
  const until = performance.now() + timeoutMs;
  let idle = 0;
  let [before, at] = [cpuMicros(root), performance.now()];
  while (idle < IDLE_LOOKS) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const [used, now] = [cpuMicros(root), performance.now()];
    idle = used - before < IDLE * 1000 * (now - at) ? idle + 1 : 0;
    [before, at] = [used, now];
    if (idle === 0 && now > until) throw new Error(`process ${root} is still busy after ${timeoutMs} ms`);
  }
}

/** User and system time that one process has used, microseconds. */
export function ownCpuMicros(pid: number): number {
  return ((readStat(pid)?.ticks ?? 0) * 1e6) / TICKS;
}

/** Resident memory of one process, bytes. */
export function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Number(kib ?? 0) * 1024;
}
