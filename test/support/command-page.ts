import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CommandSpec } from '../../src/cli/line/command.js';
import { commandHelp, overview } from '../../src/cli/line/help.js';
import { loadCommands } from '../../src/cli/line/run.js';

/** The page with the help texts of all commands. */
export const COMMAND_PAGE = resolve(import.meta.dirname, '../../examples/command-line.md');

const INTRODUCTION = `# Command line

Made from the commands' own help by \`npm run docs\`. Standard output carries data; standard error carries messages and logs. With
\`--json\`, output and errors are JSON. \`NO_COLOR\` and output that is no terminal are respected.
`;

/** The current content of the page. */
export async function commandPage(): Promise<string> {
  const commands = await loadCommands();
  const part = (title: string, text: string) => `\n## ${title}\n\n\`\`\`text\n${text.trimEnd()}\n\`\`\`\n`;
  const pages = commands.flatMap((spec: CommandSpec) => [
    part(`switchyard ${spec.name}`, commandHelp(spec, [spec.name])),
    ...(spec.subcommands ?? []).map((below) =>
      part(`switchyard ${spec.name} ${below.name}`, commandHelp(below, [spec.name, below.name], spec.options)),
    ),
  ]);
  return [INTRODUCTION, part('Overview', overview(commands)), ...pages].join('');
}

// `npm run docs`
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(COMMAND_PAGE, await commandPage());
}
