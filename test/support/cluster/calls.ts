import { createSocket } from 'node:dgram';

/**
 * Sends `count` INVITEs to the ports by round robin, all at once, without ending any call; returns their final
 * statuses, 0 for none.
 */
export async function sendInvites(ports: readonly number[], count: number, waitMs = 4000): Promise<number[]> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  const statuses = new Map<string, number>();
  const targets = new Map<string, number>();
  socket.on('message', (data) => {
    const text = data.toString('latin1');
    const status = Number(/^SIP\/2\.0 ([0-9]{3})/.exec(text)?.[1] ?? 0);
    const id = /^Call-ID: *(\S+)/im.exec(text)?.[1] ?? '';
    if (status < 200 || !targets.has(id)) return;
    statuses.set(id, status);
    const to = /^To:[^\r]*/im.exec(text)?.[0] ?? '';
    const ack = request('ACK', id, port, to);
    socket.send(ack, targets.get(id) as number, '127.0.0.1');
  });
  for (let i = 0; i < count; i++) {
    const id = `load-${process.pid}-${port}-${i}`;
    targets.set(id, ports[i % ports.length] as number);
    socket.send(request('INVITE', id, port, undefined), targets.get(id) as number, '127.0.0.1');
  }
  const deadline = performance.now() + waitMs;
  while (statuses.size < count && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  socket.close();
  return [...targets.keys()].map((id) => statuses.get(id) ?? 0);
}

function request(method: string, id: string, port: number, to: string | undefined): string {
  return [
    `${method} sip:callee@127.0.0.1 SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${id}`,
    `From: <sip:caller@127.0.0.1>;tag=${id}`,
    to ?? 'To: <sip:callee@127.0.0.1>',
    `Call-ID: ${id}`,
    `CSeq: 1 ${method}`,
    'Max-Forwards: 70',
    `Contact: <sip:caller@127.0.0.1:${port}>`,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}
