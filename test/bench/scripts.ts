import { type ScriptRunner, startScript } from '../support/script-run.js';
import type { PathRun } from './path.js';
import type { StartProxy } from './proxies.js';
import { median } from './report.js';
import { startSwitchyardOnScript, startSwitchyardWith } from './switchyard.js';

/** The same job as rules, and as Kamailio's file run by the interpreter. */
export const SCRIPT_AND_RULES: readonly StartProxy[] = [
  (destinations) => startSwitchyardWith(destinations, [], { name: 'rules' }),
  startSwitchyardOnScript,
];

/** The median over the rounds of the ratio of the script's cost to that of the rules in the same round. */
export function ratioOfScript(runs: readonly PathRun[]): string {
  const of = (name: string) => runs.filter(({ proxy }) => proxy === name);
  const rules = of('rules');
  const ratios = of('script').map((run, i) => run.cpuPerCall / (rules[i]?.cpuPerCall ?? Number.NaN));
  const each = ratios.map((ratio) => ratio.toFixed(2)).join(' ');
  return `  script / rules ${median(ratios).toFixed(2)} (median of ${ratios.length} rounds: ${each}; goal: at most 1.1)`;
}

/** Nine statements that an ACK executes, nested ones included. */
const NINE = `if (is_method("REGISTER")) { exit; }
if ($rU == "nobody") { $var(x) = 1; } else { $var(x) = 2; }
$var(y) = $var(x) + 3;
if ($var(y) > 100 && $si == "10.0.0.1") { exit; }
$avp(dst) = "gw1";
switch ($rm) { case "BYE": exit; case "INVITE": $var(z) = 5; break; }
if (!is_method("ACK|BYE")) exit;
$var(w) = $rU;`;
/** Together with xlog and exit at the end 200 statements. */
const BLOCKS = 22;
const MESSAGES = 2000;
const WARM_ROUNDS = 3;

/**
 * What 200 executed statements add to the cost of a message compared with an empty script, by dialect; in process, with
 * everything that the daemon does with a message. The message is an ACK outside of any transaction: nothing is sent for
 * it and no state remains.
 */
export async function statementCosts(rounds: number): Promise<string[]> {
  const lines: string[] = [];
  for (const dialect of ['opensips', 'kamailio'] as const) {
    const statements = Array.from({ length: BLOCKS }, () => NINE).join('\n');
    const empty = startScript({ dialect, script: 'exit;' });
    const full = startScript({ dialect, script: `${statements}\nxlog("end");\nexit;` });
    try {
      const more: number[] = [];
      for (let round = 0; round < WARM_ROUNDS + rounds; round++) {
        const without = costOf(empty);
        const cost = costOf(full) - without;
        if (round >= WARM_ROUNDS) more.push(cost);
      }
      // A script that ends early would have no cost.
      if (full.lines.length !== MESSAGES * (WARM_ROUNDS + rounds))
        throw new Error(`${dialect}: ${full.lines.length} runs`);
      const spread = `${Math.min(...more).toFixed(1)} to ${Math.max(...more).toFixed(1)}`;
      lines.push(
        `  ${dialect}: 200 statements cost ${median(more).toFixed(1)} us more a message than none (${spread} in ${rounds} rounds; goal: at most 15)`,
      );
    } finally {
      await empty.stop();
      await full.stop();
    }
  }
  return lines;
}

let serial = 0;

/** CPU microseconds per message. */
function costOf(runner: ScriptRunner): number {
  const texts = Array.from({ length: MESSAGES }, () => {
    const n = ++serial;
    return Buffer.from(
      `ACK sip:bob@sw.example SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK${n}\r\nMax-Forwards: 70\r\n` +
        `From: "Alice" <sip:alice@a.example>;tag=f${n}\r\nTo: <sip:bob@b.example>;tag=t${n}\r\nCall-ID: ${n}@a.example\r\n` +
        'CSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n',
      'latin1',
    ).toString('latin1');
  });
  const began = process.cpuUsage();
  for (const text of texts) runner.receive(text);
  const { user, system } = process.cpuUsage(began);
  return (user + system) / MESSAGES;
}
