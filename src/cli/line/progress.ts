import type { CommandIo } from './io.js';

/** Milliseconds before the first line, and between two lines. */
const FIRST_MS = 500;
const STEP_MS = 200;

/** Shows the progress of long work on one terminal line, which is overwritten. */
export interface Progress {
  /** `done`: number of things; `part`: from 0 to 1, if the total is not a number of things. */
  at(done: number, part?: number): void;
  /** Removes the line. */
  end(): void;
}

/**
 * Shows count, rate and remaining time on standard error if that is a terminal. Short work shows nothing. `total`:
 * undefined when unknown.
 */
export function progress(
  io: Pick<CommandIo, 'err' | 'errTerminal'>,
  things: string,
  total: number | undefined,
  now: () => number = () => performance.now(),
): Progress {
  const { errTerminal } = io;
  if (errTerminal === undefined) return { at: () => {}, end: () => {} };
  const began = now();
  let next = began + FIRST_MS;
  let isShown = false;
  return {
    at(done, part = total === undefined || total === 0 ? undefined : done / total) {
      const time = now();
      if (time < next) return;
      next = time + STEP_MS;
      isShown = true;
      const line = progressLine(things, { done, total, part, seconds: (time - began) / 1000 });
      io.err(`\r${line.slice(0, errTerminal.columns - 1)}\x1b[K`);
    },
    end() {
      if (isShown) io.err('\r\x1b[K');
      isShown = false;
    },
  };
}

interface Reached {
  readonly done: number;
  readonly total: number | undefined;
  readonly part: number | undefined;
  readonly seconds: number;
}

/** "1200 of 100000 rows, 1 %, 2400/s, 41 s left" */
export function progressLine(things: string, { done, total, part, seconds }: Reached): string {
  const words = [`${done}${total === undefined ? '' : ` of ${total}`} ${things}`];
  if (part !== undefined) words.push(`${Math.floor(part * 100)} %`);
  if (seconds > 0) words.push(`${rate(done / seconds)}/s`);
  if (part !== undefined && part > 0) words.push(`${duration((seconds * (1 - part)) / part)} left`);
  return words.join(', ');
}

function rate(perSecond: number): string {
  return perSecond >= 10 ? String(Math.round(perSecond)) : perSecond.toFixed(1);
}

/** "7 s", "3 min 20 s", "2 h 5 min" */
function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
