import { execFile } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { promisify } from 'node:util';
import { messageOf, SwitchyardError } from '../../core/errors.js';
import { systemRandom } from '../../core/random.js';
import { JsonScanner } from '../../management/mi/json-scanner.js';

const run = promisify(execFile);

/**
 * Writes a JSON request to the server's FIFO and reads the answer from a reply FIFO, which is created and removed
 * again.
 * @param directory folder in which the server expects reply FIFOs
 * @throws SwitchyardError TRANSPORT_SEND
 */
export async function askFifo(path: string, request: string, timeoutMs: number, directory: string): Promise<string> {
  const name = `switchyard-reply-${process.pid}-${systemRandom.token(8)}`;
  const replyPath = `${directory.endsWith('/') ? directory : `${directory}/`}${name}`;
  const failed = (why: string, cause?: unknown): SwitchyardError =>
    new SwitchyardError('TRANSPORT_SEND', `fifo:${path}: ${why}`, { cause, retryable: true });
  try {
    // The server may run as another user, who must be able to write.
    await run('mkfifo', ['-m', '0622', '--', replyPath]);
  } catch (error) {
    throw failed(`no reply FIFO can be made in ${directory}: ${messageOf(error)}`, error);
  }
  let reader: Socket | undefined;
  let writer: Socket | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    // Opened also for writing, so that reading finds no end before the server has opened it.
    const fd = openSync(replyPath, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    const from = new Socket({ fd, readable: true, writable: false });
    reader = from;
    const to = openCommandFifo(path, failed);
    writer = to;
    return await new Promise<string>((resolve, reject) => {
      timer = setTimeout(() => reject(failed(`did not answer within ${timeoutMs} ms`)), timeoutMs);
      collect(from, resolve);
      from.once('error', reject);
      to.once('error', (error) => reject(failed(error.message, error)));
      to.write(`:${name}:${request}\n`);
    });
  } finally {
    clearTimeout(timer);
    reader?.destroy();
    writer?.destroy();
    unlinkSync(replyPath);
  }
}

function openCommandFifo(path: string, failed: (why: string, cause?: unknown) => SwitchyardError): Socket {
  let fd: number;
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENXIO') throw failed('no server reads it', error);
    if (code === 'ENOENT')
      throw failed('there is no such FIFO: the daemon does not run, or its settings name another', error);
    throw failed(messageOf(error), error);
  }
  if (!fstatSync(fd).isFIFO()) {
    closeSync(fd);
    throw failed('it is not a FIFO');
  }
  return new Socket({ fd, readable: false, writable: true });
}

/** Reads to the end of the first JSON value; another answer ends with the first chunk. */
function collect(from: Socket, done: (text: string) => void): void {
  let text = '';
  let scanner: JsonScanner | undefined;
  // latin1, so that no character is split between two reads.
  from.setEncoding('latin1');
  from.on('data', (chunk: string) => {
    text += chunk;
    const first = text.charCodeAt(0);
    scanner ??= first === 123 /* { */ || first === 91 /* [ */ ? new JsonScanner() : undefined;
    const end = scanner === undefined ? text.length : scanner.scan(text);
    if (end === -1) return;
    from.removeAllListeners('data');
    done(Buffer.from(end < 0 ? text : text.slice(0, end), 'latin1').toString());
  });
}
