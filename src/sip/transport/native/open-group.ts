import { LINUX, type Libc, type Region, systemError } from './libc.js';
import { type Descriptor, openSocket, type SocketOptions } from './open-socket.js';
import { steeringProgram } from './steering.js';

/**
 * Bytes of a message that the program searches. The first window that the kernel accepts is used: it limits a program
 * to 4096 instructions or net.core.optmem_max (20 KiB before Linux 6.8).
 */
const WINDOWS = [
  { request: 720, reply: 240 },
  { request: 400, reply: 128 },
  { request: 200, reply: 96 },
] as const;
/** Maximum number of instructions that the kernel accepts (BPF_MAXINSNS). */
const MAX_INSTRUCTIONS = 4096;

/**
 * Opens the sockets at one address for several processes: first that of the brain, then one for each worker, and
 * attaches the program that chooses among them. The brain keeps all sockets open, so that their order stays the same
 * when a worker dies. Throws the error of bind(2) or setsockopt(2).
 */
export function openGroup(
  libc: Libc,
  options: SocketOptions,
  workers: number,
  bounds?: readonly number[],
): readonly Descriptor[] {
  // A socket without SO_REUSEPORT is opened first, to find out whether another program uses the address: one that
  // shares it could join this group.
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
 * Replaces the program that chooses among the sockets of each group (given by its first socket). With `bounds`,
 * requests are distributed by the shares of workers (`boundsOf`), else evenly. Throws the error of setsockopt(2); the
 * groups for which it failed keep their program.
 */
export function steer(libc: Libc, groups: readonly Descriptor[], workers: number, bounds?: readonly number[]): void {
  // A struct sock_fprog: number of instructions and their address. The memory is never freed, so it is allocated once.
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

/** Memory for the program that is attached, allocated on first use and used again for the next. */
let programs: { readonly libc: Libc; readonly region: Region } | undefined;

function regionOf(libc: Libc): Region {
  if (programs?.libc !== libc) programs = { libc, region: libc.allocate(8 * MAX_INSTRUCTIONS) };
  return programs.region;
}
