import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf } from '../../support/script-run.js';

/** Output of a script in opensips.cfg. */
const run = (script: string) => linesOf({ dialect: 'opensips', script: `${script} xlog("end\\n");` });

test('{s.int} has the integer at the beginning of a text as its number, and the text as its text', async () => {
  const script = `
    $var(d) = "2868.12 sec";
    if ($(var(d){s.int}) < 3600 && $(var(d){s.int}) == 2868) xlog("below\\n");
    $var(n) = $(var(d){s.int}) + 1;
    xlog("$var(n) [$(var(d){s.int})] [$(var(d){s.int}{s.len})]\\n");
    $var(t) = "abc"; $var(n) = $(var(t){s.int});
    xlog("$var(n) [$(var(t){s.int})]\\n");
    if ($(var(t){s.int})) xlog("no\\n");
    $var(t) = " -7x"; $var(n) = $(var(t){s.int}) * 2;
    xlog("$var(n)\\n");
    $var(n) = $(avp(none){s.int});
    xlog("$var(n)\\n");`;
  assert.deepEqual(await run(script), ['below', '2869 [2868.12 sec] [11]', '0 [abc]', '-14', '<null>']);
});

test('{via.comment} is the text in parentheses at the end, and {rest.escape} escapes for URLs', async () => {
  const script = `
    $var(v) = "SIP/2.0/UDP h.example:5070;branch=z9hG4bKx;received=192.0.2.1 (hello)";
    xlog("[$(var(v){via.comment})] [$(var(v){via.received})] [$(hdr(Via){via.comment})]\\n");
    $var(u) = "a b&c/~%";
    xlog("$(var(u){rest.escape}) $(var(u){rest.escape}{rest.unescape})\\n");`;
  assert.deepEqual(await run(script), ['[hello] [192.0.2.1] [<null>]', 'a%20b%26c%2F~%25 a b&c/~%']);
});
