import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf } from '../../support/script-run.js';

/** Recorded from Kamailio 5.6.3. */
const SOCKETS: Readonly<Record<string, string>> = {
  'sip:a@1.2.3.4;transport=tcp': 'tcp:1.2.3.4:5060',
  'sip:a@h.example;transport=UDP': 'udp:h.example:5060',
  'sip:a@h.example;transport=tls': 'tls:h.example:5061',
  'sip:a@[::1]:5061;transport=udp': 'udp:[::1]:5061',
  'sip:a@h;transport=ws': 'ws:h:5060',
  'sip:h:5060;transport=sctp;x=1': 'sctp:h:5060',
  'sip:a@1.2.3.4:5066': '',
  'sips:a@h.example:5061': '',
  'sip:a@h.example:5061;transport=xyz': '',
  'sip:a@h:1;transport=': '',
  'tel:123': '',
};

test('{uri.tosocket} is the socket of a URI that names its transport', async () => {
  const script = Object.keys(SOCKETS).map((uri) => `$var(u) = "${uri}"; xlog("[$(var(u){uri.tosocket})]\\n");`);
  const lines = await linesOf({ dialect: 'kamailio', script: script.join('\n') });
  assert.deepEqual(
    lines,
    Object.values(SOCKETS).map((each) => `[${each}]`),
  );
});
