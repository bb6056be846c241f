import { KAMAILIO, OPENSIPS } from '../../src/cfg/dialect.js';
import type { DialectName } from '../../src/cfg/function-table.js';
import { scriptVariables } from '../../src/modules/variables.js';
import type { TransformationDefinition } from '../../src/pvar/transformations/definition.js';
import type { VariableDefinition } from '../../src/pvar/variables/definition.js';
import type { FunctionCall } from './function-calls.js';

/** A text of the peer in a variable, so that it can stand in an argument. */
const PEER = '$var(y) = $hdr(Subject);';
/** What variables take as their argument: words that many of them know, and a text of the peer. */
const ARGUMENTS = [
  ...['Subject', 'Contact', 'X', 'x', '1', 'uri', 'user', '$var(y)'],
  ...['x=>$var(y)', 'x=>a', 'all', 'addr', 'body', 'sent-by', 'payload', 'm:media', 'o:ip', 'code', 'r', 'x/a'],
  ...['$fu', '$var(y),1', 'audio', 'u', 'host', 'id', 'min', 'n', 'UDP', 'num', 's', 'key', 'sr', '$avp(x)', 'x=>aor'],
  ...['$var(y)=>addr', '$var(y)=>port', 'ip', 'set', 'sec', 'to', 'group', 'callid', 'ref'],
];
/** What transformations take: numbers, separators, patterns, words and a text of the peer. */
const WORDS = ['1', '-1', ';', 'a', '/a|[0-9]+/x/g', '/^(.*),(.*)$/\\2/', '%Y', '$var(y)'];
/** Variables that are not read: they end or wait for what is outside of the test. */
const LEFT_OUT = new Set(['env']);

function readsOfVariable(name: string, { argument, indexed }: VariableDefinition): string[] {
  const plain = argument === 'required' ? [] : [name];
  const named = argument === 'none' ? [] : ARGUMENTS.map((each) => `${name}(${each})`);
  return [...plain, ...named].flatMap((each) => [
    `$var(w) = $(${each});`,
    `$(${each}) = $var(y);`,
    ...(indexed ? [`$var(w) = $(${each}[*]);`, `$var(w) = $(${each}[-1]);`, `$var(w) = $(${each}[30]);`] : []),
  ]);
}

function applied(name: string, { least, max }: TransformationDefinition): string[] {
  const found: string[] = [];
  for (let count = least; count <= max; count++) {
    if (count === 0) found.push(`{${name}}`);
    if (count === 1) found.push(...WORDS.map((each) => `{${name},${each}}`));
    if (count === 2) found.push(...WORDS.flatMap((one) => WORDS.map((two) => `{${name},${one},${two}}`)));
  }
  return found;
}

/** Reads and writes of every variable of a dialect, as statements. Many of them cannot be loaded. */
export function variableReads(dialect: DialectName): FunctionCall[] {
  const language = dialect === 'opensips' ? OPENSIPS : KAMAILIO;
  return [...new Map([...language.names.variables, ...scriptVariables(language)])].flatMap(([name, definition]) =>
    LEFT_OUT.has(name)
      ? []
      : readsOfVariable(name, definition).map((statement) => ({ name: `$${name}`, statement: `${PEER} ${statement}` })),
  );
}

/** Every transformation of a dialect of a header field, of the body and of a header field that stands often. */
export function transformationReads(dialect: DialectName): FunctionCall[] {
  const { names } = dialect === 'opensips' ? OPENSIPS : KAMAILIO;
  return [...names.transformations]
    .filter(([name]) => !/^nameaddr\.(?:[1-9]|1[0-8])\./.test(name))
    .flatMap(([name, definition]) =>
      applied(name, definition).map((each) => ({
        name: `{${name}}`,
        statement: `${PEER} $var(w) = $(hdr(Subject)${each}); $var(w) = $(rb${each});`,
      })),
    );
}
