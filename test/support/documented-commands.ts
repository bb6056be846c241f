import { documents, textOf } from './documents.js';

/** A command line as it stands in a document. */
export interface DocumentedCommand {
  readonly document: string;
  /** Without prompt and comment. */
  readonly line: string;
  /** Whether it stands in running text, where it may be shortened. */
  readonly inline: boolean;
}

/** Programs that the documents have commands of, beside our own. */
const PROGRAMS =
  'switchyard|node|npm|npx|apt|cat|cd|curl|docker|echo|examples/\\S+|kamcmd|kamctl|kubectl|mkfifo|nats|nc|opensips-cli|printf|sipp|systemctl|test/\\S+';
const COMMAND = new RegExp(`^(?:[A-Z_]+=\\S+ )*(?:${PROGRAMS})(?: |$)`);

/** Made from the program itself, and compared with it by tests of their own. */
const GENERATED = new Set(['CHANGELOG.md', 'examples/cfg-reference.md', 'examples/command-line.md']);

/** Every command line in the documents: of shell blocks, of lines set off by four spaces, and in running text. */
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
    // What explains a command stands after it: after "# ", or two spaces off.
    const bare = line
      .replace(/\s+# .*$/, '')
      .replace(/^(switchyard [a-z]+) +/, '$1 ')
      .replace(/(?<=\S) {2,}.*$/, '');
    found.push({ document, line: bare.trimEnd(), inline });
  }
}

/** A command line as words, as a shell splits it: quotes taken off, up to a pipe or a redirection. */
export function shellWords(line: string): string[] {
  const words: string[] = [];
  for (const [word] of line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)) {
    if (/^(?:[|;&<]|[0-9]*>)/.test(word)) break;
    words.push(word.replace(/'([^']*)'|"([^"]*)"/g, (_, single, double) => single ?? double).replace(/;$/, ''));
  }
  return words;
}
