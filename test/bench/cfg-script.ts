/**
 * What 200 statements of a cfg script cost for one message, in microseconds of CPU: `node --import tsx
 * test/bench/cfg-script.ts`. Prints the least of several rounds for each dialect.
 */
import { cfg, TestRun } from '../support/cfg-script.js';

const REQUEST = [
  'INVITE sip:bob@sw.example:5060 SIP/2.0',
  'Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1',
  'Max-Forwards: 70',
  'From: "Alice" <sip:alice@caller.example>;tag=ft',
  'To: <sip:bob@sw.example>',
  'Call-ID: a@caller.example',
  'CSeq: 1 INVITE',
  'Content-Length: 0',
  '',
  '',
].join('\r\n');

/** Eight statements, not counting those inside of others. */
const EIGHT = `if (is_method("REGISTER")) { exit; }
if ($rU == "nobody") { $var(x) = 1; } else { $var(x) = 2; }
$var(y) = $var(x) + 3;
if ($var(y) > 100 && $si == "10.0.0.1") { exit; }
$avp(dst) = "gw1";
switch ($rm) { case "BYE": exit; case "INVITE": $var(z) = 5; break; }
if (!is_method("INVITE|ACK")) exit;
prefix("1");`;

const ROUNDS = 12;
const RUNS = 20_000;

for (const dialect of ['opensips', 'kamailio']) {
  const { script } = cfg(dialect, Array.from({ length: 25 }, () => EIGHT).join('\n'));
  const route = script?.route('request');
  if (route === undefined) throw new Error('the script does not compile');
  const run = new TestRun(REQUEST);
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const began = process.cpuUsage();
    for (let i = 0; i < RUNS; i++) {
      run.pvars.avps.delete('dst');
      route.run(run);
    }
    least = Math.min(least, process.cpuUsage(began).user / RUNS);
  }
  console.log(`${dialect}: ${least.toFixed(1)} us for 200 statements`);
}
