import { createSocket, type Socket } from 'node:dgram';
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { messageOf, SwitchyardError } from '../../core/errors.js';
import { loadUnixSockets } from './unix-socket.js';

/** What differs between UDP and UNIX datagram sockets. */
export interface DatagramSocket {
  /** Where the socket is, for messages and tests: "127.0.0.1:8080" or a path. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Takes a datagram. `peer` is the address it came from, '' where there is none; `reply` is undefined where its sender has no
 * address to answer to.
 */
export type ReceiveDatagram = (bytes: Buffer, peer: string, reply: ((answer: Buffer) => void) | undefined) => void;

/** What a datagram socket is opened with. */
export interface DatagramSocketOptions {
  /** "udp:host:port" or an absolute path of a UNIX socket. */
  readonly socketName: string;
  /** Mode of a UNIX socket. */
  readonly unixMode: number;
  /** What it is called in messages: "MI datagram socket". */
  readonly what: string;
  readonly receive: ReceiveDatagram;
  /** Errors once it is open. */
  readonly onError: (error: Error) => void;
}

/** The longest answer one datagram can carry: over UDP on IPv4, and by agreement on UNIX sockets too. */
export const MAX_DATAGRAM = 65507;

/** Opens a datagram socket. Throws SwitchyardError TRANSPORT_BIND. */
export function openDatagram(options: DatagramSocketOptions): Promise<DatagramSocket> {
  return options.socketName.startsWith('/') ? openUnix(options) : openUdp(options);
}

async function openUdp(options: DatagramSocketOptions): Promise<DatagramSocket> {
  const { socketName, what, receive, onError } = options;
  const match = /^udp:(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(socketName);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2] ?? '';
  if (match === null || port > 65535) {
    throw new SwitchyardError('TRANSPORT_BIND', `${what} "${socketName}" is not "udp:host:port"`);
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
    throw new SwitchyardError('TRANSPORT_BIND', `${what} ${socketName}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  socket.on('error', onError);
  socket.on('message', (bytes, from) => {
    receive(bytes, from.address, (answer) => {
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

async function openUnix(options: DatagramSocketOptions): Promise<DatagramSocket> {
  const { socketName: path, unixMode, what, receive, onError } = options;
  const module = await loadUnixSockets('TRANSPORT_BIND', `${what} ${path}`);
  const left = lstatSync(path, { throwIfNoEntry: false });
  if (left !== undefined && !left.isSocket()) {
    throw new SwitchyardError('TRANSPORT_BIND', `${what} ${path}: something that is no socket stands there`);
  }
  const socket = new module.DgramSocket();
  socket.on('error', onError);
  try {
    if (left !== undefined) unlinkSync(path);
    socket.bind(path);
    chmodSync(path, unixMode);
  } catch (error) {
    socket.close();
    throw new SwitchyardError('TRANSPORT_BIND', `${what} ${path}: ${messageOf(error)}`, { cause: error });
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
    receive(bytes, from, reply);
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
