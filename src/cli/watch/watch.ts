import { createSocket } from 'node:dgram';
import { systemClock } from '../../core/clock.js';
import { SwitchyardError } from '../../core/errors.js';
import { createLogger } from '../../daemon/logger.js';
import { plainNats } from '../../events/sinks/nats-settings.js';
import { watchNats } from '../../events/sinks/nats-watch.js';
import { parseEvent, renderEvent, type WatchedEvent } from '../../events/watch.js';
import { interrupted } from '../line/interrupted.js';
import type { CommandIo } from '../line/io.js';
import { callMi } from '../mi/client.js';
import { settingsFor } from '../settings.js';

interface WatchOptions {
  readonly config?: string | undefined;
  readonly nats?: string | undefined;
  readonly to?: string | undefined;
  readonly partition?: string | undefined;
  readonly json?: boolean | undefined;
}

/** switchyard watch: prints events until `signal` aborts. Returns the exit status. */
export async function watch(
  options: WatchOptions,
  io: CommandIo,
  signal: AbortSignal = interrupted(),
): Promise<number> {
  const print = (event: WatchedEvent, raw: string): void =>
    io.out(options.json === true ? `${raw}\n` : `${renderEvent(event)}\n`);
  const { to, nats: url, partition } = options;
  if (to !== undefined) return watchDatagrams(to, print, signal);
  const settings = url === undefined ? settingsFor(options.config, io).events.nats : plainNats(url);
  if (settings === undefined) {
    throw new SwitchyardError('USAGE', 'no NATS server is configured: give --nats URL or --to TARGET');
  }
  const how = {
    clock: systemClock,
    log: createLogger('warn'),
    signal,
    ...(partition === undefined ? {} : { partition }),
  };
  for await (const event of watchNats(settings, how)) print(event, JSON.stringify(event));
  return 0;
}

async function watchDatagrams(
  target: string,
  print: (event: WatchedEvent, raw: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  socket.on('message', (data) => {
    const raw = data.toString('utf8');
    const event = parseEvent(raw);
    if (event !== undefined) print(event, raw);
  });
  const socketName = `udp:127.0.0.1:${socket.address().port}`;
  const subscribe = (expire: number) =>
    callMi(target, 'event_subscribe', { event: 'E_DISPATCHER_STATUS', socket: socketName, expire });
  try {
    await subscribe(120);
    const renew = setInterval(() => void subscribe(120).catch(() => {}), 60_000);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    clearInterval(renew);
    await subscribe(0).catch(() => {});
  } finally {
    socket.close();
  }
  return 0;
}
