import { constants } from 'node:os';
import { type Poll, type PollListener, pollBy } from './poll.js';

/** Memory shared by system calls and JavaScript: its address, and a view of it. */
export interface Region {
  readonly address: bigint;
  readonly bytes: Buffer;
}

/**
 * System calls that Node does not offer: many datagrams per call, options of sockets, and errors by datagram
 * (recvmmsg(2), sendmmsg(2), ip(7)). Each returns the result of the system; after -1, `errno()` is the error.
 */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  setsockopt(fd: number, level: number, option: number, value: Buffer, length: number): number;
  getsockopt(fd: number, level: number, option: number, value: Buffer, length: Buffer): number;
  bind(fd: number, address: Buffer, length: number): number;
  close(fd: number): number;
  getsockname(fd: number, address: Buffer, length: Buffer): number;
  recvmmsg(fd: number, headers: bigint, count: number, flags: number, timeout: null): number;
  sendmmsg(fd: number, headers: bigint, count: number, flags: number): number;
  /** The number of a network interface; 0 when it does not exist. */
  if_nametoindex(name: string): number;
  errno(): number;
  /** Watches a descriptor. Throws when it cannot be watched. */
  poll(fd: number, listen: PollListener): Poll;
  /** Zeroed memory that is never freed. */
  allocate(bytes: number): Region;
  /** Zeroed memory that other processes can map by its descriptor. Throws on failure. */
  share(bytes: number): SharedMemory;
  /** Maps memory that another process has shared. Throws on failure. */
  map(fd: number, bytes: number): ArrayBuffer;
}

/** Memory shared by several processes: its descriptor, and a view of it. */
export interface SharedMemory {
  readonly fd: number;
  readonly memory: ArrayBuffer;
}

/** Constants of Linux, equal on x86-64 and arm64. */
export const LINUX = {
  AF_INET: 2,
  AF_INET6: 10,
  SOCK_DGRAM: 2,
  SOCK_NONBLOCK: 0o4000,
  SOCK_CLOEXEC: 0o2000000,
  SOL_SOCKET: 1,
  SO_SNDBUF: 7,
  SO_RCVBUF: 8,
  SO_REUSEPORT: 15,
  SO_ATTACH_REUSEPORT_CBPF: 51,
  IPPROTO_IP: 0,
  IP_RECVERR: 11,
  IPPROTO_IPV6: 41,
  IPV6_V6ONLY: 26,
  IPV6_RECVERR: 25,
  MSG_DONTWAIT: 0x40,
  MSG_ERRQUEUE: 0x2000,
  MFD_CLOEXEC: 1,
  PROT_READ_WRITE: 3,
  MAP_SHARED: 1,
} as const;

/** The system calls, or why they are not available. */
export type LibcResult = { readonly libc: Libc } | { readonly missing: string };

/** The system calls, once they are loaded. */
let loaded: Promise<LibcResult> | undefined;

/**
 * Loads the system calls through the optional package koffi, once per process. Never throws. If they are not available
 * (another operating system or processor, package not installed), the result says why, and node:dgram is used instead.
 */
export function loadLibc(): Promise<LibcResult> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<LibcResult> {
  if (process.platform !== 'linux') return { missing: `recvmmsg is Linux only, this is ${process.platform}` };
  // The memory layouts in this folder are those of 64-bit little-endian Linux.
  if (process.arch !== 'x64' && process.arch !== 'arm64') return { missing: `not tested on ${process.arch}` };
  try {
    const { default: koffi } = await import('koffi');
    const library = koffi.load(null);
    const allocate = (bytes: number): Region => {
      const address = koffi.address(koffi.alloc('uint8_t', bytes));
      const view = Buffer.from(koffi.view(address, bytes));
      view.fill(0);
      return { address, bytes: view };
    };
    const { proto, pointer, register, unregister } = koffi;
    const errno = () => koffi.errno();
    const memfd = library.func('int memfd_create(const char *, unsigned int)');
    const truncate = library.func('int ftruncate(int, long)');
    // The address is read as a number, since MAP_FAILED is -1.
    const mmap = library.func('intptr_t mmap(void *, size_t, int, int, int, long)');
    const map = (fd: number, bytes: number): ArrayBuffer => {
      const address = BigInt(mmap(null, bytes, LINUX.PROT_READ_WRITE, LINUX.MAP_SHARED, fd, 0) as number | bigint);
      if (address === -1n) throw systemError('mmap', errno());
      return koffi.view(address, bytes);
    };
    const share = (bytes: number): SharedMemory => {
      const fd = memfd('switchyard', LINUX.MFD_CLOEXEC) as number;
      if (fd < 0) throw systemError('memfd_create', errno());
      if (truncate(fd, bytes) !== 0) throw systemError('ftruncate', errno());
      return { fd, memory: map(fd, bytes) };
    };
    return {
      libc: {
        poll: pollBy({ library, proto, pointer, register, unregister, allocate }),
        socket: library.func('int socket(int, int, int)'),
        setsockopt: library.func('int setsockopt(int, int, int, void *, unsigned int)'),
        getsockopt: library.func('int getsockopt(int, int, int, void *, void *)'),
        bind: library.func('int bind(int, void *, unsigned int)'),
        close: library.func('int close(int)'),
        getsockname: library.func('int getsockname(int, void *, void *)'),
        recvmmsg: library.func('int recvmmsg(int, void *, unsigned int, int, void *)'),
        sendmmsg: library.func('int sendmmsg(int, void *, unsigned int, int)'),
        if_nametoindex: library.func('unsigned int if_nametoindex(const char *)'),
        errno,
        allocate,
        share,
        map,
      },
    };
  } catch (error) {
    return { missing: (error as Error).message };
  }
}

const NAMES = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/** The error of a system call that returned -1, in the form Node uses: `code` is "ECONNREFUSED" etc. */
export function systemError(call: string, errno: number): NodeJS.ErrnoException {
  const code = NAMES.get(errno) ?? `errno ${errno}`;
  return Object.assign(new Error(`${call} ${code}`), { code, errno, syscall: call });
}
