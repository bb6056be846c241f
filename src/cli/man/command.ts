import { defineCommand } from '../line/command.js';

/** "switchyard man". */
export const man = defineCommand({
  name: 'man',
  group: 'tool',
  summary: 'print the manual page',
  description:
    'Prints the manual page switchyard(8) in the format of man, made from the help texts. Packages install it.',
  examples: [['read it', 'switchyard man | man -l -']],
  run: async ({ io, commands }) => {
    io.out((await import('./page.js')).manualPage(await commands()));
    return 0;
  },
});
