import { defineCommand } from '../line/command.js';

/** "switchyard completion". */
export const completion = defineCommand({
  name: 'completion',
  group: 'tool',
  summary: 'print the completion script of a shell',
  description: `
Prints a script that completes commands, options, their values and management commands. Packages install it. Without a package,
save it where the shell looks for such scripts.`,
  arguments: [{ name: 'SHELL', description: 'bash, zsh or fish.', choices: ['bash', 'zsh', 'fish'] }],
  examples: [
    ['bash', 'switchyard completion bash > /etc/bash_completion.d/switchyard'],
    ['zsh', 'switchyard completion zsh > /usr/local/share/zsh/site-functions/_switchyard'],
    ['fish', 'switchyard completion fish > ~/.config/fish/completions/switchyard.fish'],
  ],
  run: async ({ args, io, commands }) =>
    (await import('./scripts.js')).completion(args[0] as string, await commands(), io),
});
