import type { Family } from './family.js';

const VALUE =
  '«0|1|5|-3|"7"|"abc"|""|" 5"|"5x"|$null|$rU|$sp|$cs|$ml|$var(a)|$var(b)|$avp(a)|$avp(n)|$sht(t=>k)|$sht(t=>n)|$vn(a)|$vz(a)|$hdr(X-N)|$hdr(None)|$rp|$xavp(q=>x)|$shv(s)»';
const TEXT = '«$rU|$var(b)|$avp(a)|$hdr(X-N)|$hdr(None)|$ru|$avp(n)|$vn(a)»';
const NUMBER = '«$var(a)|$sp|$cs|$avp(i)|$ml|$var(none)|$shv(n)|$sht(t=>n)»';

const BEGIN =
  '$var(a) = «0|1|7|-2»; $var(b) = «"abc"|"12"|""|"a,b;c=d"»; $avp(a) = «"x"|3|"10"»; $avp(i) = «4|-1»; $vn(a) = «$null|5|"v"»; $vz(a) = «$null|"z"|2»; $sht(t=>k) = «1|"s"»; $shv(s) = «"9"|2»; $xavp(q=>x) = «1|"y"»;';

/** Expressions, conditions, flow of control, typing. */
const EXPRESSIONS: Family = {
  area: 'expressions',
  head: 'loadmodule "htable.so"\nmodparam("htable", "htable", "t=>size=4;")',
  begin: BEGIN,
  statements: [
    `$var(r) = ${VALUE} «+|+|-|*|/|mod|&» ${VALUE};`,
    `$avp(r) = ${VALUE};`,
    `$var(r) = ${NUMBER} «+|-|*|/|mod|&|¦» ${NUMBER} «+|-|*» ${NUMBER};`,
    `$var(r) = ${TEXT} + ${VALUE} + ${TEXT};`,
    `$var(r) = (${NUMBER} + «1|2») * «3|-1» - ${NUMBER};`,
    `$var(r) = ${TEXT} «==|!=|=~» ${TEXT};`,
    `$var(r) = «-|!|» ${NUMBER};`,
    `if (${VALUE}) xlog("L_INFO", "@N@ T\\n"); else xlog("L_INFO", "@N@ F\\n");`,
    `if (!${TEXT}) xlog("L_INFO", "@N@ T\\n"); else xlog("L_INFO", "@N@ F\\n");`,
    `if ($«var(a)|var(b)|avp(a)|avp(n)|rU|sp|cs|vn(a)|vz(a)|hdr(X-N)|hdr(None)|sht(t=>n)|xavp(q=>x)» «==|!=|<|>|<=|>=» ${VALUE}) xlog("L_INFO", "@N@ T\\n"); else xlog("L_INFO", "@N@ F\\n");`,
    `if (${NUMBER} «==|!=|<|>» ${NUMBER} «&&|¦¦|and|or» ${TEXT} «==|!=» «"abc"|""|$null|"x"») xlog("L_INFO", "@N@ T\\n"); else xlog("L_INFO", "@N@ F\\n");`,
    `if (${TEXT} =~ «"^a"|"[0-9]+"|"B"|$var(b)|""|"^$"») xlog("L_INFO", "@N@ T\\n"); else xlog("L_INFO", "@N@ F\\n");`,
    `if («strempty(${TEXT})|defined ${TEXT}|strlen(${TEXT}) == 3|strlen(${TEXT}) > 0») xlog("L_INFO", "@N@ T\\n"); else xlog("L_INFO", "@N@ F\\n");`,
    `$var(r) = «strlen(${VALUE})|defined ${VALUE}|strempty(${TEXT})»;`,
    `switch (${VALUE}) { case «1|7|0»: xlog("L_INFO", "@N@ c1\\n"); «|break;» case «5|3»: xlog("L_INFO", "@N@ c2\\n"); break; «|default: xlog("L_INFO", "@N@ d\\n");» }`,
    `switch (${TEXT}) { case «"abc"|"alice"|""»: xlog("L_INFO", "@N@ c1\\n"); «|break;» case /«"^a"|"[0-9]"»: xlog("L_INFO", "@N@ c2\\n"); break; «|default: xlog("L_INFO", "@N@ d\\n");» }`,
    `$var(w) = «3|0|-2|5»; while ($var(w) «> 0|< 3|!= 0|») { xlog("L_INFO", "@N@ w=$var(w)\\n"); «if ($var(w) == 2) break;|if ($var(w) == 1) { exit; }|» $var(w) = $var(w) «- 1|+ 1|- 2»; if ($var(w) > 6) break; }`,
    `route(«A|B|C|D»);`,
    `$var(r) = route(«A|B|C|D»);`,
    `if («|!»route(«A|B|C|D»)) xlog("L_INFO", "@N@ T rc=$rc\\n"); else xlog("L_INFO", "@N@ F rc=$rc\\n");`,
    `$var(x) = "«A|B|none»"; route(«$var(x)|"A"»);`,
    `if («is_method("INVITE")|is_method("OPTIONS¦BYE")|has_totag()|has_body("application/sdp")|is_present_hf("X-N")|$rU == "alice"» «&&|and|or» «!has_totag()|is_method("INVITE")|$sp > 0|$var(a)») xlog("L_INFO", "@N@ T rc=$rc\\n"); else xlog("L_INFO", "@N@ F rc=$rc\\n");`,
    `$var(«a|b») = ${VALUE};`,
    `$avp(«a|n») = ${VALUE};`,
    `$sht(t=>«k|n») = ${VALUE};`,
    `$vn(a) = ${VALUE}; if ($vn(a) == $null) xlog("L_INFO", "@N@ null\\n");`,
    `$shv(«n|s») = ${VALUE};`,
    `pv_unset("$«var(a)|avp(a)|vn(a)|sht(t=>k)|xavp(q)»");`,
    `pv_isset("$«var(a)|avp(a)|vn(a)|sht(t=>n)|xavp(q=>x)|hdr(None)|rU»");`,
    `is_int("$«var(a)|var(b)|avp(a)|rU|sp|cs|hdr(None)»");`,
    `typeof("$«var(a)|var(b)|avp(a)|rU|sp|hdr(None)|xavp(q)|xavp(q=>x)»", "«int|str|null|xavp»");`,
    `not_empty("$«var(a)|var(b)|avp(a)|hdr(None)|vn(a)»");`,
  ],
  probe: 'r=[$var(r)] ar=[$avp(r)] a=[$var(a)] b=[$var(b)] n=[$avp(n)]',
  routes: {
    'route[A]': '«return 1;|return -1;|return 5;|return;|return $var(a);|return $var(a) - 1;»',
    'route[B]': 'xlog("L_INFO", "B\\n"); «is_method("INVITE");|is_method("BYE");|$var(z) = 1;|route(A);|»',
    'route[C]':
      'if («$var(a)|$rU == "alice"|route(A)|has_totag()») { return «2|-2|0»; } «xlog("L_INFO", "C end\\n");|return 3;|exit;|break;»',
    'route[D]':
      '$var(d) = $var(d) + 1; if ($var(d) < 3) { route(D); } xlog("L_INFO", "D $var(d)\\n"); «return 1;|drop;|»',
  },
  requests: [{ method: '«INVITE|OPTIONS|MESSAGE»', headers: '«X-N: 5|X-N: abc|X-N:|X-M: 1\nX-N: 007»' }],
};

const SUBJECT =
  '«var(s)|var(u)|var(n)|var(p)|var(m)|ru|fu|hdr(From)|hdr(Contact)|ct|rU|avp(none)|var(i)|hdr(X-P)|rb|mb|ci»';
const STRING =
  '«s.len|s.int|s.md5|s.tolower|s.toupper|s.substr,«0|1|-2»,«0|2|5|-1»|s.select,«0|1|-1|5»,«,|;|:|@»|s.encode.hexa|s.escape.common|s.unescape.common|s.escape.user|s.escape.param|s.unescape.param|s.unescape.user|s.escape.csv|s.numeric|s.encode.base64|s.encode.base64t|s.encode.base64url|s.trim|s.ltrim|s.rtrim|s.rm,«a|s|bc»|s.strip,«1|3|99»|s.striptail,«1|4»|s.prefixes|s.prefixes,«2|9»|s.replace,«a|b|sip»,«x||yy»|s.ftime,%Y|s.rmws|s.corehash|s.corehash,«8|16»|s.unquote|s.unbracket|s.count,«a|,|e»|s.before,«@|:|z»|s.after,«@|:|z»|s.fmtlines,«10|4»,«1|2»|s.sha256|s.sha384|s.sha512|s.urlencode.param|s.urldecode.param|s.substr,$var(i),2|s.strip,$var(i)»';
const URI =
  '«uri.user|uri.host|uri.passwd|uri.port|uri.params|uri.param,«user|transport|x|lr»|uri.headers|uri.transport|uri.ttl|uri.uparam|uri.maddr|uri.method|uri.lr|uri.r2|uri.scheme|uri.tosocket»';
const OTHER =
  '«param.value,«a|b|x|user»|param.value,a,«&|;»|param.in,«a|z»|param.valueat,«0|1|9»|param.name,«0|1|-1»|param.count|param.count,«,|;»|nameaddr.name|nameaddr.uri|nameaddr.len|tobody.uri|tobody.tag|tobody.display|tobody.params|tobody.user|tobody.host|line.count|line.at,«0|1|-1»|line.sw,«a=|m=|v»|re.subst,/«a|[0-9]+|^s»/«X|<\\0>|»/«g|i|»|urialias.encode»';

const TRANSFORMATIONS: Family = {
  area: 'transformations',
  head: '',
  begin:
    '$var(i) = «1|2|0»; $var(s) = «"abCabC"|"  sp \\t"|"a,b,c"|"sip:x@y.z"|"\\"q, s\\" <sip:q@h>"|""|"a b%20c&d=e"|"\'sq\'"»; $var(n) = «5|-12|"0x1f"|"12abc"|"0"»; $var(p) = «"a=1;b=2;x"|"a=\\"q;q\\";b=2"|"a=1,b=2"|";a=1"|"a"»; $var(u) = «"sip:u:pw@h.example:5077;transport=tcp;x=1;lr?H=1"|"tel:+49123;x=2"|"sips:h.example"|"notauri"|"sip:alice@10.0.0.1;alias=10.0.0.2~5090~1"»; $var(m) = «"l1\\nl2\\r\\nl3"|"one"|"\\n\\n"»;',
  statements: [
    `xlog("L_INFO", "@N@ [$(${SUBJECT}{${STRING}})]\\n");`,
    `xlog("L_INFO", "@N@ [$(${SUBJECT}{${URI}})]\\n");`,
    `xlog("L_INFO", "@N@ [$(${SUBJECT}{${OTHER}})]\\n");`,
    `xlog("L_INFO", "@N@ [$(${SUBJECT}{${STRING}}{${STRING}})]\\n");`,
    `xlog("L_INFO", "@N@ [$(${SUBJECT}{${URI}}{${STRING}})]\\n");`,
    `$var(r) = $(${SUBJECT}{${STRING}}) «+ 1|+ "x"|»; xlog("L_INFO", "@N@ [$var(r)]\\n");`,
    `if ($(${SUBJECT}{${STRING}}) «== «0|1|"abc"|""|$null|5»|!= «0|1|"abc"|""|$null|5»|> «0|1|5»|=~ «"abc"|"a"|"[0-9]"»») xlog("L_INFO", "@N@ T\\n"); else xlog("L_INFO", "@N@ F\\n");`,
  ],
  max: 12,
  requests: [{ headers: '«X-P: a=1;b=2|X-P: "d" <sip:p@q>;tag=1|X-Q: 1»' }],
};

export const LANGUAGE: readonly Family[] = [EXPRESSIONS, TRANSFORMATIONS];
