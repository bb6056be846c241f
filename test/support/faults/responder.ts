import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/**
 * Simulates many gateways behind one UDP port, distinguished by the user part of the request-URI: each answers as
 * configured, or not at all. It parses and writes SIP itself, so that it shares no code with the product.
 */
export class Responder {
  /** Status by user; 0: no answer. Default 200. */
  readonly status = new Map<string, number>();
  /** Called with each request: user of the request-URI and the port it came from. */
  onRequest: (user: string, port: number) => void = () => {};
  /** Number of received requests by user. */
  readonly received = new Map<string, number>();
  private constructor(
    private readonly socket: Socket,
    readonly port: number,
  ) {
    socket.on('message', (data, from) => {
      const text = data.toString('latin1');
      const user = /^[A-Z]+ sips?:([^@ ]+)@/.exec(text)?.[1] ?? '';
      this.received.set(user, (this.received.get(user) ?? 0) + 1);
      this.onRequest(user, from.port);
      const status = this.status.get(user) ?? 200;
      if (status !== 0) socket.send(answer(text, status), from.port, from.address);
    });
    socket.on('error', () => {});
  }

  static async start(): Promise<Responder> {
    // It simulates a thousand gateways, each of which would have its own buffer.
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new Responder(socket, (socket.address() as AddressInfo).port);
  }

  uri(user: string): string {
    return `sip:${user}@127.0.0.1:${this.port}`;
  }

  stop(): void {
    this.socket.close();
  }
}

function answer(request: string, status: number): Buffer {
  const kept = request
    .split('\r\n')
    .filter((line) => /^(via|v|from|f|to|t|call-id|i|cseq):/i.test(line))
    .map((line) => (/^(to|t):/i.test(line) && !line.includes(';tag=') ? `${line};tag=r` : line));
  return Buffer.from(`SIP/2.0 ${status} Answer\r\n${kept.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`, 'latin1');
}

export interface RoundTrips {
  /** Milliseconds in the order sent; requests without an answer are left out. */
  readonly times: number[];
  lost: number;
  stop(): Promise<void>;
}

/** Sends an OPTIONS through a proxy every `everyMs` and measures the time until each answer. */
export async function measureRoundTrips(proxyPort: number, ruri: string, everyMs: number): Promise<RoundTrips> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address() as AddressInfo;
  const sent = new Map<string, number>();
  const times: number[] = [];
  let n = 0;
  socket.on('message', (data) => {
    const text = data.toString('latin1');
    const id = /^call-id: *(\S+)/im.exec(text)?.[1] ?? '';
    const began = sent.get(id);
    if (began === undefined || text.startsWith('SIP/2.0 100')) return;
    sent.delete(id);
    times.push(performance.now() - began);
  });
  const timer = setInterval(() => {
    const id = `rt${n++}@127.0.0.1`;
    sent.set(id, performance.now());
    const request = [
      `OPTIONS ${ruri} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bKrt${n}x${port}`,
      'Max-Forwards: 70',
      `From: <sip:test@127.0.0.1>;tag=f${n}`,
      `To: <${ruri}>`,
      `Call-ID: ${id}`,
      'CSeq: 1 OPTIONS',
      'Content-Length: 0',
      '\r\n',
    ].join('\r\n');
    socket.send(request, proxyPort, '127.0.0.1');
  }, everyMs);
  const trips: RoundTrips = {
    times,
    lost: 0,
    async stop() {
      clearInterval(timer);
      const deadline = performance.now() + 2000;
      while (sent.size > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
      trips.lost = sent.size;
      socket.close();
    },
  };
  return trips;
}
