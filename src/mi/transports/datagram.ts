import { createSocket, type Socket } from 'node:dgram';
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import type { DatagramConfig } from '../../config/settings.js';
import { messageOf, SwitchyardError } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import type { Service } from '../../core/service.js';
import { MiError } from '../command.js';
import type { MiHandler } from '../handler.js';
import { renderError } from '../json-rpc.js';
import { parseFirstJson } from '../json-scanner.js';
import { renderTextError } from '../line-text.js';
import { loadUnixSockets } from './unix-socket.js';

export interface MiDatagramOptions {
  readonly config: DatagramConfig;
  readonly handler: MiHandler;
  readonly logger: Logger;
}

/** The longest answer one datagram can carry: over UDP on IPv4, and by agreement on UNIX sockets too. */
export const MAX_DATAGRAM = 65507;
/** Commands under way at once; further datagrams are dropped, and their senders ask again. */
const MAX_UNDER_WAY = 64;

/** What differs between UDP and UNIX datagram sockets. */
interface Endpoint {
  /** Where the socket is, for messages and tests. */
  readonly address: string;
  close(): Promise<void>;
}
type Receive = (bytes: Buffer, reply: ((answer: Buffer) => void) | undefined) => void;

/**
 * The datagram door: one request a packet in either form, answered to its sender, over UDP ("udp:host:port") or a UNIX
 * socket (a path). An answer too long for a datagram is replaced by an error that says so.
 */
export class MiDatagram implements Service {
  readonly name: string;
  private endpoint: Endpoint | undefined;
  private underWay = 0;

  constructor(private readonly options: MiDatagramOptions) {
    this.name = `mi datagram ${options.config.socketName}`;
  }

  /** Where it listens, "127.0.0.1:8080" or a path; undefined when it does not. */
  get address(): string | undefined {
    return this.endpoint?.address;
  }

  async start(): Promise<void> {
    const { socketName, unixMode } = this.options.config;
    const receive: Receive = (bytes, reply) => void this.receive(bytes, reply);
    const onError = (error: Error): void => {
      this.options.logger.warn({ socket: socketName, err: error }, `MI datagram socket: ${error.message}`);
    };
    this.endpoint = socketName.startsWith('/')
      ? await openUnix(socketName, unixMode, receive, onError)
      : await openUdp(socketName, receive, onError);
  }

  async stop(): Promise<void> {
    const { endpoint } = this;
    this.endpoint = undefined;
    await endpoint?.close();
  }

  private async receive(bytes: Buffer, reply: ((answer: Buffer) => void) | undefined): Promise<void> {
    const { handler } = this.options;
    if (this.underWay >= MAX_UNDER_WAY) {
      handler.refuse('datagram', 'busy', `a datagram is dropped: ${this.underWay} commands are under way`);
      return;
    }
    this.underWay++;
    try {
      const pieces = await handler.answer(bytes, 'datagram');
      if (pieces === undefined || reply === undefined || this.endpoint === undefined) return;
      // Characters are no more than bytes: what has too many need not be encoded.
      const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
      const answer = length > MAX_DATAGRAM ? undefined : Buffer.from(pieces.join(''), 'utf8');
      const fits = answer !== undefined && answer.length <= MAX_DATAGRAM;
      reply(fits ? answer : this.tooLong(bytes, answer?.length ?? length));
    } catch (error) {
      this.options.logger.error({ err: error }, `MI datagram could not be answered: ${messageOf(error)}`);
    } finally {
      this.underWay--;
    }
  }

  private tooLong(request: Buffer, length: number): Buffer {
    const why = `the answer of ${length} bytes does not fit into a datagram`;
    this.options.handler.refuse('datagram', 'answer-too-long', why);
    const error = new MiError(500, 'Answer too long', `${why}: ask for less or through the FIFO or HTTP`);
    if (request[0] === 58 /* : */) return Buffer.from(renderTextError(error, false));
    return Buffer.from(renderError(error, idOf(request)));
  }
}

function idOf(request: Buffer): string | number | null {
  const value = parseFirstJson(request.toString())?.value as { id?: unknown } | undefined;
  if (typeof value?.id === 'string') return value.id;
  return typeof value?.id === 'number' ? Math.trunc(value.id) : null;
}

async function openUdp(socketName: string, receive: Receive, onError: (error: Error) => void): Promise<Endpoint> {
  const match = /^udp:(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(socketName);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2] ?? '';
  if (match === null || port > 65535) {
    throw new SwitchyardError('TRANSPORT_BIND', `MI datagram socket "${socketName}" is not "udp:host:port"`);
  }
  const socket: Socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ port, address: host, exclusive: true }, () => {
        socket.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    socket.close();
    throw new SwitchyardError('TRANSPORT_BIND', `MI datagram socket ${socketName}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  socket.on('error', onError);
  socket.on('message', (bytes, from) => {
    receive(bytes, (answer) => {
      socket.send(answer, from.port, from.address, (error) => {
        if (error !== null && error !== undefined) onError(error);
      });
    });
  });
  const bound = socket.address();
  return {
    address: `${bound.address}:${bound.port}`,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

async function openUnix(
  path: string,
  mode: number,
  receive: Receive,
  onError: (error: Error) => void,
): Promise<Endpoint> {
  const module = await loadUnixSockets('TRANSPORT_BIND', `MI datagram socket ${path}`);
  const left = lstatSync(path, { throwIfNoEntry: false });
  if (left !== undefined && !left.isSocket()) {
    throw new SwitchyardError('TRANSPORT_BIND', `MI datagram socket ${path}: something that is no socket stands there`);
  }
  const socket = new module.DgramSocket();
  socket.on('error', onError);
  try {
    if (left !== undefined) unlinkSync(path);
    socket.bind(path);
    chmodSync(path, mode);
  } catch (error) {
    socket.close();
    throw new SwitchyardError('TRANSPORT_BIND', `MI datagram socket ${path}: ${messageOf(error)}`, { cause: error });
  }
  socket.on('data', (bytes: Buffer, from: string) => {
    // A client that bound no path of its own cannot be answered; its command runs like one without a reply FIFO.
    const reply =
      from === ''
        ? undefined
        : (answer: Buffer) => {
            socket.sendTo(answer, 0, answer.length, from, (error) => {
              if (error !== undefined && error !== null) onError(error);
            });
          };
    receive(bytes, reply);
  });
  const identity = lstatSync(path);
  return {
    address: path,
    async close() {
      socket.close();
      const now = lstatSync(path, { throwIfNoEntry: false });
      if (now !== undefined && now.ino === identity.ino) unlinkSync(path);
    },
  };
}
