import { setTimeout as sleep } from 'node:timers/promises';
import { DatagramPeer } from './datagram-peer.js';
import { freePort } from './ports.js';
import { headersOf, routeLines } from './raw-agent.js';

/** Status, reason and further header lines with their ends. */
export type Answer = readonly [status: number, reason: string, lines?: string];

/** A gateway's replies to requests for a user, sent one after the other. An empty list: it does not answer. */
export type Answers = (method: string, user: string, request?: string) => readonly Answer[];

const HOST = '127.0.0.1';
const SDP = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n';

/** Maximum time to wait for a reply in milliseconds. */
export const PATIENCE = { ms: 10_000 };

/** Waits until a condition holds; false when it does not within `ms`. */
export async function holds(met: () => boolean, ms = PATIENCE.ms): Promise<boolean> {
  for (const deadline = performance.now() + ms; performance.now() < deadline; ) {
    if (met()) return true;
    await sleep(10);
  }
  return met();
}

/**
 * Without repeated 2xx of one callee: a gateway on a busy machine repeats its answer before the ACK arrives, and
 * Kamailio relays that without its reply routes.
 */
function firstOnly(texts: readonly string[]): string[] {
  const seen = new Set<string>();
  return texts.filter((text) => {
    const cseq = headersOf(text, 'cseq')[0] ?? '';
    if (!/^SIP\/2.0 2/.test(text) || !cseq.endsWith('INVITE')) return true;
    const key = `${cseq} ${headersOf(text, 'to')[0]}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** A proxy between a caller and two gateways; all their messages are kept. */
export class Lane {
  /** Set when the proxy has started. */
  proxyPort = 0;
  private readonly gatewayOrder = new Map<string, string[]>();
  /** The last INVITE of a call at each gateway, by gateway and Call-ID. */
  private readonly invites = new Map<string, string>();
  /** Further texts to compare, by Call-ID. */
  private readonly notes = new Map<string, string[]>();
  /** Actual ports by the port in the file. */
  readonly ports = new Map<number, number>();
  /** Closed together with the lane. */
  readonly closing: (() => void)[] = [];
  /** Folder of the proxy's files, set at its start. */
  folder = '';

  private constructor(
    private readonly caller: DatagramPeer,
    private readonly gateways: ReadonlyMap<string, DatagramPeer>,
  ) {}

  /** Opens the peers; a gateway answers as its function says; it answers a CANCEL with 200 and the INVITE with 487. */
  static async open(gateways: Readonly<Record<string, Answers>>): Promise<Lane> {
    const open = async () => DatagramPeer.open(HOST, await freePort());
    const peers = new Map<string, DatagramPeer>();
    for (const name of Object.keys(gateways)) peers.set(name, await open());
    const caller = await open();
    // Answers requests to the caller.
    caller.onMessage = (text, { port }) => {
      if (text.startsWith('SIP/2.0') || text.startsWith('ACK ')) return;
      void caller.send(replyTo(text, 200, 'OK', { tag: 'ft', port: caller.port, user: 'alice' }), port, HOST);
    };
    const lane = new Lane(caller, peers);
    for (const [name, answers] of Object.entries(gateways)) lane.serve(name, answers);
    return lane;
  }

  /** Lines of a dispatcher list with set 1; the first gateway has the highest priority. */
  list(attributes: readonly string[] = []): string {
    return [...this.gateways.values()]
      .map((peer, i) => `1 sip:${HOST}:${peer.port} 0 ${10 - i} ${attributes[i] ?? ''}\n`)
      .join('');
  }

  /**
   * A text in which a gateway's name followed by "_PORT" is replaced by its port, and "CALLER_PORT" by the caller's.
   */
  named(text: string): string {
    const peers: [string, DatagramPeer][] = [['caller', this.caller], ...this.gateways];
    return peers.reduce((all, [name, { port }]) => all.replaceAll(`${name.toUpperCase()}_PORT`, String(port)), text);
  }

  /** Whether the proxy answers an OPTIONS. */
  async ready(): Promise<boolean> {
    const call = this.call('ready', 'ping');
    for (let i = 0; i < 100; i++) {
      call.send('OPTIONS', { branch: `ready${i}` });
      await sleep(100);
      if (this.caller.received.length > 0) return true;
    }
    return false;
  }

  /** Adds a text to the comparison of a call: a message that another peer received, a row of a table. */
  note(callId: string, text: string): void {
    this.notes.set(callId, [...(this.notes.get(callId) ?? []), text]);
  }

  call(callId: string, user: string): TestCall {
    return new TestCall(this.caller, this.proxyPort, callId, user);
  }

  /**
   * Messages of a call that the caller and each gateway received, without differences that are permitted between two
   * proxies: ports are replaced by names, branches and tags of the proxy by stars, header fields are sorted by name,
   * retransmissions are left out. Only messages of one transaction are ordered.
   */
  got(callId: string): Readonly<Record<string, readonly string[]>> {
    const peers = new Map([['caller', this.caller], ...this.gateways]);
    const ports = new Map([...peers].map(([name, peer]) => [String(peer.port), name.toUpperCase()]));
    ports.set(String(this.proxyPort), 'PROXY');
    for (const [number, port] of this.ports) ports.set(String(port), `PORT${number}`);
    const of = (peer: DatagramPeer): string[] => {
      const texts = peer.received.map(({ text }) => text).filter((text) => headersOf(text, 'call-id')[0] === callId);
      const distinct = [...new Set(firstOnly(texts).map((text) => comparable(text, ports)))];
      const key = (text: string) => /^cseq: .*$/m.exec(text)?.[0] ?? '';
      return distinct.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
    };
    return {
      ...Object.fromEntries([...peers].map(([name, peer]) => [name, of(peer)])),
      order: [...new Set(this.gatewayOrder.get(callId) ?? [])],
      ...(this.notes.has(callId) ? { notes: (this.notes.get(callId) ?? []).map((text) => named(text, ports)) } : {}),
    };
  }

  /** The value of Path in the last request of a call that a gateway received; empty without one. */
  pathOf(callId: string): string {
    const all = [...this.gateways.values()].flatMap((peer) => peer.received.map(({ text }) => text));
    const found = all.findLast(
      (text) => headersOf(text, 'call-id')[0] === callId && headersOf(text, 'path').length > 0,
    );
    return found === undefined ? '' : (headersOf(found, 'path')[0] ?? '');
  }

  /** Whether a gateway was the last one to receive the INVITE of a call. */
  reached(name: string, callId: string): boolean {
    return this.gatewayOrder.get(callId)?.at(-1) === name;
  }

  /** Sends a gateway's request in the dialog of a call that it answered; the caller must answer it. */
  async fromGateway(name: string, callId: string, method: string, cseq: number): Promise<void> {
    const peer = this.gateways.get(name);
    const invite = this.invites.get(`${name} ${callId}`);
    if (peer === undefined || invite === undefined) throw new Error(`${name} has no INVITE of ${callId}`);
    const text = [
      `${method} ${/<([^>]*)>/.exec(headersOf(invite, 'contact')[0] ?? '')?.[1]} SIP/2.0`,
      `Via: SIP/2.0/UDP ${HOST}:${peer.port};branch=z9hG4bK${callId}back${cseq}`,
      'Max-Forwards: 70',
      `From: ${headersOf(invite, 'to')[0]};tag=${name}`,
      `To: ${headersOf(invite, 'from')[0]}`,
      `Call-ID: ${callId}`,
      `CSeq: ${cseq} ${method}`,
      `Contact: <sip:bob@${HOST}:${peer.port}>`,
      ...headersOf(invite, 'record-route').map((each) => `Route: ${each}`),
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n');
    void peer.send(text, this.proxyPort, HOST);
    const done = () =>
      peer.received.some(
        (each) =>
          /^SIP\/2.0 [2-6]/.test(each.text) &&
          headersOf(each.text, 'cseq')[0] === `${cseq} ${method}` &&
          headersOf(each.text, 'call-id')[0] === callId,
      );
    if (!(await holds(done))) throw new Error(`${callId}: no reply to ${method} of ${name}`);
  }

  close(): void {
    this.caller.close();
    for (const peer of this.gateways.values()) peer.close();
    for (const each of this.closing) each();
  }

  private serve(name: string, answers: Answers): void {
    const peer = this.gateways.get(name) as DatagramPeer;
    const pending = new Map<string, string>();
    const answered = new Set<string>();
    const reply = (request: string, [status, reason, lines = '']: Answer, port: number) =>
      void peer.send(replyTo(request, status, reason, { tag: name, port: peer.port, lines }), port, HOST);
    peer.onMessage = (text, { port }) => {
      const [method = '', uri = ''] = text.split(' ');
      const callId = headersOf(text, 'call-id')[0] ?? '';
      if (method === 'INVITE') {
        this.gatewayOrder.set(callId, [...(this.gatewayOrder.get(callId) ?? []), name]);
        pending.set(callId, text);
        this.invites.set(`${name} ${callId}`, text);
      }
      if (method === 'CANCEL') {
        reply(text, [200, 'OK'], port);
        // A CANCEL that comes after the final reply changes nothing (RFC 3261, section 9.2).
        const invite = pending.get(callId);
        if (invite === undefined || !answered.has(invite)) reply(invite ?? text, [487, 'Request Terminated'], port);
        return;
      }
      if (method === 'ACK') return;
      const inDialog = /^To:.*;tag=/m.test(text);
      const user = /^sip:([^@]*)@/.exec(uri)?.[1] ?? '';
      const all = inDialog ? ([[200, 'OK']] as const) : answers(method, user, text);
      if (method === 'INVITE' && all.some(([status]) => status >= 200)) answered.add(text);
      for (const each of all) reply(text, each, port);
    };
  }
}

interface RequestOptions {
  readonly cseq?: number;
  readonly branch?: string;
  readonly uri?: string;
  readonly to?: string;
  readonly hops?: number;
  /** Values of From (without its tag), User-Agent and Contact. */
  readonly from?: string;
  readonly agent?: string;
  readonly contact?: string;
  /** Further header lines with line ends; "CALLER" and "PROXY" in them are replaced by their ports. */
  readonly more?: string;
  readonly body?: string;
}

/** One call from its caller's side. */
export class TestCall {
  constructor(
    private readonly caller: DatagramPeer,
    private readonly proxyPort: number,
    readonly callId: string,
    private readonly user: string,
  ) {}

  send(method: string, options: RequestOptions = {}): void {
    const { cseq = 1, hops = 70, more = '', body = '' } = options;
    const of = method === 'ACK' || method === 'CANCEL' ? 'INVITE' : method;
    const branch = options.branch ?? `${this.callId}${cseq}${of}`;
    const text = [
      `${method} ${options.uri ?? `sip:${this.user}@sw.example`} SIP/2.0`,
      `Via: SIP/2.0/UDP ${HOST}:${this.caller.port};branch=z9hG4bK${branch};rport`,
      `Max-Forwards: ${hops}`,
      `From: ${options.from ?? '"Alice" <sip:alice@a.example>'};tag=ft`,
      `To: <sip:${this.user}@sw.example>${options.to ?? ''}`,
      `Call-ID: ${this.callId}`,
      `CSeq: ${cseq} ${method}`,
      `Contact: ${options.contact ?? `<sip:alice@${HOST}:${this.caller.port}>`}`,
      `User-Agent: ${options.agent ?? 'side by side'}`,
      `${this.named(more)}${body === '' ? '' : 'Content-Type: application/sdp\r\n'}Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n');
    void this.caller.send(text, this.proxyPort, HOST);
  }

  /** Sends a text unchanged except that "CALLER" and "PROXY" are replaced by their ports. */
  raw(text: string): void {
    void this.caller.send(this.named(text), this.proxyPort, HOST);
  }

  private named(text: string): string {
    return text.replaceAll('CALLER', String(this.caller.port)).replaceAll('PROXY', String(this.proxyPort));
  }

  /** The first reply to a request with a status that matches. Throws when there is none in ten seconds. */
  async reply(method: string, status: RegExp, cseq = 1): Promise<string> {
    const found = () =>
      this.caller.received.find(
        ({ text }) =>
          status.test(text.slice(8, 11)) &&
          headersOf(text, 'call-id')[0] === this.callId &&
          headersOf(text, 'cseq')[0] === `${cseq} ${method}`,
      )?.text;
    if (!(await holds(() => found() !== undefined))) throw new Error(`${this.callId}: no ${status} to ${method}`);
    return found() as string;
  }

  /** Sends a request and waits for its final reply; a reply to an INVITE gets an ACK. */
  async ask(method: string, options: RequestOptions = {}): Promise<string> {
    this.send(method, options);
    const final = await this.reply(method, /[2-6]../, options.cseq);
    if (method === 'INVITE' && final[8] !== '2') this.send('ACK', { ...ackOf(options), to: toTagOf(final) });
    return final;
  }

  /** Sends an INVITE with SDP; with `answer`, within the dialog of that answer. */
  invite(options: RequestOptions = {}): Promise<string> {
    return this.ask('INVITE', { body: SDP, ...options });
  }

  /** Options for a request in the dialog of an answer. */
  within(answer: string, cseq: number): RequestOptions {
    const contact = /<([^>]*)>/.exec(headersOf(answer, 'contact')[0] ?? '')?.[1] ?? '';
    return { cseq, uri: contact, to: toTagOf(answer), more: routeLines(answer), branch: `${this.callId}in${cseq}` };
  }
}

function ackOf({ body: _body, ...options }: RequestOptions): RequestOptions {
  return options;
}

function toTagOf(message: string): string {
  return /;tag=.*/.exec(headersOf(message, 'to')[0] ?? '')?.[0] ?? '';
}

function replyTo(
  request: string,
  status: number,
  reason: string,
  from: { tag: string; port: number; user?: string; lines?: string },
): string {
  const lines = request
    .slice(0, request.indexOf('\r\n\r\n'))
    .split('\r\n')
    .filter((line) => /^(?:Via|From|To|Call-ID|CSeq|Record-Route):/i.test(line))
    .map((line) => (/^To:/i.test(line) && !line.includes(';tag=') ? `${line};tag=${from.tag}` : line));
  const body = status === 200 && request.startsWith('INVITE') ? SDP : '';
  return [
    `SIP/2.0 ${status} ${reason}`,
    ...lines,
    `Contact: <sip:${from.user ?? 'bob'}@${HOST}:${from.port}>`,
    `${from.lines ?? ''}${body === '' ? '' : 'Content-Type: application/sdp\r\n'}Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}

function named(text: string, ports: ReadonlyMap<string, string>): string {
  return text.replace(/\b[0-9]{5}\b/g, (number) => ports.get(number) ?? number);
}

/** A message without differences that are permitted between two proxies; ports are replaced by names. */
export function comparable(text: string, ports: ReadonlyMap<string, string>): string {
  const end = text.indexOf('\r\n\r\n');
  const [start = '', ...lines] = named(text.slice(0, end), ports)
    // Text hidden by topoh has another encryption.
    .replace(/(?<=z9hG4bKsr-|=sr-)[\w.*-]+/g, '*')
    .split('\r\n')
    // Several values in one field are equivalent to several fields (RFC 3261 section 7.3.1).
    .flatMap((line) => {
      const [, name, values] = /^(via|route|record-route): *(.*)$/i.exec(line) ?? [];
      const parts = values?.split(/,\s*(?=SIP\/2\.0\/|<)/) ?? [];
      return name === undefined ? [line] : parts.map((each) => `${name}: ${each}`);
    });
  const vias = lines.filter((line) => /^via:/i.test(line)).length;
  const fields = lines.map((line, i) => {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    // Kamailio copies it from the forwarded request into the ACK of an error reply and into a CANCEL; 70 is equivalent,
    // as both go one hop.
    if (name === 'max-forwards' && /^(?:ACK|CANCEL) /.test(start) && /^(?:69|70)$/.test(value) && vias === 1)
      return { name, i, line: `${name}: *` };
    return { name, i, line: `${name}: ${fieldValue(name, value)}` };
  });
  fields.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.i - b.i));
  return [start, ...fields.map(({ line }) => line), '', text.slice(end + 4)].join('\n');
}

function fieldValue(name: string, value: string): string {
  if (name === 'via') {
    const [sentBy = '', ...parameters] = value.split(';');
    const own = /PROXY|PORT\d/.test(sentBy);
    const shown = parameters
      // The connection id, which each program writes in its own form.
      .filter((each) => !own || !each.startsWith('i='))
      .map((each) => (own && each.startsWith('branch=') ? 'branch=*' : each));
    return [sentBy, ...shown.sort()].join(';');
  }
  if (name === 'to') return value.replace(/;tag=(?!ft$|gw[0-9]$).*/, ';tag=*');
  // A switchyard token that differs in each dialog.
  if (name === 'record-route') return value.replace(/;dt=[\w-]+/g, '').replace(/;did=[0-9a-f]+\.[0-9a-f]+/g, ';did=*');
  return value;
}
