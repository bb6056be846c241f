import { LINUX, type Libc, systemError } from './libc.js';
import { ADDRESS_BYTES, octetsOf, writeAddress } from './socket-address.js';

/** A bound UDP socket. */
export interface Descriptor {
  readonly fd: number;
  readonly port: number;
}

/** Address and port to bind, and the buffer sizes to request. */
export interface SocketOptions {
  readonly family: 4 | 6;
  readonly address: string;
  /** 0: the system chooses a port. */
  readonly port: number;
  readonly bufferBytes: number;
  /** Binary form of `address` with the number of its zone, if known. */
  readonly octets?: Uint8Array | undefined;
}

const NAME_BYTES = 32;

/** Opens and binds a UDP socket. Throws the error of bind(2). */
export function openSocket(libc: Libc, options: SocketOptions, shared = false): Descriptor {
  const { family, address, port, bufferBytes, octets } = options;
  const six = family === 6;
  const type = LINUX.SOCK_DGRAM | LINUX.SOCK_NONBLOCK | LINUX.SOCK_CLOEXEC;
  const fd = libc.socket(six ? LINUX.AF_INET6 : LINUX.AF_INET, type, 0);
  if (fd < 0) throw systemError('socket', libc.errno());
  const set = (level: number, option: number, value: number): void => {
    const memory = Buffer.alloc(4);
    memory.writeInt32LE(value);
    libc.setsockopt(fd, level, option, memory, 4);
  };
  if (shared) set(LINUX.SOL_SOCKET, LINUX.SO_REUSEPORT, 1);
  if (six) set(LINUX.IPPROTO_IPV6, LINUX.IPV6_V6ONLY, 1);
  if (six) set(LINUX.IPPROTO_IPV6, LINUX.IPV6_RECVERR, 1);
  else set(LINUX.IPPROTO_IP, LINUX.IP_RECVERR, 1);
  set(LINUX.SOL_SOCKET, LINUX.SO_RCVBUF, bufferBytes);
  set(LINUX.SOL_SOCKET, LINUX.SO_SNDBUF, bufferBytes);
  const name = Buffer.alloc(NAME_BYTES);
  writeAddress(name, 0, family, octets ?? octetsOf(address), port);
  const length = Buffer.alloc(4);
  length.writeInt32LE(NAME_BYTES);
  if (libc.bind(fd, name, ADDRESS_BYTES[family]) !== 0 || libc.getsockname(fd, name, length) !== 0) {
    const errno = libc.errno();
    libc.close(fd);
    throw systemError('bind', errno);
  }
  return { fd, port: name.readUInt16BE(2) };
}
