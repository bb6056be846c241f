import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTo, INVITE, type ScriptRunner, startScript } from '../../support/script-run.js';
import { until } from '../../support/until.js';

/** Answers the INVITE to port 5090 with 302, and returns the request-URIs of the following ones as "URI port". */
async function redirected(runner: ScriptRunner, contact: string, targets: number): Promise<string[]> {
  const invites = () => runner.sent.filter(({ text }) => text.startsWith('INVITE'));
  try {
    runner.receive(INVITE);
    await until('the first INVITE', () => invites().length === 1);
    runner.receive(answerTo(invites()[0]?.text ?? '', '302 Moved', { headers: [`Contact: ${contact}`] }), 5090);
    await until('the others', () => invites().length === 1 + targets && runner.lines.length > 0);
    return invites()
      .slice(1)
      .map(({ text, port }) => `${text.split(' ')[1]} ${port}`);
  } finally {
    await runner.stop();
  }
}

const script = (failure: string): string => `
  $du = "sip:127.0.0.1:5090"; t_on_failure("f"); t_relay(); }
  failure_route[f] { if (t_check_status("3[0-9][0-9]")) { ${failure} t_relay(); }`;
const CONTACTS = '<sip:a@127.0.0.1:1>;q=0.3, "B" <sip:b@127.0.0.1:2>;q=0.9, <sip:c@127.0.0.1:3>;q=0.5';

test('opensips: contacts of a redirection are tried at once, the best is the request-URI', async () => {
  const runner = startScript({
    dialect: 'opensips',
    modules: 'uac_redirect',
    script: script('get_redirects(2); xlog("$rc $ru\\n");'),
  });
  assert.deepEqual((await redirected(runner, CONTACTS, 2)).sort(), ['sip:b@127.0.0.1:2 2', 'sip:c@127.0.0.1:3 3']);
  assert.deepEqual(runner.lines, ['1 sip:b@127.0.0.1:2']);
});

test('opensips: contacts are kept out by the patterns of the file and of the script', async () => {
  const runner = startScript({
    dialect: 'opensips',
    modules: 'uac_redirect',
    head: 'modparam("uac_redirect", "deny_filter", ":2$")',
    script: script('set_deny_filter("^sip:a@"); get_redirects(); xlog("$rc\\n");'),
  });
  assert.deepEqual(await redirected(runner, CONTACTS, 1), ['sip:c@127.0.0.1:3 3']);
});

test('opensips 2: "4:1" allows 4 contacts in all, and 1 of each branch', async () => {
  const runner = startScript({
    dialect: 'opensips',
    old: true,
    modules: 'uac_redirect',
    script: script('get_redirects("4:1", "moved"); xlog("$rc\\n");'),
  });
  assert.deepEqual(await redirected(runner, CONTACTS, 1), ['sip:b@127.0.0.1:2 2']);
});

test('kamailio: contacts of a redirection are added as branches', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'uac_redirect tmx',
    head: 'modparam("uac_redirect", "default_filter", "deny")\nmodparam("uac_redirect", "accept_filter", "[ac]@")',
    script: script('get_redirects("*"); xlog("$rc\\n");').replace('route {', 'request_route {'),
  });
  assert.deepEqual((await redirected(runner, CONTACTS, 2)).sort(), ['sip:a@127.0.0.1:1 1', 'sip:c@127.0.0.1:3 3']);
});
