import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCfgDaemon } from '../support/cfg-daemon.js';
import { freePort } from '../support/ports.js';

const FILE = `#!KAMAILIO
listen=LISTEN
listen=tcp:127.0.0.1:WEB
loadmodule "kex.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "xhttp.so"
loadmodule "xhttp_prom.so"
modparam("xhttp_prom", "xhttp_prom_stats", "sl:")
modparam("xhttp_prom", "prom_counter", "name=cnt_first;")
modparam("xhttp_prom", "prom_counter", "name=cnt_third; label=method:IP")
modparam("xhttp_prom", "prom_gauge", "name=gg_first;")
modparam("xhttp_prom", "prom_histogram", "name=histo; buckets=3.1:5; label=lbl")
request_route { exit; }
event_route[xhttp:request] {
  if ($hu == "/inc") {
    prom_counter_inc("cnt_first", "10"); xlog("$rc\\n");
    prom_counter_inc("cnt_third", "2", "push", "1.2.3.4"); xlog("$rc\\n");
    prom_counter_inc("cnt_third", "2", "push"); xlog("$rc\\n");
    prom_counter_inc("nosuch", "2"); xlog("$rc\\n");
    prom_counter_inc("cnt_first", "-1"); xlog("$rc\\n");
    prom_gauge_set("gg_first", "-12.5"); xlog("$rc\\n");
    prom_histogram_observe("histo", "4.5", "a"); xlog("$rc\\n");
    prom_histogram_observe("histo", "9", "a"); xlog("$rc\\n");
    prom_counter_inc("gg_first", "2"); xlog("$rc\\n");
    prom_counter_inc("cnt_third", "1", "q\\"u\\\\o", "x"); xlog("$rc\\n");
    prom_counter_inc("cnt_third", "1", "UTF8", "\xff"); xlog("$rc\\n");
    xhttp_reply("200", "OK", "text/plain", "x");
    exit;
  }
  if (prom_check_uri()) {
    prom_dispatch();
    exit;
  }
  xhttp_reply("404", "Not Found", "text/plain", "x");
}
`;

// The codes and lines of Kamailio 5.6.3 for the same file, except for the quotation mark in a label, which it does not
// escape.
test('/metrics has the metrics that a script counts', async (t) => {
  const web = await freePort();
  const utf8 = Buffer.from('Größe').toString('latin1');
  const daemon = await startCfgDaemon({ text: FILE.replace('WEB', String(web)).replace('UTF8', utf8) });
  t.after(() => daemon.stop());
  const get = async (path: string): Promise<Response> => fetch(`http://127.0.0.1:${web}${path}`);
  assert.equal((await get('/inc')).status, 200);
  assert.deepEqual(daemon.script, ['1', '1', '-1', '-1', '-1', '1', '1', '1', '-1', '1', '1']);
  const answer = await get('/metrics');
  assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4');
  const lines = (await answer.text()).trimEnd().split('\n');
  const plain = lines.map((line) => line.replace(/ \d{13}$/, ' TIME'));
  assert.deepEqual(plain.slice(0, 13), [
    '# User defined metrics',
    'kamailio_cnt_first 10 TIME',
    'kamailio_cnt_third{method="push", IP="1.2.3.4"} 2 TIME',
    'kamailio_cnt_third{method="q\\"u\\\\o", IP="x"} 1 TIME',
    'kamailio_cnt_third{method="Größe", IP="\ufffd"} 1 TIME',
    'kamailio_gg_first -12.500000 TIME',
    'kamailio_histo_bucket{lbl="a", le="3.100000"} 0 TIME',
    'kamailio_histo_bucket{lbl="a", le="5.000000"} 1 TIME',
    'kamailio_histo_bucket{lbl="a", le="+Inf"} 2 TIME',
    'kamailio_histo_sum{lbl="a"} 13.500000 TIME',
    'kamailio_histo_count{lbl="a"} 2 TIME',
    '',
    '# Kamailio statistics for group: sl:',
  ]);
  assert.ok(plain.includes('kamailio_sl_4xx_replies 0 TIME'), plain.join('\n'));
  for (const path of ['/metrics/', '/metrics?x=1', '/Metrics', '/']) assert.equal((await get(path)).status, 404, path);
});
