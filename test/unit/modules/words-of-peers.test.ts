import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerChallenge, readChallenge } from '../../../src/modules/digest.js';
import { calculateRpn } from '../../../src/modules/math.js';
import { timePeriodHolds } from '../../../src/modules/time-period.js';
import { INVITE, startScript } from '../../support/script-run.js';

/** Properties that every JavaScript object inherits. */
const INHERITED = ['constructor', 'valueOf', '__proto__'];

test('a challenge whose algorithm is called "constructor" is not answered', () => {
  for (const algorithm of INHERITED) {
    const challenge = readChallenge(`Digest realm="r", nonce="n", algorithm=${algorithm}`);
    assert.ok(challenge !== undefined);
    const request = { method: 'INVITE', uri: 'sip:a@b', body: '' };
    assert.equal(answerChallenge(challenge, request, { user: 'u', password: 'p' }, 'c'), undefined, algorithm);
  }
});

test('a period with an unknown scale is ignored: the time recurrence matches', () => {
  for (const scale of ['constructor', 'valueOf', 'century'])
    assert.equal(timePeriodHolds(`${scale}{1}`, new Date(0)), true, scale);
});

test('an unknown function makes a formula invalid', () => {
  for (const word of [...INHERITED, 'root']) {
    assert.equal(calculateRpn(`1 ${word}`), undefined, word);
    assert.equal(calculateRpn(`1 2 ${word}`), undefined, word);
  }
  assert.equal(calculateRpn('1 2 +'), 3);
});

test('a transport of a Via that is not known has the number 0', async () => {
  const { lines, receive, stop } = startScript({ dialect: 'kamailio', script: 'xlog("$via0(protoid)\\n");' });
  try {
    receive(INVITE.replace('SIP/2.0/UDP', 'SIP/2.0/CONSTRUCTOR'));
    assert.deepEqual(lines, ['0']);
  } finally {
    await stop();
  }
});
