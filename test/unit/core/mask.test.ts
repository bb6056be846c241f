import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { maskSecrets, maskUri } from '../../../src/core/mask.js';
import { assertLinear, filled } from '../../support/growth.js';

describe('passwords in URIs', () => {
  test('a SIP URI is shown without its password', () => {
    assert.equal(maskUri('sip:gw:s3cret@10.0.0.1:5060;transport=tcp'), 'sip:gw:***@10.0.0.1:5060;transport=tcp');
    assert.equal(maskUri('SIPS:a;b?c:p@ss@host'), 'SIPS:a;b?c:***@host');
  });

  test('a URI without a password stays as it is', () => {
    for (const uri of ['sip:10.0.0.1:5060', 'sip:gw@10.0.0.1', 'sip:[::1]:5062', 'tel:+1;x=@', '']) {
      assert.equal(maskUri(uri), uri);
    }
  });

  test('passwords in a text are masked, whatever stands around them', () => {
    assert.equal(
      maskSecrets('cannot reach mysql://kam:p@ss/w@db/x, nor "sip:a:b@c"'),
      'cannot reach mysql://kam:***@db/x, nor "sip:a:***@c"',
    );
    assert.equal(maskSecrets('{"address":"sip:u:pw@h","n":1}'), '{"address":"sip:u:***@h","n":1}');
    assert.equal(maskSecrets('mail to a@b'), 'mail to a@b');
  });

  test('a URL that was taken for the path of a file has no password', () => {
    assert.equal(
      maskSecrets('mysql:/root:s3cret@127.0.0.1/x#: no such file'),
      'mysql:/root:***@127.0.0.1/x#: no such file',
    );
    assert.equal(maskSecrets('/srv/mysql://root:s3cret@h/x'), '/srv/mysql://root:***@h/x');
  });

  test('a password is masked whatever its length and characters', () => {
    const long = 'x'.repeat(5000);
    assert.equal(maskSecrets(`sip:a:${long}@b`), 'sip:a:***@b');
    assert.equal(maskSecrets('sip:a/b:c@d and mysql://u://p@h/d'), 'sip:a/b:***@d and mysql://u:***@h/d');
    assert.equal(maskSecrets('sip:u@h;sip:v:pw@i sip:x@y'), 'sip:u@h;sip:v:***@i sip:x@y');
  });

  test('a parameter "password" of a URI is masked, in a text too', () => {
    assert.equal(maskUri('sip:10.0.0.1;Password=s3c%40ret;transport=tcp'), 'sip:10.0.0.1;Password=***;transport=tcp');
    assert.equal(maskUri('sip:u:p@h;password=x?password=y&a=b'), 'sip:u:***@h;password=***?password=***');
    assert.equal(maskUri('sip:h;mypassword=x;password=;passwords=1'), 'sip:h;mypassword=x;password=;passwords=1');
    assert.equal(maskSecrets('{"a":"<sip:h;password=abc>;x","b":1}'), '{"a":"<sip:h;password=***>;x","b":1}');
    assert.equal(maskSecrets('{"a":"sip:h;password=abc\\"def"}'), '{"a":"sip:h;password=***\\"def"}');
  });

  test('the value of the parameter is masked also with blanks around it or quotes', () => {
    assert.equal(maskSecrets('<sip:h>; password = s3cret;x=1'), '<sip:h>; password = ***;x=1');
    assert.equal(maskSecrets('<sip:h>;\tPassword\t=s3cret, <sip:i>'), '<sip:h>;\tPassword\t=***, <sip:i>');
    assert.equal(maskSecrets('{"a":"<sip:h>; password = \\"s3cret\\";x"}'), '{"a":"<sip:h>; password = ***\\";x"}');
    assert.equal(maskSecrets('{"a":"sip:h;password=","b":1}'), '{"a":"sip:h;password=","b":1}');
    assert.equal(maskUri('sip:h;password = x'), 'sip:h;password = ***');
  });

  test('the work on a text is linear in its length', () => {
    const units = [
      'sip:',
      'sip:@',
      'a:',
      'sips:a:',
      'x://a:',
      'sip:a:b@ ',
      '://',
      '@',
      'a',
      ';password=',
      ';password=a',
      '&password',
      '; password ',
      '; ',
      '; password = "',
      '; password = "x',
    ];
    const cases = [...units, 'a@ ', 'a ', '@ :'].flatMap((unit) =>
      ['@', ':', ' sip:a:b@c'].map((end) => ({
        name: unit + end,
        make: (length: number) => filled(unit, length) + end,
      })),
    );
    assertLinear('maskSecrets', cases, (text) => void maskSecrets(text));
  });
});
