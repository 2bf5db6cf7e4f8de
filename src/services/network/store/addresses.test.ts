import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../../../platform/errors/errors.ts';
import { repository } from '../../../platform/store/repository.ts';
import { openStore } from '../../../platform/store/store.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { networkSettingsOf } from '../settings.ts';
import type { Network } from './network.ts';
import { createPort, deletePorts } from './ports.ts';
import { type NetworkRow, networkSchema, networks, subnets } from './tables.ts';

const now = timestamp();
const stamp = { project_id: 'p', created_at: now, updated_at: now };

/** A network whose one subnet gives the addresses from .1 to .`size`, with `holes` between. */
async function networkWith(
  pools: { start: string; end: string }[],
): Promise<Network & { row: NetworkRow } & AsyncDisposable> {
  const store = await openStore(networkSchema, { url: 'sqlite::memory:' });
  const settings = networkSettingsOf({ quota_port: -1 });
  const hosts = { ring: () => {}, settled: async () => {} };
  await repository(store, networks).insert({ ...stamp, id: 'n', mtu: 1450, network_type: 'local' });
  await repository(store, subnets).insert({
    ...stamp,
    id: 's',
    network_id: 'n',
    ip_version: 4,
    cidr: '10.0.0.0/16',
    allocation_pools: pools,
  });
  const row = (await repository(store, networks).get('n')) as NetworkRow;
  return { store, settings, hosts, row, [Symbol.asyncDispose]: () => store.close() };
}

describe('addresses', () => {
  it('of many ports made at once never repeat, and use the pools up exactly', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 20 })), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.integer({ min: 1, max: 8 }),
        async (lengths, extra) => {
          let at = 1;
          const pools = lengths.map(([length, gap]) => {
            const start = at;
            at += length + gap;
            const ip = (n: number) => `10.0.${n >> 8}.${n & 255}`;
            return { start: ip(start), end: ip(start + length - 1) };
          });
          const size = lengths.reduce((sum, [length]) => sum + length, 0);
          await using network = await networkWith(pools);
          const results = await Promise.allSettled(
            Array.from({ length: size + extra }, () =>
              createPort(network, { network: network.row, projectId: 'p', securityGroups: [] }),
            ),
          );
          const made = results.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
          const refused = results.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
          assert.equal(new Set(made.map((port) => port.fixed_ips[0]?.ip_address)).size, size);
          assert.equal(made.length, size);
          assert.ok(
            refused.every(
              (error) => error instanceof ApiError && error.code === 'IpAddressGenerationFailure',
            ),
          );
          const [one] = made;
          if (one) {
            await deletePorts(network, [one]);
            const again = await createPort(network, {
              network: network.row,
              projectId: 'p',
              securityGroups: [],
            });
            assert.deepEqual(again.fixed_ips, one.fixed_ips, 'what is freed is given again');
          }
        },
      ),
      { numRuns: 15 },
    );
  });
});
