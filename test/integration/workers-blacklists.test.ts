import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { loadLibc } from '../../src/sip/transport/native/libc.js';
import { type DaemonFixture, startDaemon } from '../support/daemon-fixture.js';
import { type Caller, type Gateway, startCaller, startGateway } from '../support/sip-endpoints.js';
import { until } from '../support/until.js';

const skip = 'libc' in (await loadLibc()) ? false : 'the system calls are not available';

describe('blacklists with two workers', { skip }, () => {
  const gateways: Gateway[] = [];
  let caller: Caller;
  let daemon: DaemonFixture;

  before(async () => {
    for (let i = 1; i <= 2; i++) gateways.push(await startGateway({ host: `127.0.4.${20 + i}`, name: `gw${i}` }));
    caller = await startCaller({ host: '127.0.4.20' });
    const [first, second] = gateways.map(({ uri }) => uri);
    daemon = await startDaemon(
      {
        workers: 2,
        worker_spread: 'even',
        modparam: { db_url: 'sqlite:./gateways.db', ds_define_blacklist: ['closed=9'] },
        routing: [{ match: { $rU: '/./' }, select: { set: 1, alg: 8, flags: 'f' }, use_blacklist: 'closed' }],
      },
      {
        default: [
          { setid: 1, destination: first, priority: 9 },
          { setid: 1, destination: second, priority: 1 },
          { setid: 9, destination: first },
        ],
      },
    );
  });

  after(async () => {
    caller?.stop();
    for (const each of gateways) each.kill();
    await daemon?.stop();
  });

  const dial = async (user: string): Promise<string> => {
    const call = await caller.placeCall({ ruri: `sip:${user}@acme.example`, proxy: `sip:127.0.0.1:${daemon.sipPort}` });
    return `${call.status} ${call.gateway}`;
  };
  const dialAll = async (user: string) =>
    [...new Set(await Promise.all(Array.from({ length: 16 }, (_, i) => dial(`${user}${i}`))))].sort();
  const questions = () => daemon.daemon.metrics.total('switchyard_worker_questions_total');

  test('destinations on a blacklist are passed over, and no worker asks the main process', async () => {
    const asked = questions();
    assert.deepEqual(await dialAll('first'), ['200 gw2']);
    assert.equal(questions(), asked);
  });

  test('a blacklist that follows its sets is the same in all workers after a change', async () => {
    const [first, second] = gateways.map(({ uri }) => uri);
    await daemon.daemon.mi.execute('ds_add', { set: 9, uri: second });
    await until('none is allowed', async () => (await dialAll('none')).every((each) => !each.startsWith('200')));
    assert.equal((await dialAll('none')).length, 1);
    await daemon.daemon.mi.execute('ds_remove', { set: 9, uri: first });
    await until('the first is allowed', async () => (await dialAll('again')).join() === '200 gw1');
  });
});
