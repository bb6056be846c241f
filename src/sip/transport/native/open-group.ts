import { LINUX, type Libc, type Region, systemError } from './libc.js';
import { type Descriptor, openSocket, type SocketOptions } from './open-socket.js';
import { steeringProgram } from './steering.js';

/**
 * Bytes of a message that the program searches: the most that the system takes, of 4096 instructions or of net.core.optmem_max (20 KiB
 * before Linux 6.8).
 */
const WINDOWS = [
  { request: 720, reply: 240 },
  { request: 400, reply: 128 },
  { request: 200, reply: 96 },
] as const;
/** Instructions that the system takes (BPF_MAXINSNS). */
const MOST_INSTRUCTIONS = 4096;

/**
 * Opens the sockets of one address that several processes read: that of the brain first, then one for each worker, with the program
 * that chooses among them. Whoever has them open keeps the order, so that a worker which dies shifts no other one's. Throws what
 * bind(2) or setsockopt(2) failed with.
 */
export function openGroup(
  libc: Libc,
  options: SocketOptions,
  workers: number,
  bounds?: readonly number[],
): readonly Descriptor[] {
  // A socket without SO_REUSEPORT finds out whether another program has the address: one that shares it could join this group.
  const probe = openSocket(libc, options);
  libc.close(probe.fd);
  const opened: Descriptor[] = [];
  try {
    for (let i = 0; i <= workers; i++) opened.push(openSocket(libc, { ...options, port: probe.port }, true));
    steer(libc, opened.slice(0, 1), workers, bounds);
    return opened;
  } catch (error) {
    for (const { fd } of opened) libc.close(fd);
    throw error;
  }
}

/**
 * Gives groups, each by its first socket, the program that chooses among their sockets, in place of the one they have: with `bounds` requests are
 * spread by the shares of workers (`boundsOf`), else evenly. Throws what setsockopt(2) failed with; groups it failed for then go on as before.
 */
export function steer(libc: Libc, groups: readonly Descriptor[], workers: number, bounds?: readonly number[]): void {
  // struct sock_fprog: the number of instructions and their address. What is allocated stays, so it is done once.
  const region = regionOf(libc);
  const description = Buffer.alloc(16);
  description.writeBigUInt64LE(region.address, 8);
  const { SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF } = LINUX;
  let left = groups;
  for (const window of WINDOWS) {
    if (left.length === 0) return;
    const program = steeringProgram(workers, window, bounds);
    if (program.length > region.bytes.length) continue;
    program.copy(region.bytes);
    description.writeUInt16LE(program.length / 8, 0);
    left = left.filter(
      ({ fd }) => libc.setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, description, description.length) !== 0,
    );
  }
  if (left.length > 0) throw systemError('setsockopt SO_ATTACH_REUSEPORT_CBPF', libc.errno());
}

let programs: { readonly libc: Libc; readonly region: Region } | undefined;

function regionOf(libc: Libc): Region {
  if (programs?.libc !== libc) programs = { libc, region: libc.allocate(8 * MOST_INSTRUCTIONS) };
  return programs.region;
}
