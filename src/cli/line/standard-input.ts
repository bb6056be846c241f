import type { CommandIo } from './io.js';

/** All bytes of standard input. Waits for a writer that is slower: readFileSync(0) throws EAGAIN on its pipe. */
export async function standardInput({ stdin }: Pick<CommandIo, 'stdin'>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
