import { createSocket, type Socket } from 'node:dgram';
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { messageOf, SwitchyardError } from '../../core/errors.js';
import { loadUnixSockets } from './unix-socket.js';

/** The common interface of UDP and UNIX datagram sockets. */
export interface DatagramSocket {
  /** The socket's address, for messages and tests: "127.0.0.1:8080" or a path. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Receives a datagram. `peer`: address of the sender, or ''; `reply`: undefined when the sender has no address for an
 * answer.
 */
export type ReceiveDatagram = (bytes: Buffer, peer: string, reply: ((answer: Buffer) => void) | undefined) => void;

/** Options of a datagram socket. */
export interface DatagramSocketOptions {
  /** "udp:host:port" or the absolute path of a UNIX socket. */
  readonly socketName: string;
  /** File mode of a UNIX socket. */
  readonly unixMode: number;
  /** Its name in messages, such as "MI datagram socket". */
  readonly what: string;
  readonly receive: ReceiveDatagram;
  /** Called for errors after it was opened. */
  readonly onError: (error: Error) => void;
}

/** Longest answer in one datagram: the limit of UDP over IPv4, also used for UNIX sockets. */
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
    throw new SwitchyardError('TRANSPORT_BIND', `${what} ${path}: the path exists and is not a socket`);
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
    // A client without a socket path of its own cannot be answered; its command runs without an answer.
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
