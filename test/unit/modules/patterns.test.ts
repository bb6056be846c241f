import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, linesOf } from '../../support/script-run.js';

test('patterns of functions pass over letter case and match at every line in OpenSIPS, computed ones too', async () => {
  assert.match(INVITE, /Max-Forwards: 70/);
  const lines = await linesOf({
    dialect: 'opensips',
    modules: 'textops',
    script: `
      if (search("^max-forwards")) xlog("search\\n"); $var(p) = "^max-f";
      if (search($var(p))) xlog("search computed\\n");
      if (search_append("^max-FORWARDS: 70", "1")) xlog("append\\n");
      if (replace("^call-id: a", "Call-ID: b")) xlog("replace\\n");
      $var(p) = "^CSEQ"; if (replace($var(p), "CSeq")) xlog("replace computed\\n");
      if (remove_hf_re("^cont.c")) xlog("remove\\n"); if (!replace("nowhere", "x")) xlog("none\\n");
      xlog("end\\n");`,
  });
  assert.deepEqual(lines, ['search', 'search computed', 'append', 'replace', 'replace computed', 'remove', 'none']);
});
