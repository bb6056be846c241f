import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FifoFraming } from '../../src/management/mi/fifo-framing.js';
import { recordedFixture, replay, setRecordedTime } from '../support/mi-replay.js';
import { readTranscripts } from '../support/mi-transcript.js';

const ORIGINAL = 'OpenSIPS (4.1.0-dev (x86_64/linux))';
const OURS = 'OpenSIPS (4.1.0 (x86_64/linux)) switchyard (0.1.0)';
const INVALID = '{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}';

/** Answers that differ intentionally: section, title, our answer, why. All others are equal byte for byte. */
const DIFFERENCES: readonly (readonly [
  section: string,
  title: string,
  ours: string | RegExp | undefined,
  why: string,
])[] = [
  [
    'protocol',
    '2.1 style line protocol',
    /^200 OK\nPARTITION:: p2\n/,
    'the line text form is served on the same socket',
  ],
  ['protocol', 'empty object', INVALID, 'the original ends; JSON-RPC 2.0 section 5.1'],
  ['protocol', 'no method', INVALID.replace('null', '1'), 'the original ends; JSON-RPC 2.0 section 5.1'],
  ['protocol', 'method not string', INVALID.replace('null', '1'), 'the original ends; JSON-RPC 2.0 section 5.1'],
  [
    'protocol',
    'batch',
    `[{"jsonrpc":"2.0","result":{"Server":"${OURS}"},"id":1},` +
      '{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":2}]',
    'the original ends; JSON-RPC 2.0 section 6',
  ],
  ['protocol', 'empty batch', INVALID, 'the original ends; JSON-RPC 2.0 section 6'],
  [
    'core commands',
    'which (whole list)',
    /^\{"jsonrpc":"2\.0","result":\["statistics:get",.*"dispatcher:set_state","dispatcher:list","dispatcher:reload",/,
    'which commands there are is each program’s own affair',
  ],
];

/** The recording has no transcript of some changes; the next transcript shows their result. */
const NOT_RECORDED: Readonly<Record<string, readonly [state: string, group: string, address: string]>> = {
  'ds_reload/reload': ['i', '5', 'sip:127.0.0.11:5060'],
};

const EVENTS = [
  'E_CORE_SR_STATUS_CHANGED',
  'E_CORE_THRESHOLD',
  'E_CORE_SHM_THRESHOLD',
  'E_CORE_PKG_THRESHOLD',
  'E_CORE_PROC_AUTO_SCALE',
  'E_CORE_TCP_DISCONNECT',
  'E_PROFILING_SCRIPT',
  'E_PROFILING_PROC',
  'E_DISPATCHER_STATUS',
  'E_CORE_LOG',
];
const CORE_STATISTICS =
  'rcv_requests rcv_replies fwd_requests fwd_replies drop_requests drop_replies err_requests err_replies bad_URIs_rcvd bad_msg_hdr slow_messages timestamp';

describe('MI JSON-RPC answers as OpenSIPS 4.1-dev', () => {
  const fixture = recordedFixture({
    argv: 'opensips -F -f run/M.cfg -P run/M.pid -m 64 -M 8 -w run',
    pid: 31220,
    receiver: 'SIP receiver udp:127.0.0.1:25070',
    events: EVENTS,
    statistics: CORE_STATISTICS,
    timestamp: 1,
  });
  const framing = new FifoFraming();
  const transcripts = readTranscripts('opensips-mi-json.md');

  test('the recording has all its sections', () => {
    assert.ok(transcripts.length > 120, `${transcripts.length} transcripts`);
    for (const [section, title] of DIFFERENCES) {
      assert.ok(
        transcripts.some((one) => one.section === section && one.title === title),
        `${section}/${title} is in the recording`,
      );
    }
  });

  test('"which" lists the commands of both servers in the same order', async () => {
    const recorded = transcripts.find((one) => one.title === 'which (whole list)')?.answer ?? '';
    const theirs = (JSON.parse(recorded) as { result: string[] }).result;
    const ours = (await fixture.handler.execute('which')) as string[];
    assert.deepEqual(
      ours.filter((name) => theirs.includes(name)),
      theirs.filter((name) => ours.includes(name)),
    );
    assert.equal(ours.filter((name) => theirs.includes(name)).length, 27);
  });

  test('the answers that differ from the recording, apart from the name of the server, are the listed ones', () => {
    const named = new Set(DIFFERENCES.map(([section, title]) => `${section}/${title}`));
    const equal = transcripts.filter(({ section, title }) => !named.has(`${section}/${title}`)).length;
    console.log(`${equal} of ${transcripts.length} recorded MI answers are equal`);
    for (const [section, title, , why] of DIFFERENCES) console.log(`  not ${section}/${title}: ${why}`);
    assert.ok(transcripts.length - equal <= DIFFERENCES.length + 1);
  });

  for (const one of transcripts) {
    test(`${one.section}: ${one.title} (${one.endpoint})`, async () => {
      const missing = NOT_RECORDED[`${one.section}/${one.title}`];
      if (missing !== undefined) await fixture.handler.execute('ds_set_state', missing);
      setRecordedTime(fixture, one.answer);
      const answer = await replay(fixture, framing, one);
      const difference = DIFFERENCES.find(([section, title]) => section === one.section && title === one.title);
      if (difference === undefined) {
        assert.ok(!one.crashed, 'what the original does not survive must be in the table');
        assert.equal(answer, one.answer?.replaceAll(ORIGINAL, OURS));
      } else if (difference[2] instanceof RegExp) assert.match(answer ?? '', difference[2], difference[3]);
      else assert.equal(answer, difference[2], difference[3]);
    });
  }
});
