import { documents, textOf } from './documents.js';

/** A command line in a document. */
export interface DocumentedCommand {
  readonly document: string;
  /** Without prompt and comment. */
  readonly line: string;
  /** Whether it is in running text, where it may be shortened. */
  readonly inline: boolean;
}

/** Programs with commands in the documents, besides switchyard. */
const PROGRAMS =
  'switchyard|node|npm|npx|apt|cat|cd|curl|docker|echo|examples/\\S+|kamcmd|kamctl|kubectl|mkfifo|nats|nc|opensips-cli|printf|sipp|systemctl|test/\\S+';
const COMMAND = new RegExp(`^(?:[A-Z_]+=\\S+ )*(?:${PROGRAMS})(?: |$)`);

/** Generated from the program and checked by other tests. */
const GENERATED = new Set(['CHANGELOG.md', 'examples/cfg-reference.md', 'examples/command-line.md']);

/** Every command line in the documents: in shell blocks, in lines indented by four spaces, and in running text. */
export function documentedCommands(): DocumentedCommand[] {
  const found: DocumentedCommand[] = [];
  for (const document of documents()) {
    if (GENERATED.has(document)) continue;
    const text = textOf(document);
    const blocks = /^```(\w*)\n([\s\S]*?)^```$/gm;
    for (const [, language, block] of text.matchAll(blocks)) {
      for (const line of (block as string).split('\n')) {
        if (language === 'sh' && line.trim() !== '' && !line.startsWith('#')) add(document, line, false);
        else if (language === '' && line.startsWith('$ ')) add(document, line.slice(2), false);
      }
    }
    const prose = text.replace(blocks, '');
    for (const [, line] of prose.matchAll(/^ {4}(\S.*)$/gm))
      if (COMMAND.test(line as string)) add(document, line as string, false);
    for (const [, line] of prose.matchAll(/`([^`\n]+)`/g))
      if (COMMAND.test(line as string)) add(document, line as string, true);
  }
  return found;

  function add(document: string, line: string, inline: boolean): void {
    // An explanation follows the command, after "# " or two spaces.
    const bare = line
      .replace(/\s+# .*$/, '')
      .replace(/^(switchyard [a-z]+) +/, '$1 ')
      .replace(/(?<=\S) {2,}.*$/, '');
    found.push({ document, line: bare.trimEnd(), inline });
  }
}

/** The words of a command line as split by a shell: without quotes, up to a pipe or a redirection. */
export function shellWords(line: string): string[] {
  const words: string[] = [];
  for (const [word] of line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)) {
    if (/^(?:[|;&<]|[0-9]*>)/.test(word)) break;
    words.push(word.replace(/'([^']*)'|"([^"]*)"/g, (_, single, double) => single ?? double).replace(/;$/, ''));
  }
  return words;
}
