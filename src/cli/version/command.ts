import { VERSION } from '../../daemon/version.js';
import { defineCommand, JSON_OUTPUT } from '../line/command.js';

/** "switchyard version". */
export const version = defineCommand({
  name: 'version',
  group: 'tool',
  summary: 'show the version of this program and of Node.js',
  description: 'Shows the version. "switchyard --version" prints the same first line.',
  options: { json: JSON_OUTPUT },
  examples: [['for a script', 'switchyard version --json']],
  run: async ({ options, io }) => {
    const { version: node, arch, platform } = process;
    if (options.json === true) io.out(`${JSON.stringify({ version: VERSION, node: node.slice(1), platform, arch })}\n`);
    else io.out(`switchyard ${VERSION}\nnode ${node.slice(1)} on ${platform} ${arch}\n`);
    return 0;
  },
});
