import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { unbounded } from '../../../../src/access/caller.js';
import { systemClock } from '../../../../src/core/clock.js';
import { type Logger, nullLogger } from '../../../../src/core/logger.js';
import { FifoEndpoint, type FifoOptions } from '../../../../src/management/endpoints/fifo.js';
import type { FifoItem } from '../../../../src/management/mi/fifo-framing.js';
import { miOverFifo } from '../../../../src/management/mi/over-endpoints.js';
import { ReplyReader, within, writeFifo } from '../../../support/mi-endpoints.js';
import { type MiFixture, makeMiFixture, makeRow } from '../../../support/mi-fixture.js';

const VERSION = '{"jsonrpc":"2.0","result":{"Server":"OpenSIPS (4.1.0 (x86_64/linux)) switchyard (0.1.0)"},"id":1}';
const ASK_VERSION = '{"jsonrpc":"2.0","id":1,"method":"version"}';

interface Served {
  readonly directory: string;
  readonly path: string;
  readonly endpoint: FifoEndpoint<FifoItem>;
  readonly fixture: MiFixture;
  /** Warnings and errors of the endpoint. */
  readonly said: string[];
  refused(reason: string): number;
}

async function serve(
  use: (served: Served) => Promise<void>,
  values: { options?: Partial<FifoOptions<FifoItem>>; fixture?: MiFixture; before?: (directory: string) => void } = {},
): Promise<void> {
  const directory = `${await mkdtemp(join(tmpdir(), 'mi-fifo-'))}/`;
  const fixture = values.fixture ?? makeMiFixture();
  const said: string[] = [];
  const say = (_: object, message: string): void => void said.push(message);
  const logger: Logger = { ...nullLogger, warn: say, error: say };
  const config = { fifoName: `${directory}mi`, fifoMode: 0o620, replyDir: directory };
  const endpoint = new FifoEndpoint({
    config,
    protocol: miOverFifo(fixture.handler),
    what: 'MI FIFO',
    caller: () => unbounded('fifo'),
    clock: systemClock,
    logger,
    ...values.options,
  });
  values.before?.(directory);
  try {
    await endpoint.start();
    const counter = fixture.metrics.counter('switchyard_mi_refused_total', '');
    const refused = (reason: string): number => counter.with({ endpoint: 'fifo', reason }).value;
    await use({ directory, path: config.fifoName, endpoint, fixture, said, refused });
  } finally {
    await endpoint.stop();
    await rm(directory, { recursive: true });
  }
}

/** Polls a condition that raises no event. */
async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('MI FIFO', () => {
  test('is made with its mode and removed at the end', async () => {
    let path = '';
    await serve(async (served) => {
      path = served.path;
      assert.ok(statSync(path).isFIFO());
      assert.equal(statSync(path).mode & 0o777, 0o620);
    });
    assert.equal(existsSync(path), false);
  });

  test('takes over a FIFO that was left behind', () =>
    serve(
      async ({ directory, path }) => {
        assert.equal(statSync(path).mode & 0o777, 0o620);
        const reader = new ReplyReader(`${directory}r`);
        await writeFifo(path, `:r:${ASK_VERSION}`);
        assert.equal(await reader.until((text) => text !== ''), VERSION);
        reader.close();
      },
      { before: (directory) => execFileSync('mkfifo', ['-m', '600', `${directory}mi`]) },
    ));

  test('does not start if the path is another kind of file or cannot be created', async () => {
    const none = async (): Promise<void> => assert.fail('it started');
    await assert.rejects(serve(none, { before: (directory) => writeFileSync(`${directory}mi`, 'precious') }), {
      code: 'TRANSPORT_BIND',
    });
    const config = { fifoName: `/tmp/${process.pid}-is-not-there/mi`, fifoMode: 0o600, replyDir: '/tmp/' };
    await assert.rejects(serve(none, { options: { config } }), /cannot be created: .*No such file/);
  });

  test('is opened again when it is removed or replaced', () =>
    serve(
      async ({ directory, path, said }) => {
        const before = statSync(path).ino;
        unlinkSync(path);
        await until(() => existsSync(path) && said.length > 0, 'the FIFO is back');
        const reader = new ReplyReader(`${directory}r`);
        await writeFifo(path, `:r:${ASK_VERSION}`);
        assert.equal(await reader.until((text) => text !== ''), VERSION);
        assert.match(said[0] ?? '', /removed or replaced/);
        assert.ok(before > 0);
        unlinkSync(path);
        execFileSync('mkfifo', [path]);
        await until(() => said.length > 1, 'it noticed the new one');
        await writeFifo(path, `:r:${ASK_VERSION}`);
        await reader.until((text) => text === VERSION + VERSION);
        reader.close();
      },
      { options: { watchInterval: 20 } },
    ));

  test('answers several commands of one write in their order, into one reply FIFO or several', () =>
    serve(async ({ directory, path }) => {
      const [a, b] = [new ReplyReader(`${directory}a`), new ReplyReader(`${directory}b`)];
      const ask = (id: number): string => `{"jsonrpc":"2.0","id":${id},"method":"pwd"}`;
      const answer = (id: number): string => `{"jsonrpc":"2.0","result":{"WD":"run"},"id":${id}}`;
      await writeFifo(path, `:a:${ask(1)}:b:${ask(2)}\n:a:${ask(3)}\n:pwd:a\n\n`);
      assert.equal(await b.until((text) => text !== ''), answer(2));
      const all = `${answer(1)}${answer(3)}200 OK\nWD:: run\n\n`;
      assert.equal(await a.until((text) => text.length >= all.length), all);
      a.close();
      b.close();
    }));

  test('reads a command split over two writes as one, and discards an incomplete one with an error', () =>
    serve(
      async ({ directory, path, refused }) => {
        const reader = new ReplyReader(`${directory}r`);
        await writeFifo(path, `:r:${ASK_VERSION.slice(0, 20)}`);
        await writeFifo(path, ASK_VERSION.slice(20));
        assert.equal(await reader.until((text) => text !== ''), VERSION);
        await writeFifo(path, ':ds_set_state:r\ni\n');
        await reader.until((text) => text === `${VERSION}400 incomplete command\n\n`);
        await writeFifo(path, ':r:{"jsonrpc":');
        await reader.until((text) => text.endsWith('\n\n400 Parse_error'));
        assert.equal(refused('half'), 2);
        reader.close();
      },
      { options: { halfTimeout: 100 } },
    ));

  test('is not delayed by clients without a reply FIFO, or with one that is never opened or has an invalid name', () =>
    serve(
      async ({ directory, path, refused }) => {
        execFileSync('mkfifo', [`${directory}unopened`]);
        writeFileSync(`${directory}file`, 'precious');
        const reader = new ReplyReader(`${directory}r`);
        symlinkSync(`${directory}r`, `${directory}link`);
        for (const name of ['unopened', 'missing', 'file', 'link', '../r', 'a.b']) {
          await writeFifo(path, `:${name}:${ASK_VERSION}\n`);
        }
        await writeFifo(path, `:r:${ASK_VERSION}\n`);
        assert.equal(await reader.until((text) => text !== ''), VERSION);
        assert.equal(refused('reply-fifo'), 3, 'the one whose reply FIFO nobody reads was not waited for');
        await until(() => refused('reply-fifo') === 4, 'four answers were given up');
        assert.equal(refused('reply-name'), 2);
        assert.equal(reader.text, VERSION);
        reader.close();
      },
      { options: { openTimeout: 2500 } },
    ));

  test('waits a little for a client that opens its reply FIFO after it has asked', () =>
    serve(async ({ directory, path }) => {
      execFileSync('mkfifo', [`${directory}late`]);
      await writeFifo(path, `:late:${ASK_VERSION}\n`);
      await new Promise((resolve) => setTimeout(resolve, 60));
      const reading = import('node:fs/promises').then(({ readFile }) => readFile(`${directory}late`, 'utf8'));
      assert.equal(await within(reading, 'late reader'), VERSION);
    }));

  const many = Array.from({ length: 5000 }, (_, i) =>
    makeRow({ setId: 1, uri: `sip:10.0.${i >> 8}.${i & 255}`, attrs: 'x'.repeat(40) }),
  );

  test('writes an answer larger than a pipe as its reader takes it', () =>
    serve(
      async ({ directory, path }) => {
        execFileSync('mkfifo', [`${directory}slow`]);
        const fd = openSync(`${directory}slow`, constants.O_RDWR | constants.O_NONBLOCK);
        await writeFifo(path, ':slow:{"jsonrpc":"2.0","id":1,"method":"ds_list"}\n');
        const piece = Buffer.alloc(40_000);
        let text = '';
        await until(() => {
          try {
            text += piece.toString('latin1', 0, readSync(fd, piece));
          } catch (error) {
            assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
          }
          return text.endsWith(',"id":1}');
        }, 'the whole answer came');
        closeSync(fd);
        const listing = JSON.parse(text) as { result: { PARTITIONS: { SETS: { Destinations: unknown[] }[] }[] } };
        assert.equal(listing.result.PARTITIONS[0]?.SETS[0]?.Destinations.length, 5000);
      },
      { fixture: makeMiFixture({ rows: { default: many } }) },
    ));

  test('abandons a reader that stops reading, and serves others meanwhile', () =>
    serve(
      async ({ directory, path, refused }) => {
        execFileSync('mkfifo', [`${directory}stuck`]);
        const fd = openSync(`${directory}stuck`, constants.O_RDWR | constants.O_NONBLOCK);
        const reader = new ReplyReader(`${directory}r`);
        await writeFifo(path, `:stuck:{"jsonrpc":"2.0","id":1,"method":"ds_list"}\n:r:${ASK_VERSION}\n`);
        assert.equal(await reader.until((text) => text !== ''), VERSION);
        await until(() => refused('reply-fifo') === 1, 'the stuck one was given up');
        closeSync(fd);
        reader.close();
      },
      { fixture: makeMiFixture({ rows: { default: many } }), options: { stallTimeout: 300 } },
    ));
});
