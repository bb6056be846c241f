import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DgramSocket } from 'node-unix-socket';
import { unbounded } from '../../src/access/caller.js';
import { systemClock } from '../../src/core/clock.js';
import { nullLogger } from '../../src/core/logger.js';
import { DatagramEndpoint } from '../../src/management/endpoints/datagram.js';
import { FifoEndpoint } from '../../src/management/endpoints/fifo.js';
import { createMiHttpHandler } from '../../src/management/endpoints/http.js';
import type { MiHandler } from '../../src/management/mi/handler.js';
import { miOverDatagrams, miOverFifo } from '../../src/management/mi/over-endpoints.js';

/** An endpoint with its server, for a test. */
export interface OpenEndpoint {
  /** Sends one request as a new client and waits for the answer. */
  ask(request: string): Promise<string>;
  /** Sends bytes that may not be answered. */
  send(bytes: string): Promise<void>;
  /** Address for `switchyard mi --to`, and the folder of reply FIFOs. */
  readonly target: string;
  readonly directory: string;
  close(): Promise<void>;
}

export interface EndpointKind {
  readonly name: string;
  /** Whether the line text form is accepted. */
  readonly text: boolean;
  open(handler: MiHandler): Promise<OpenEndpoint>;
}

const ANSWER_TIMEOUT = 10_000;
const JSON_BODY = { 'content-type': 'application/json' };

/** A datagram endpoint of the management interface without access control. */
export function datagramEndpoint(
  handler: MiHandler,
  config: { readonly socketName: string; readonly unixMode: number },
): DatagramEndpoint {
  const callerFrom = (peer: string) => unbounded('datagram', peer);
  return new DatagramEndpoint({ config, protocol: miOverDatagrams(handler), callerFrom, logger: nullLogger });
}

/** Rejects when `work` takes too long. */
export async function within<T>(work: Promise<T>, what: string, timeoutMs = ANSWER_TIMEOUT): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${timeoutMs} ms`)), timeoutMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** A reply FIFO that a client makes and reads. */
export class ReplyReader {
  text = '';
  private readonly socket: Socket;
  private changed = () => {};

  constructor(readonly path: string) {
    execFileSync('mkfifo', [path]);
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    this.socket = new Socket({ fd, readable: true, writable: false });
    this.socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1');
      this.changed();
    });
  }

  /** Waits until the text read satisfies `enough`, and returns it. */
  async until(enough: (text: string) => boolean, timeoutMs = ANSWER_TIMEOUT): Promise<string> {
    const work = new Promise<void>((resolve) => {
      this.changed = () => {
        if (enough(this.text)) resolve();
      };
      this.changed();
    });
    await within(work, `reply FIFO has ${JSON.stringify(this.text.slice(0, 200))}`, timeoutMs);
    return this.text;
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Whether an answer in either form is complete. */
function isWhole(text: string): boolean {
  if (/^[{[]/.test(text)) {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  }
  return /\n\n$|^500 .*\n$|^4\d\d Parse_error$/s.test(text);
}

let replies = 0;

/** Writes to a FIFO like a shell: waits for a reader, then writes everything as fast as it is read. */
export async function writeFifo(path: string, bytes: string): Promise<void> {
  const fd = await openForWriting(path);
  try {
    let rest = Buffer.from(bytes);
    while (rest.length > 0) {
      try {
        rest = rest.subarray(writeSync(fd, rest));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }
  } finally {
    closeSync(fd);
  }
}

async function openForWriting(path: string): Promise<number> {
  for (let tries = 0; ; tries++) {
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      // A shell's open would block here until the server has opened the FIFO.
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO' || tries > 1000) throw error;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

const fifoEndpoint: EndpointKind = {
  name: 'fifo',
  text: true,
  async open(handler) {
    const directory = `${await mkdtemp(join(tmpdir(), 'mi-fifo-'))}/`;
    const path = `${directory}mi`;
    const endpoint = new FifoEndpoint({
      config: { fifoName: path, fifoMode: 0o600, replyDir: directory },
      protocol: miOverFifo(handler),
      what: 'MI FIFO',
      caller: () => unbounded('fifo'),
      clock: systemClock,
      logger: nullLogger,
      halfTimeout: 200,
    });
    await endpoint.start();
    return {
      target: `fifo:${path}`,
      directory,
      async ask(request) {
        const name = `reply${replies++}`;
        const reader = new ReplyReader(directory + name);
        try {
          const line = request.startsWith(':') ? request.replace(/^(:[^:]*:)/, `$1${name}`) : `:${name}:${request}\n`;
          await writeFifo(path, line);
          return await reader.until(isWhole);
        } finally {
          reader.close();
        }
      },
      async send(bytes) {
        await writeFifo(path, bytes);
      },
      async close() {
        await endpoint.stop();
        await rm(directory, { recursive: true });
      },
    };
  },
};

function udpEndpoint(host: string, name: string): EndpointKind {
  return {
    name,
    text: true,
    async open(handler) {
      const written = host.includes(':') ? `[${host}]` : host;
      const config = { socketName: `udp:${written}:0`, unixMode: 0o600 };
      const endpoint = datagramEndpoint(handler, config);
      await endpoint.start();
      const port = Number(endpoint.address?.split(':').at(-1));
      const client = async (bytes: string, answer: boolean): Promise<string> => {
        const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
        try {
          await new Promise<void>((resolve) => socket.bind(0, host, resolve));
          const received = answer ? once(socket, 'message') : undefined;
          await new Promise((resolve) => socket.send(bytes, port, host, resolve));
          if (received === undefined) return '';
          const [message] = (await within(received, name)) as [Buffer];
          return message.toString();
        } finally {
          socket.close();
        }
      };
      return {
        target: `udp:${written}:${port}`,
        directory: '/tmp/',
        ask: (request) => client(request, true),
        send: async (bytes) => void (await client(bytes, false)),
        close: () => endpoint.stop(),
      };
    },
  };
}

const unixEndpoint: EndpointKind = {
  name: 'unix datagram',
  text: true,
  async open(handler) {
    const directory = `${await mkdtemp(join(tmpdir(), 'mi-unix-'))}/`;
    const path = `${directory}mi.sock`;
    const endpoint = datagramEndpoint(handler, { socketName: path, unixMode: 0o600 });
    await endpoint.start();
    let clients = 0;
    const client = async (text: string, answer: boolean): Promise<string> => {
      const socket = new DgramSocket();
      try {
        socket.bind(`${directory}client${clients++}`);
        const received = answer ? once(socket, 'data') : undefined;
        const bytes = Buffer.from(text);
        await new Promise((resolve) => socket.sendTo(bytes, 0, bytes.length, path, resolve));
        if (received === undefined) return '';
        const [message] = (await within(received, 'unix datagram')) as [Buffer];
        return message.toString();
      } finally {
        socket.close();
      }
    };
    return {
      target: `unix:${path}`,
      directory,
      ask: (request) => client(request, true),
      send: async (bytes) => void (await client(bytes, false)),
      async close() {
        await endpoint.stop();
        await rm(directory, { recursive: true });
      },
    };
  },
};

const httpEndpoint: EndpointKind = {
  name: 'http',
  text: false,
  async open(handler) {
    const server = createServer(createMiHttpHandler(handler, () => unbounded('http')));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const target = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mi`;
    const post = async (body: string): Promise<string> =>
      (await fetch(target, { method: 'POST', headers: JSON_BODY, body })).text();
    return {
      target,
      directory: '/tmp/',
      ask: post,
      send: async (bytes) => void (await post(bytes)),
      async close() {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  },
};

/** Every endpoint, one line each. */
export const ENDPOINTS: readonly EndpointKind[] = [
  fifoEndpoint,
  udpEndpoint('127.0.0.1', 'udp'),
  udpEndpoint('::1', 'udp over IPv6'),
  unixEndpoint,
  httpEndpoint,
];
