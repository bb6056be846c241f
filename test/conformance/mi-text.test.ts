import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FifoFraming } from '../../src/management/mi/fifo-framing.js';
import { recordedRows } from '../support/mi-fixture.js';
import { recordedFixture, replay, setRecordedTime } from '../support/mi-replay.js';
import { readTranscripts } from '../support/mi-transcript.js';

const ORIGINAL = 'OpenSIPS (2.1.5 (x86_64/linux))';
const OURS = 'OpenSIPS (4.1.0 (x86_64/linux)) switchyard (0.1.0)';
const PARSE_ERROR = '400 Parse_error';
const MENDED =
  'the original waits for an empty line for ever and swallows the next command; half a command is given up here';

/** Answers that differ intentionally: title, endpoint, index among those of that title, our answer, why. */
const DIFFERENCES: readonly (readonly [
  title: string,
  request: string,
  ours: string | RegExp | undefined,
  why: string,
])[] = [
  [
    'list after p (threshold 3!)',
    ':ds_list:\n',
    /127\.0\.0\.11:5060 state=Probing/,
    'probing an inactive destination starts to probe it; the original makes it active',
  ],
  ['garbage', 'garbage\n', PARSE_ERROR, 'neither form: as today’s OpenSIPS'],
  ['JSON', '{"jsonrpc":"2.0","id":1,"method":"ds_list"}', /^\{"jsonrpc":"2.0","result"/, 'both forms on one socket'],
  ['empty line', '\n', PARSE_ERROR, 'neither form: as today’s OpenSIPS'],
  ['leading newline', '\n:ds_reload:\n', PARSE_ERROR, 'neither form: as today’s OpenSIPS'],
  ['leading space', ' :ds_reload:\n', PARSE_ERROR, 'neither form: as today’s OpenSIPS'],
  ['after it', ':ds_reload:rpl1\n\n', '200 OK\n\n', MENDED],
  ['next', ':ds_reload:rpl1\n\n', '200 OK\n\n', MENDED],
  ['which', ':which:\n', /^200 OK\nget_statistics\n(.*\n)*ds_set_state\nds_list\nds_reload\n/, 'our own commands'],
  ['raise_event', ':raise_event:\nE_DISPATCHER_STATUS\na=b\n', '400 No Params\n', 'the command is there today'],
];

const EVENTS = ['E_CORE_THRESHOLD', 'E_CORE_SHM_THRESHOLD', 'E_CORE_PKG_THRESHOLD', 'E_DISPATCHER_STATUS'];
const CORE_STATISTICS =
  'rcv_requests rcv_replies fwd_requests fwd_replies drop_requests drop_replies err_requests err_replies bad_URIs_rcvd unsupported_methods bad_msg_hdr timestamp';

describe('MI line text answers as OpenSIPS 2.1', () => {
  const fixture = recordedFixture({
    startedAt: new Date(2026, 10, 21, 7, 8, 47).getTime(),
    argv: 'opensips -f run/O.cfg -P run/O.pid -m 64 -M 8 -w run',
    pid: 31536,
    receiver: 'SIP receiver udp:127.0.0.1:25080 ',
    events: EVENTS,
    statistics: CORE_STATISTICS,
    timestamp: 77,
    rows: recordedRows(25080),
  });
  const framing = new FifoFraming();
  const transcripts = readTranscripts('opensips-mi-text-2.1.md');

  test('the recording has all its sections', () => {
    assert.ok(transcripts.length > 100, `${transcripts.length} transcripts`);
    for (const [title, request] of DIFFERENCES) {
      assert.ok(
        transcripts.some((one) => one.title === title && one.request === request),
        `${title} is in the recording`,
      );
    }
  });

  for (const one of transcripts) {
    test(`${one.section}: ${one.title} (${one.endpoint})`, async () => {
      setRecordedTime(fixture, one.answer);
      const answer = await replay(fixture, framing, one);
      // Between two transcripts of incomplete commands enough time passed for them to time out.
      framing.expire();
      const difference = DIFFERENCES.find(([title, request]) => title === one.title && request === one.request);
      if (difference === undefined) assert.equal(answer, one.answer?.replaceAll(ORIGINAL, OURS));
      else if (difference[2] instanceof RegExp) assert.match(answer ?? '', difference[2], difference[3]);
      else assert.equal(answer, difference[2], difference[3]);
    });
  }
});
