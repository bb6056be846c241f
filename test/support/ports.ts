import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** Ports that this process has given out are not given out again: the caller binds them a moment later. */
const given = new Set<number>();
/**
 * Below the range of ephemeral ports (from 32768 on Linux, from 49152 elsewhere): no socket that another test binds to
 * port 0 can get the port, or answer where nobody should.
 */
const FIRST = 10_000;
const LAST = 32_767;

/** A free port for UDP and TCP on `host`. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = randomInt(FIRST, LAST + 1);
    if (given.has(port) || !(await udpFree(host, port)) || !(await tcpFree(host, port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no free port on ${host}`);
}

/** `count` different free ports. */
export async function freePorts(count: number, host = '127.0.0.1'): Promise<number[]> {
  const ports: number[] = [];
  for (let i = 0; i < count; i++) ports.push(await freePort(host));
  return ports;
}

function udpFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', () => socket.close(() => resolve(false)));
    socket.bind(port, host, () => socket.close(() => resolve(true)));
  });
}

function tcpFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
