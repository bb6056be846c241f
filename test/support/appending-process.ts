/** Run by a test: appends entries to the outbox file of its argument, and is killed after the event loop iteration. */
import { systemClock } from '../../src/core/clock.js';
import { nullLogger } from '../../src/core/logger.js';
import { OutboxFile } from '../../src/store/outbox-file.js';

const file = new OutboxFile(process.argv[2] as string, systemClock, nullLogger);
for (let i = 0; i < 100; i++) file.append(String(i), 'x'.repeat(300));
setImmediate(() => process.kill(process.pid, 'SIGKILL'));
