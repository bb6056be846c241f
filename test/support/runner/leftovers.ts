import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const MARK = 'SWITCHYARD_TEST_RUN';
const id = randomUUID();

// Every process of this run inherits the mark.
process.env[MARK] = id;

/**
 * Ends processes that the tests left running and returns a line for each; a process that is ending gets a second. Linux
 * only: elsewhere nothing is found.
 */
export async function leftBehind(): Promise<string[]> {
  let pids = marked();
  for (let i = 0; i < 20 && pids.length > 0; i++) {
    await delay(50);
    pids = marked();
  }
  return pids.map((pid) => {
    const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // The process has ended meanwhile.
    }
    return `FAILED: process ${pid} was left behind by the tests: ${command.slice(0, 200)}`;
  });
}

function marked(): number[] {
  if (!existsSync('/proc/self/environ')) return [];
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => read(`/proc/${name}/environ`).includes(`${MARK}=${id}`))
    .map(Number);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
