import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FifoFraming, type FifoItem } from '../../../../src/management/mi/fifo-framing.js';
import { MAX_REQUEST_BYTES } from '../../../../src/management/mi/handler.js';

/** The results of each write in short form: "json reply body", "text reply command(params)", "refused reason reply". */
function cut(...writes: readonly string[]): readonly string[] {
  const framing = new FifoFraming();
  return writes.flatMap((bytes) => framing.push(Buffer.from(bytes))).map(short);
}

function short(item: FifoItem): string {
  switch (item.kind) {
    case 'json':
      return `json ${item.reply} ${item.body}`;
    case 'text':
      return `text ${item.reply} ${item.request.command}(${item.request.params.map((each) => each.value).join('|')})`;
    case 'refused':
      return `refused ${item.reason} ${item.reply}`.trim();
  }
}

describe('FIFO framing', () => {
  test('distinguishes the two forms by the text after the second colon', () => {
    assert.deepEqual(cut(':r:{"id":1}\n:ds_list:r\n\n: :{"id":2}\n'), [
      'json r {"id":1}',
      'text r ds_list()',
      'refused reply-name',
    ]);
    assert.deepEqual(cut('::{"id":1}'), ['json  {"id":1}']);
    assert.deepEqual(cut(':ds_reload:\n\n'), ['text  ds_reload()']);
    assert.deepEqual(cut(':r:[{"id":1},\n{"id":2}]'), ['json r [{"id":1},\n{"id":2}]']);
  });

  test('reads several commands of one write, and a command split over several writes', () => {
    assert.deepEqual(cut(':a:{"id":1}:b:{"id":2}\r\n\n :c:{"id":3}xyz\n:d:e\n1\n2\n\n'), [
      'json a {"id":1}',
      'json b {"id":2}',
      'json c {"id":3}',
      'refused malformed',
      'text e d(1|2)',
    ]);
    assert.deepEqual(cut(':', 'a', ':', '{"x":"\\', '"}{"', '}', '\n:v:r\n', '\n'), [
      'json a {"x":"\\"}{"}',
      'text r v()',
    ]);
  });

  test('discards a half command when the next one begins', () => {
    assert.deepEqual(cut(':a:{"jsonrpc":"2.0",\n:b:{"id":2}\n'), ['refused half a', 'json b {"id":2}']);
    assert.deepEqual(cut(':a:{"x":"never closed\n:b:{"id":2}\n'), ['refused half a', 'json b {"id":2}']);
    assert.deepEqual(cut(':ds_reload:a\n:version:b\n\n'), ['refused half a', 'text b version()']);
    assert.deepEqual(cut(':ds_set_state:a\ni\n5\n:b:{"id":2}'), ['refused half a', 'json b {"id":2}']);
    assert.deepEqual(cut(':ds_reload:a:version:b\n\n'), ['refused half', 'text b version()']);
    assert.deepEqual(cut(':ds_rel:version:b\n\n'), ['refused half', 'text b version()']);
  });

  test('a parameter that starts with a colon is kept', () => {
    assert.deepEqual(cut(':ds_set_state:r\ni\n:5\nsip:a\n\n'), ['text r ds_set_state(i|:5|sip:a)']);
  });

  test('discards incomplete input when asked to, and finds the command after it', () => {
    const framing = new FifoFraming();
    assert.deepEqual(framing.push(Buffer.from(':a:{"x":')).map(short), []);
    assert.equal(framing.waiting, true);
    assert.deepEqual(framing.expire().map(short), ['refused half a']);
    assert.equal(framing.waiting, false);
    framing.push(Buffer.from(':a:{"x":[:b:{"id":2}'));
    assert.deepEqual(framing.expire().map(short), ['refused half a', 'json b {"id":2}']);
    framing.push(Buffer.from(':a:{"x":[:version:b\n\n'));
    assert.deepEqual(framing.expire().map(short), ['refused half a', 'text b version()']);
    framing.push(Buffer.from('garbage without end'));
    assert.equal(framing.waiting, true);
    framing.expire();
    assert.deepEqual(framing.push(Buffer.from(':a:{}')).map(short), ['json a {}']);
  });

  test('refuses reply names that lead out of the folder', () => {
    for (const name of ['../x', 'a/b', 'a.b', '/tmp/x', 'a b', 'x'.repeat(200)]) {
      assert.deepEqual(cut(`:${name}:{"id":1}\n:r:{}`), ['refused reply-name', 'json r {}'], name);
      if (name.length < 200)
        assert.deepEqual(cut(`:version:${name}\n\n:r:{}`), ['refused reply-name', 'json r {}'], name);
    }
  });

  test('the FIFO reader limits the text that it keeps', () => {
    const long = `:r:{"x":"${'x'.repeat(MAX_REQUEST_BYTES)}`;
    assert.deepEqual(cut(long, 'more', '"}\n', ':r:{}'), ['refused oversized r', 'json r {}']);
    assert.deepEqual(cut(`:version:r\n${'x\n'.repeat(MAX_REQUEST_BYTES / 2 + 1)}`, '\n:r:{}').at(-1), 'json r {}');
    assert.deepEqual(cut(`:${'x'.repeat(300)}`, 'x', '\n:r:{}'), ['refused malformed', 'json r {}']);
    assert.deepEqual(cut(`:r:${'['.repeat(1000)}\n:r:{}`), ['refused malformed', 'json r {}']);
    // Many complete commands together do not count as one long command.
    const many = ':r:{"id":1}\n'.repeat(MAX_REQUEST_BYTES / 8);
    assert.equal(cut(many).length, MAX_REQUEST_BYTES / 8);
  });

  test('gives the same result wherever the text is split', () => {
    const commands = [
      ':r1:{"a":[1,{"b":"}\\\\\\"{"}]}\n',
      ':ds_set_state:r2\ni\n5\n"sip:a"\n\n',
      '::{"é":"ü"}',
      '\n\n',
      'junk\n',
    ];
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...commands), { maxLength: 6 }),
        fc.array(fc.nat({ max: 40 }), { maxLength: 12 }),
        (parts, cuts) => {
          const bytes = Buffer.from(parts.join(''));
          const torn = new FifoFraming();
          const items: string[] = [];
          let from = 0;
          for (const length of cuts) {
            items.push(...torn.push(bytes.subarray(from, from + length)).map(short));
            from += length;
          }
          items.push(...torn.push(bytes.subarray(from)).map(short));
          assert.deepEqual(items, new FifoFraming().push(bytes).map(short));
        },
      ),
    );
  });

  test('throws nothing for any bytes, and keeps a limited number of them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(':a:{', '\n:', '"', ':r\n')), {
          maxLength: 20,
        }),
        (writes) => {
          const framing = new FifoFraming();
          for (const bytes of writes) framing.push(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
          framing.expire();
          assert.equal(framing.waiting, false);
          framing.push(Buffer.from('\n:last:{"id":1}'));
          framing.push(Buffer.from('\n\n:really:{"id":2}'));
          const left = framing.expire().map(short);
          assert.ok(left.length <= 3);
        },
      ),
    );
  });
});
