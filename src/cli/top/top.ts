import type { ReadStream } from 'node:tty';
import { type Clock, systemClock } from '../../core/clock.js';
import { messageOf } from '../../core/errors.js';
import type { CommandIo } from '../line/io.js';
import { callMi } from '../mi/client.js';
import { endpointFor } from '../mi/mi.js';
import { hitsOf, type Listing, linesOf, type ScreenLine, screen } from './screen.js';

interface TopOptions {
  readonly config?: string | undefined;
  readonly to?: string | undefined;
  readonly partition?: string | undefined;
  readonly interval?: number | undefined;
  readonly once?: boolean | undefined;
}

const ALTERNATE_SCREEN = '\x1b[?1049h\x1b[?25l';
const USUAL_SCREEN = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/** switchyard top: shows a daemon's destinations as a table that refreshes. Returns the exit status. */
export async function top(options: TopOptions, io: CommandIo, clock: Clock = systemClock): Promise<number> {
  const endpoint = await endpointFor(options);
  const params = { full: 2, ...(options.partition === undefined ? {} : { partition: options.partition }) };
  const read = async () =>
    (await callMi(endpoint.target, 'ds_list', params, {
      ...(endpoint.replyDir === undefined ? {} : { replyDir: endpoint.replyDir }),
    })) as unknown as Listing;
  const { terminal } = io;
  if (terminal === undefined || options.once === true) {
    const lines = linesOf(await read(), new Map(), 1);
    const table = screen(lines, { columns: 200, rows: 1e9, color: false, from: 0, now: clock.now(), message: '' });
    io.out(`${table.join('\n')}\n`);
    return 0;
  }

  let before: ReadonlyMap<string, number> = new Map();
  let readAt = 0;
  let lines: readonly ScreenLine[] = [];
  let message = '';
  let from = 0;
  const draw = () => {
    const { columns = 80, rows = 24 } = process.stdout;
    const options = { columns, rows, color: terminal.color, from, now: clock.now(), message };
    io.out(`${HOME}${screen(lines, options).join(`${CLEAR_LINE}\n`)}${CLEAR_LINE}${CLEAR_BELOW}`);
  };
  const refresh = async () => {
    try {
      const listing = await read();
      const now = clock.monotonic();
      lines = linesOf(listing, before, Math.max((now - readAt) / 1000, 0.1));
      before = hitsOf(listing);
      readAt = now;
      message = '';
    } catch (error) {
      message = messageOf(error);
    }
    draw();
  };

  const ended = new AbortController();
  const keys = io.stdin as ReadStream;
  const onKey = (data: Buffer) => {
    const key = data.toString('latin1');
    const page = Math.max((process.stdout.rows ?? 24) - 4, 1);
    if (key === 'q' || key === '\x03' || key === '\x1b') ended.abort();
    else if (key === '\x1b[A' || key === 'k') from = Math.max(from - 1, 0);
    else if (key === '\x1b[B' || key === 'j') from = Math.min(from + 1, Math.max(lines.length - 1, 0));
    else if (key === '\x1b[5~') from = Math.max(from - page, 0);
    else if (key === '\x1b[6~') from = Math.min(from + page, Math.max(lines.length - 1, 0));
    if (!ended.signal.aborted) draw();
  };
  const stop = () => ended.abort();
  io.out(ALTERNATE_SCREEN);
  keys.setRawMode?.(true);
  keys.on('data', onKey);
  process.on('SIGINT', stop).on('SIGTERM', stop);
  process.stdout.on('resize', draw);
  try {
    while (!ended.signal.aborted) {
      await refresh();
      await pause((options.interval ?? 1) * 1000, ended.signal);
    }
  } finally {
    keys.off('data', onKey);
    keys.setRawMode?.(false);
    keys.pause();
    process.off('SIGINT', stop).off('SIGTERM', stop);
    process.stdout.off('resize', draw);
    io.out(USUAL_SCREEN);
  }
  return 0;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
