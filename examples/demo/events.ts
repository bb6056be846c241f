import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'nats';

/** A status event as it came, and when. */
export interface SeenEvent {
  readonly at: number;
  readonly partition: string;
  readonly address: string;
  readonly status: string;
  /** The text as it came. */
  readonly text: string;
}

/** A subscription, with the events received so far. */
export interface EventWatch {
  /** How events arrive, for display. */
  readonly way: string;
  readonly seen: readonly SeenEvent[];
  close(): Promise<void>;
}

/** Subscribes with the npm package `nats` alone, as a program of a third party would. */
export async function watchNats(url: string, prefix: string): Promise<EventWatch> {
  const connection = await connect({ servers: url, maxReconnectAttempts: 0, timeout: 5000 });
  const seen: SeenEvent[] = [];
  const subject = `${prefix}.E_DISPATCHER_STATUS.>`;
  connection.subscribe(subject, {
    callback: (error, message) => {
      if (error === null) seen.push(read(message.string()));
    },
  });
  await connection.flush();
  return { way: `NATS, subject ${subject}`, seen, close: () => connection.close() };
}

/** Receives events on a UDP port of its own; `subscribe` asks the daemon to send them there. */
export async function watchDatagrams(subscribe: (target: string) => Promise<void>): Promise<EventWatch> {
  const socket = createSocket('udp4');
  const seen: SeenEvent[] = [];
  socket.on('message', (data) => seen.push(read(data.toString())));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  await subscribe(`udp:127.0.0.1:${socket.address().port}`);
  return {
    way: 'event_subscribe and a UDP datagram (no NATS server was found)',
    seen,
    close: async () => {
      socket.close();
    },
  };
}

function read(text: string): SeenEvent {
  const { params } = JSON.parse(text) as { params: Record<string, unknown> };
  const field = (name: string) => String(params[name] ?? '');
  return {
    at: performance.now(),
    partition: field('partition'),
    address: field('address'),
    status: field('status'),
    text,
  };
}
