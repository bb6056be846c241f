import { createSocket } from 'node:dgram';
import { Readable } from 'node:stream';
import { calls } from '../../src/cli/calls/calls.js';
import { explain } from '../../src/cli/explain/explain.js';
import { pem, TestAuthority } from './certificates.js';
import { type Caller, type Gateway, type GatewayOptions, startCaller, startGateway } from './sip-endpoints.js';
import { StreamGateway } from './stream-endpoints.js';
import { until } from './until.js';

/** A failing call: the reply the caller gets, and the output of `switchyard calls` and `switchyard explain`. */
export interface FailedCall {
  /** User part of its request-URI. */
  readonly user: string;
  readonly code: number;
  readonly record: RegExp;
  readonly why: RegExp;
}

/** A caller, and targets at which its calls fail. */
export class FailingTargets {
  private readonly gateways: Gateway[] = [];

  private constructor(
    readonly caller: Caller,
    private readonly authority: TestAuthority,
    private readonly otherName: StreamGateway,
  ) {}

  /** `host`: address of the caller. */
  static async open(host: string): Promise<FailingTargets> {
    const authority = new TestAuthority();
    const otherName = await StreamGateway.open(pem(authority.issue('other', ['DNS:other.example'])));
    return new FailingTargets(await startCaller({ host }), authority, otherName);
  }

  /** Starts a gateway with one kind of answer. Returns its URI. */
  async gateway(host: string, answer: NonNullable<GatewayOptions['answer']>): Promise<string> {
    const gateway = await startGateway({ host, name: 'gw', answer });
    this.gateways.push(gateway);
    return gateway.uri;
  }

  /** URI of a TLS server whose certificate has another host name. */
  get wrongName(): string {
    return this.otherName.uri();
  }

  /** Settings of a proxy that verifies such servers. May be read once. */
  tls(): object {
    const { cert, key } = this.authority.issue('proxy', ['IP:127.0.0.1']);
    return { certificate: cert, private_key: key, ca: this.authority.ca, verify_server: true };
  }

  async close(): Promise<void> {
    for (const each of this.gateways) each.kill();
    this.caller.stop();
    await this.otherName.close();
    this.authority.remove();
  }
}

/**
 * The output of `switchyard calls` for a call, once it is there, and of `switchyard explain` for an INVITE to its user
 * from `source`. `to`: address of the MI.
 */
export async function diagnosed(
  { to, source }: { readonly to: string; readonly source: string },
  user: string,
  callId: string,
): Promise<{ readonly record: string; readonly why: string }> {
  const output = () => {
    const lines: string[] = [];
    return { lines, io: { out: (text: string) => void lines.push(text), err: () => {}, stdin: Readable.from([]) } };
  };
  const record = output();
  await until('listed', async () => {
    record.lines.length = 0;
    await calls({ to, 'call-id': callId }, record.io);
    return record.lines.length > 0;
  });
  const why = output();
  const request =
    `INVITE sip:${user}@example.com SIP/2.0\nVia: SIP/2.0/UDP ${source};branch=z9hG4bK1\nFrom: <sip:a@b>;tag=1\n` +
    `To: <sip:${user}@example.com>\nCall-ID: ${callId}\nCSeq: 1 INVITE\nMax-Forwards: ${user === 'hops' ? 0 : 70}\n\n`;
  await explain({ to, source }, '-', { ...why.io, stdin: Readable.from([Buffer.from(request)]) });
  return { record: record.lines.join(''), why: why.lines.join('') };
}

/**
 * Sends an INVITE of user "hops" and Call-ID "hops@1" with Max-Forwards 0. Returns a function that closes its socket.
 */
export async function inviteWithoutHops(host: string, proxyPort: number): Promise<() => void> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, host, resolve));
  const { port } = socket.address();
  const request =
    `INVITE sip:hops@example.com SIP/2.0\r\nVia: SIP/2.0/UDP ${host}:${port};branch=z9hG4bKh\r\nFrom: <sip:a@b>;tag=1\r\n` +
    'To: <sip:hops@example.com>\r\nCall-ID: hops@1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 0\r\nContent-Length: 0\r\n\r\n';
  socket.send(request, proxyPort, '127.0.0.1');
  return () => socket.close();
}
