/**
 * `npm run demo`: two tenants, five gateways, a few hundred calls, one gateway that dies in the middle. Everything runs
 * on loopback with free ports and a temporary folder, and ends by itself. Exit status 0 when every call was answered and
 * no call went to another tenant, else 1.
 *
 * `--nodes N`: a cluster of N nodes instead, see cluster.ts. `--calls N`: calls before and again around the failure (default 200).
 * `--stay`: goes on with calls, and a gateway that fails now and then, until it is interrupted: to look at the console.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { CallResult } from '../../test/support/sip-endpoints.js';
import { ClusterDemo } from './cluster.js';
import type { SeenEvent } from './events.js';
import { Progress } from './progress.js';
import { Stage } from './stage.js';

/** Far above what it takes: it only ends a demo that hangs. */
const HARD_LIMIT_MS = 180_000;
const CALLS_A_SECOND = 50;
const TENANTS = ['acme', 'globex'] as const;
const VICTIM = 'acme-1';

interface Call extends CallResult {
  readonly tenant: string;
}

const show = new Progress(process.stdout);
const stage = new Stage();
/** With --nodes: played in place of the stage. */
let cluster: ClusterDemo | undefined;
let number = 0;

/** Places calls at an even pace, the tenants in turn, and waits for their ends. */
async function placeCalls(count: number, what: string, at?: { readonly call: number; readonly run: () => void }) {
  const calls: Promise<Call>[] = [];
  let answered = 0;
  const began = performance.now();
  const status = () => {
    const spread = stage.gateways.map((each) => `${each.name} ${each.alive ? each.count('INVITE') : 'down'}`);
    show.at(`${what}: ${calls.length} placed, ${answered} answered   ${spread.join('  ')}`);
  };
  for (let i = 0; i < count; i++) {
    if (i === at?.call) at.run();
    const tenant = TENANTS[i % TENANTS.length] as string;
    const ruri = `sip:+4930${1000 + number++}@${tenant}.example`;
    calls.push(
      stage.caller.placeCall({ ruri, proxy: stage.proxy, holdMs: 200, timeoutMs: 8000 }).then((result) => {
        if (result.status === 200) answered++;
        return { ...result, tenant };
      }),
    );
    status();
    await sleep(Math.max(0, began + ((i + 1) * 1000) / CALLS_A_SECOND - performance.now()));
  }
  const ticker = setInterval(status, 100);
  const results = await Promise.all(calls);
  clearInterval(ticker);
  show.clear();
  return results;
}

/** Where calls went, as the gateways count them themselves; `before` is taken off. */
function table(before: ReadonlyMap<string, number>): void {
  for (const tenant of TENANTS) {
    const cells = stage
      .of(tenant)
      .map(
        (each) => `${each.name} ${each.count('INVITE') - (before.get(each.name) ?? 0)}${each.alive ? '' : ' (dead)'}`,
      );
    show.say(`  ${tenant.padEnd(7)} ${cells.join('   ')}`);
  }
}

const counts = () => new Map(stage.gateways.map((each) => [each.name, each.count('INVITE')]));

async function waitForEvent(status: string, since: number): Promise<SeenEvent> {
  const { uri } = stage.gateway(VICTIM);
  const deadline = performance.now() + 10_000;
  for (;;) {
    const found = stage.events.seen.find(
      (event) => event.at >= since && event.address === uri && event.status === status,
    );
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`no event said that ${uri} is ${status}`);
    show.at(`waiting for the event that says ${VICTIM} is ${status}`);
    await sleep(20);
  }
}

const plural = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

async function play(count: number): Promise<string[]> {
  await stage.open((what) => show.at(`starting ${what}`));
  show.say(`  the console: ${stage.console}`);
  show.head(`1. ${count} calls for two tenants`);
  show.say('  acme: weighted round robin, weights 2:1:1; globex: hash over the Call-ID');
  let before = counts();
  const all = await placeCalls(count, 'calls');
  table(before);

  show.head(`2. ${count} calls; ${VICTIM} is switched off after a third of them`);
  before = counts();
  let killedAt = 0;
  let upOnIt = 0;
  const second = await placeCalls(count, 'calls', {
    call: Math.floor(count / 3),
    run: () => {
      const victim = stage.gateway(VICTIM);
      upOnIt = victim.activeCalls;
      victim.kill();
      killedAt = performance.now();
      show.say(`  ${VICTIM} is off, with ${plural(upOnIt, 'call')} up on it`);
    },
  });
  all.push(...second);
  table(before);
  const moved = second.filter((call) => call.status === 200 && call.answerMs > 900).length;
  const answered = second.filter((call) => call.status === 200).length;
  show.say(
    `  ${answered} of ${count} answered; ${moved} of them waited a second for ${VICTIM} and then went elsewhere`,
  );

  show.head(`3. The event, by ${stage.events.way}`);
  const down = await waitForEvent('inactive', killedAt);
  show.say(`  ${down.text}`);
  show.say(`  ${seconds(down.at - killedAt)} after the gateway went off`);

  show.head('4. switchyard mi ds_list, over the FIFO');
  for (const line of (await stage.run('mi', '--config', stage.config, 'ds_list')).trimEnd().split('\n')) {
    show.say(`  ${line}`);
  }

  show.head(`5. ${VICTIM} is switched on again`);
  const revivedAt = performance.now();
  await stage.gateway(VICTIM).revive();
  const up = await waitForEvent('active', revivedAt);
  show.say(`  event "active" ${seconds(up.at - revivedAt)} later; ${Math.ceil(count / 4)} more calls:`);
  before = counts();
  all.push(...(await placeCalls(Math.ceil(count / 4), 'calls')));
  table(before);
  const back = stage.gateway(VICTIM).count('INVITE') - (before.get(VICTIM) ?? 0);

  return judge(all, upOnIt, back);
}

/** What was promised and did not come true. */
function judge(calls: readonly Call[], upOnIt: number, back: number): string[] {
  const faults: string[] = [];
  const failed = calls.filter((call) => call.status !== 200);
  for (const call of failed.slice(0, 5)) {
    faults.push(`call ${call.callId} of ${call.tenant} failed: ${call.status || 'no answer'} ${call.reason}`.trim());
  }
  if (failed.length > 5) faults.push(`... and ${failed.length - 5} more failed`);
  const strayed = calls.filter((call) => call.gateway !== '' && !call.gateway.startsWith(`${call.tenant}-`));
  for (const call of strayed.slice(0, 5)) faults.push(`a call of ${call.tenant} went to ${call.gateway}`);
  const hung = calls.filter((call) => call.status === 200 && call.byeStatus !== 200);
  if (hung.some((call) => call.gateway !== VICTIM)) faults.push('a call on a living gateway could not be ended');
  if (back === 0) faults.push(`${VICTIM} got no calls after it had come back`);
  show.head('Summary');
  const ofTenant = (tenant: string) => {
    const own = calls.filter((call) => call.tenant === tenant);
    return `${tenant} ${own.filter((call) => call.status === 200).length} of ${own.length}`;
  };
  show.say(`  calls answered        ${TENANTS.map(ofTenant).join(', ')}`);
  show.say(`  to the other tenant   ${strayed.length}`);
  show.say(
    `  up when it died       ${plural(upOnIt, 'call')} on ${VICTIM}; ${hung.length} could not be hung up in order`,
  );
  show.say(`  events                ${stage.events.seen.map((each) => each.status).join(', ')}`);
  return faults;
}

/** Calls at an even pace, and one gateway after another that fails for a while, until somebody interrupts. */
async function stay(): Promise<never> {
  show.head(`The console: ${stage.console}`);
  show.say('  calls go on, and a gateway fails now and then; end it with Ctrl-C');
  for (let round = 0; ; round++) {
    const victim = stage.gateways[round % stage.gateways.length];
    await placeCalls(150, 'calls');
    victim?.kill();
    show.say(`  ${victim?.name} is off`);
    await placeCalls(400, 'calls');
    await victim?.revive();
    show.say(`  ${victim?.name} is on again`);
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      calls: { type: 'string', default: '200' },
      nodes: { type: 'string', default: '1' },
      stay: { type: 'boolean', default: false },
    },
  });
  if (!values.stay) setTimeout(() => giveUp(`not done within ${HARD_LIMIT_MS / 1000} s`, 1), HARD_LIMIT_MS).unref();
  if (values.nodes !== '1') return playCluster(Number(values.nodes));
  const count = Number(values.calls);
  if (!Number.isInteger(count) || count < 12 || count > 600) throw new Error('--calls takes a number from 12 to 600');
  const began = performance.now();
  const faults = await play(count);
  if (values.stay) await stay();
  show.at('stopping the daemon');
  const status = await stage.close();
  if (status !== 0) faults.push(`the daemon ended with status ${status}: ${stage.daemon.said()}`);
  for (const fault of faults) show.say(`  FAILED: ${fault}`);
  show.say(
    `  ${faults.length === 0 ? 'every call succeeded' : 'not everything went well'}; ${seconds(performance.now() - began)}`,
  );
  return faults.length === 0 ? 0 : 1;
}

async function playCluster(nodes: number): Promise<number> {
  if (!Number.isInteger(nodes) || nodes < 3 || nodes > 5) throw new Error('--nodes takes 1, or a number from 3 to 5');
  const began = performance.now();
  cluster = new ClusterDemo(show, nodes);
  const faults = await cluster.play();
  show.at('stopping the nodes');
  await cluster.close();
  for (const fault of faults) show.say(`  FAILED: ${fault}`);
  show.say(
    `  ${faults.length === 0 ? 'all went as promised' : 'not everything went well'}; ${seconds(performance.now() - began)}`,
  );
  return faults.length === 0 ? 0 : 1;
}

function giveUp(why: string, status: number): void {
  show.say(`demo: ${why}`);
  // Children end with this process; a folder would stay.
  const hurry = setTimeout(() => process.exit(status), 3000);
  hurry.unref();
  void (cluster ?? stage).close().finally(() => process.exit(status));
}

process.once('exit', () => {
  cluster?.remove();
  stage.remove();
});
process.once('SIGINT', () => giveUp('interrupted', 130));
process.once('SIGTERM', () => giveUp('interrupted', 143));

try {
  const status = await main();
  process.exit(status);
} catch (error) {
  giveUp((error as Error).message, 1);
}
