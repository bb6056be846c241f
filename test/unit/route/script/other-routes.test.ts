import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PvarScope } from '../../../../src/pvar/context.js';
import { AlgoRoute } from '../../../../src/route/script/algo-route.js';
import type { RouteScriptEnvironment } from '../../../../src/route/script/environment.js';
import { EventRoute } from '../../../../src/route/script/event-route.js';
import { LocalRoute } from '../../../../src/route/script/local-route.js';
import type { ScriptRoutes } from '../../../../src/route/script/routes.js';
import { scriptFixture } from '../../../support/script-fixture.js';
import { parsed, requestText } from '../../../support/sip-recorder.js';

const request = (): undefined => undefined;

describe('local routes', () => {
  const sent = (local: NonNullable<ScriptRoutes['local']>) => {
    const { environment, script, faults } = scriptFixture({ request, local });
    const text = requestText({ method: 'OPTIONS', uri: 'sip:10.0.0.1', headers: 'X-Old: 1\r\n' });
    return { text, sent: LocalRoute.run(environment, script, text), faults: faults() };
  };

  test('edit requests of our own', () => {
    const probe = sent((r) => {
      if (r.is_method('OPTIONS')) r.append_hf('X-Probe: $ru\r\n');
      r.remove_hf('X-Old');
    });
    const message = parsed(probe.sent);
    assert.deepEqual([message.header('x-probe'), message.header('x-old')], ['sip:10.0.0.1', undefined]);
  });

  test('that throw or wait leave them unchanged', () => {
    const thrown = sent((r) => {
      r.append_hf('X-Probe: 1\r\n');
      throw new Error('no probe');
    });
    assert.equal(thrown.sent, thrown.text);
    assert.match(thrown.faults[0]?.message ?? '', /no probe/);
  });
});

describe('the event route that event_callback names', () => {
  test('has the name of the event and its parameters', () => {
    const seen: unknown[] = [];
    const { environment, script } = scriptFixture({
      request,
      event: {
        ksr_dispatcher_event(e) {
          seen.push(e.event, e.params['address']);
        },
      },
    });
    const params = { address: 'sip:10.0.0.1' };
    EventRoute.run(environment, script, 'dispatcher:dst-down', params, 'ksr_dispatcher_event');
    EventRoute.run(environment, script, 'dispatcher:dst-down', params);
    assert.deepEqual(seen, ['dispatcher:dst-down', 'sip:10.0.0.1']);
  });
});

describe('event routes', () => {
  const params = { partition: 'default', group: 1, address: 'sip:10.0.0.1', status: 'inactive', code: undefined };

  test('read the parameters, count and log', () => {
    const seen: unknown[] = [];
    const { environment, script, log } = scriptFixture({
      request,
      event: {
        E_DISPATCHER_STATUS(e) {
          seen.push(e.event, e.params['address'], e.get('$param(group)'), e.get('$param(code)'), e.get('$ru'));
          seen.push(e.ds_count('$param(partition):$param(group)', 'a', '$var(n)'), e.get('$var(n)'));
          e.xlog('L_WARN', '$param(address) is $param(status)');
        },
      },
    });
    EventRoute.run(environment, script, 'E_DISPATCHER_STATUS', params);
    EventRoute.run(environment, script, 'E_OTHER', params);
    EventRoute.run(environment, script, 'constructor', params);
    assert.deepEqual(seen, ['E_DISPATCHER_STATUS', 'sip:10.0.0.1', 1, null, null, true, 3]);
    assert.deepEqual(
      log.map((each) => each.message),
      ['sip:10.0.0.1 is inactive'],
    );
  });

  test('that throw are logged, also after they waited', async () => {
    const { environment, script, faults } = scriptFixture({
      request,
      event: {
        NOW() {
          throw new Error('now');
        },
        async LATER() {
          await Promise.resolve();
          throw new Error('later');
        },
      },
    });
    EventRoute.run(environment, script, 'NOW', {});
    EventRoute.run(environment, script, 'LATER', {});
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(
      faults().map((each) => each.message.replace(/^.*: /, '')),
      ['now', 'later'],
    );
  });
});

describe('algo routes', () => {
  /** Selects with algorithm 10, with scores from the attributes of the destinations. */
  const ranked = (algo: NonNullable<ScriptRoutes['algo']>, name = 'SCORE') => {
    let order: unknown;
    const routes: ScriptRoutes = {
      algo,
      request(r) {
        r.ds_push_script_attrs('pushed', '10.0.0.2', 0, 1);
        r.ds_select_dst(1, 10, 'f');
        order = r.avps.all('ds_dst_failover').map((uri) => String(uri).slice('sip:10.0.0.'.length, -5));
      },
    };
    let environment: RouteScriptEnvironment | undefined;
    const fixture = scriptFixture(routes, {
      score: (pvars, destination) =>
        AlgoRoute.score(
          environment as RouteScriptEnvironment,
          { file: '/r.js', source: '', routes },
          name,
          pvars,
          destination,
        ),
    });
    environment = fixture.environment;
    fixture.call();
    return { order, faults: fixture.faults() };
  };

  test('select the lowest score first', () => {
    const scores: Record<string, number> = { first: 30, second: 10, third: 20 };
    assert.deepEqual(ranked({ SCORE: (d) => scores[d.attrs] ?? 0 }).order, ['2', '3', '1']);
  });

  test('select a negative score only if there is no other', () => {
    assert.deepEqual(ranked({ SCORE: (d) => (d.attrs === 'first' ? -1 : 5) }).order, ['2', '3', '1']);
  });

  test('can read destination, attributes, script attributes and the request', () => {
    const seen: unknown[] = [];
    ranked({
      SCORE(d) {
        seen.push([d.dst_uri, d.attrs, d.script_attrs, d.partition, d.get('$param(dst_uri)'), d.get('$fU')]);
        return 1;
      },
    });
    assert.deepEqual(seen[1], ['sip:10.0.0.2:5060', 'second', 'pushed', 'default', 'sip:10.0.0.2:5060', 'alice']);
    assert.equal(seen.length, 3);
  });

  test('that throw or do not return a number count as equal, and are logged', () => {
    const thrown = ranked({
      SCORE() {
        throw new Error('no score');
      },
    });
    assert.deepEqual([thrown.order, thrown.faults.length], [['1', '2', '3'], 3]);
    const text = ranked({ SCORE: (() => 'x') as unknown as () => number });
    assert.match(text.faults[0]?.message ?? '', /returned x, not a number/);
    assert.deepEqual(ranked({ SCORE: () => 1 }, 'OTHER').order, ['1', '2', '3']);
  });

  test('restore the parameters of the calling route at their end', () => {
    const { environment } = scriptFixture({ request });
    const pvars = new PvarScope(parsed(requestText()));
    pvars.params = new Map([['kept', 1]]);
    const script = { file: '/r.js', source: '', routes: { request, algo: { A: () => 3 } } };
    const destination = { partition: 'p', uri: 'sip:x', attrs: '', scriptAttrs: undefined };
    assert.equal(AlgoRoute.score(environment, script, 'A', pvars, destination), 3);
    assert.equal(pvars.params.get('kept'), 1);
  });
});
