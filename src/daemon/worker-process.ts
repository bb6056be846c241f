import { runWorker } from '../workers/process.js';

/** The program of a worker process. What runs scripts is loaded only where there is one. */
runWorker(async () => (await import('./script-worker.js')).startScript);
