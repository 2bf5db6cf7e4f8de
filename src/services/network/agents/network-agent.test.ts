import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptyHostNetworkState, type HostNetworkState } from '../drivers/driver.ts';
import { simulatedNetwork } from '../drivers/simulated/simulated.ts';
import { type HostNetworkChange, networkAgent } from './network-agent.ts';

const port = (id: string, adminStateUp = true) => ({
  id,
  networkId: 'net',
  mac: 'fa:16:3e:00:00:01',
  fixedIps: [],
  allowedAddressPairs: [],
  portSecurity: true,
  securityGroups: [],
  adminStateUp,
});
const withPorts = (...ports: ReturnType<typeof port>[]): HostNetworkState => ({
  ...emptyHostNetworkState(),
  ports,
});

describe('the network agent of a host', () => {
  it('has in place what was wanted when sync was called, also when a run was under way', async () => {
    const driver = simulatedNetwork();
    let state = withPorts(port('a'));
    const gate = Promise.withResolvers<void>();
    const reading = Promise.withResolvers<void>();
    let asked = 0;
    const agent = networkAgent({
      driver,
      source: {
        async wanted() {
          asked += 1;
          const now = structuredClone(state);
          reading.resolve();
          if (asked === 1) await gate.promise;
          return now;
        },
      },
    });
    const first = agent.sync(['a']);
    // The first run must have read what is wanted before that changes.
    await reading.promise;
    state = withPorts(port('a'), port('b'));
    const second = agent.sync(['a', 'b']);
    gate.resolve();
    assert.deepEqual((await first).up.ports, ['a']);
    assert.deepEqual((await second).up.ports, ['a', 'b']);
    assert.equal(driver.present().ports.length, 2);
    await agent.close();
  });

  it('fails a sync for a port that is not up', async () => {
    const agent = networkAgent({
      driver: simulatedNetwork(),
      source: { wanted: async () => withPorts(port('a', false)) },
    });
    await assert.rejects(agent.sync(['a']), /Port a is not up/);
    await assert.rejects(agent.sync(['unknown']), /Port unknown is not up/);
    await agent.close();
  });

  it('tells what came up or went down once, and again after it could not be told', async () => {
    const changes: HostNetworkChange['ports'][] = [];
    const faults: string[] = [];
    let state = withPorts(port('a'), port('b', false));
    let deaf = true;
    const agent = networkAgent({
      driver: simulatedNetwork(),
      source: { wanted: async () => state },
      onFault: (words) => void faults.push(words),
      async report({ ports }) {
        if (deaf) throw new Error('nobody listens');
        changes.push(ports);
      },
    });
    await assert.rejects(agent.sync(), /nobody listens/);
    deaf = false;
    await agent.sync();
    await agent.sync();
    state = withPorts(port('a', false), port('b'));
    await agent.sync();
    assert.deepEqual(changes, [
      { up: ['a'], down: ['b'] },
      { up: ['b'], down: ['a'] },
    ]);
    assert.deepEqual(faults, ['nobody listens']);
    await agent.close();
  });
});
