import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { messageOf, SwitchyardError } from '../../core/errors.js';
import type { Daemon } from '../../daemon/daemon.js';
import { MiError } from '../../management/mi/command.js';
import { handWritten } from '../../sip/hand-written.js';
import type { SipMessage } from '../../sip/message.js';
import { parseMessage } from '../../sip/parse-message.js';
import { type BatchMessage, BatchSession, type BatchView } from './batch.js';
import { answerKamailio } from './kamailio-batch.js';

/** Answers "where would this call go" with the real engine and the real tables; sends nothing. */
export class OfflineSelect {
  private readonly session: BatchSession;

  constructor(private readonly daemon: Daemon) {
    this.session = new BatchSession({
      engine: daemon.engine,
      open: (message) => this.open(message),
      kamailio: (line, partition) =>
        answerKamailio(line, partition, { engine: daemon.engine, open: (message) => this.open(message) }),
      mi: async (method, params) => {
        // Names of Kamailio's commands contain a dot: "dispatcher.set_state".
        if (method.includes('.')) return daemon.callRpc(method, params);
        try {
          return { result: await daemon.mi.execute(method, params) };
        } catch (error) {
          if (error instanceof MiError) {
            return {
              error: {
                code: error.code,
                message: error.message,
                ...(error.data === undefined ? {} : { data: error.data }),
              },
            };
          }
          return { error: { code: 500, message: messageOf(error) } };
        }
      },
    });
  }

  /** Answers a line of a batch. Never throws. */
  run(line: unknown): Promise<object> {
    return this.session.run(line);
  }

  /** Answers a batch: for each line with a JSON object, writes one, in order. */
  async batch(input: Readable, write: (line: string) => void): Promise<void> {
    input.setEncoding('utf8');
    for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (text.trim() === '') continue;
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch (error) {
        write(JSON.stringify({ id: null, error: { message: `not JSON: ${messageOf(error)}` } }));
        continue;
      }
      write(JSON.stringify(await this.run(value)));
    }
  }

  private open({ request, avps }: BatchMessage): BatchView {
    const message = typeof request === 'string' ? handWritten(request) : composed(request);
    const scope = this.daemon.scope(message);
    for (const [name, value] of Object.entries(avps)) scope.pvars.avps.set(name, value);
    return Object.assign(scope, { setRequestUri: (uri: string) => scope.pvars.setRequestUri(uri) });
  }
}

function composed(request: Exclude<BatchMessage['request'], string>): SipMessage {
  const line = (value: string): string => value.replace(/[\r\n]+/g, ' ');
  const headers = request.headers.map(([name, value]) => `${line(name)}: ${line(value)}\r\n`).join('');
  const method = line(request.method);
  const text =
    `${method} ${line(request.ruri)} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKselect\r\n` +
    `From: ${line(request.from)}\r\nTo: ${line(request.to)}\r\nCall-ID: ${line(request.callid)}\r\nCSeq: 1 ${method}\r\n` +
    `Max-Forwards: 70\r\n${headers}Content-Length: 0\r\n\r\n`;
  const message = parseMessage(text);
  if (message === undefined) throw new SwitchyardError('USAGE', `"${method} ${request.ruri}" is not a request line`);
  return message;
}
