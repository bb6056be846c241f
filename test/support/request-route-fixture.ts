import type { RequestRoute } from '../../src/route/script/request-route.js';
import { scriptFixture } from './script-fixture.js';

/** Runs a request route for one INVITE. */
export function run(request: (r: RequestRoute) => unknown, options: Parameters<typeof scriptFixture>[1] = {}) {
  const fixture = scriptFixture({ request }, options);
  fixture.call();
  return fixture;
}
