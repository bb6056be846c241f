import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startScript } from '../../support/script-run.js';

test('rtpproxy_show lists the media proxies, rtpproxy_enable switches them off in all sets or in one', async () => {
  const head = `modparam("rtpproxy", "rtpproxy_sock", "1 == udp:127.0.0.1:22991 udp:127.0.0.1:22992=3")
modparam("rtpproxy", "rtpproxy_sock", "2 == udp:127.0.0.1:22991")`;
  const { daemon, stop } = startScript({ dialect: 'opensips', modules: 'rtpproxy', head, script: 'exit;' });
  const off = async (): Promise<readonly string[]> => {
    const list = (await daemon.mi.execute('rtpproxy:show')) as { url: string; set: number; disabled: string }[];
    return list.filter(({ disabled }) => disabled !== '0').map(({ url, set }) => `${set} ${url}`);
  };
  try {
    assert.deepEqual(await off(), []);
    const url = 'udp:127.0.0.1:22991';
    await daemon.mi.execute('rtpproxy_enable', { url, enable: '0', setid: '2' });
    assert.deepEqual(await off(), [`2 ${url}`]);
    await daemon.mi.execute('rtpproxy:enable', { url, enable: '0' });
    assert.deepEqual(await off(), [`1 ${url}`, `2 ${url}`]);
    await daemon.mi.execute('rtpproxy_enable', { url, enable: '1' });
    assert.deepEqual(await off(), []);
    await assert.rejects(daemon.mi.execute('rtpproxy_enable', { url, enable: '1', setid: '7' }), /not found/);
  } finally {
    await stop();
  }
});
