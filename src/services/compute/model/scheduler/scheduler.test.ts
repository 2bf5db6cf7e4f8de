import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { HostState } from './request.ts';
import { rankHosts } from './scheduler.ts';

const host = (name: string, more: Partial<HostState> = {}): HostState => ({
  host: name,
  node: name,
  uuid: name,
  zone: 'nova',
  enabled: true,
  up: true,
  hypervisorType: 'QEMU',
  architecture: 'x86_64',
  freeRamMib: 1024,
  freeVcpus: 4,
  ...more,
});
const names = (hosts: readonly HostState[]) => hosts.map((each) => each.host);
const plain = { imageProperties: {} };

describe('the scheduler', () => {
  it('leaves out hosts that are down or disabled, or of another zone, and says so', () => {
    const hosts = [
      host('a', { up: false }),
      host('b', { enabled: false }),
      host('c'),
      host('d', { zone: 'west' }),
    ];
    const { hosts: left, refused } = rankHosts(hosts, { ...plain, zone: 'west' });
    assert.deepEqual(names(left), ['d']);
    assert.deepEqual(refused, { ComputeFilter: 2, AvailabilityZoneFilter: 1 });
  });

  it('prefers the host with the most room', () => {
    const hosts = [host('a'), host('b', { freeRamMib: 4096, freeVcpus: 8 }), host('c', { freeRamMib: 2048 })];
    assert.deepEqual(names(rankHosts(hosts, plain).hosts), ['b', 'c', 'a']);
  });

  it('takes a forced host past all filters', () => {
    const { hosts } = rankHosts([host('a', { enabled: false }), host('b')], { ...plain, forceHost: 'a' });
    assert.deepEqual(names(hosts), ['a']);
  });

  it('keeps together what has affinity and apart what has not', () => {
    const group = { hosts: ['a'], maxPerHost: 1 };
    const hosts = [host('a'), host('b', { freeRamMib: 9999 })];
    const ranked = (policy: string) =>
      names(rankHosts(hosts, { ...plain, group: { ...group, policy } }).hosts);
    assert.deepEqual(ranked('affinity'), ['a']);
    assert.deepEqual(ranked('anti-affinity'), ['b']);
    assert.deepEqual(ranked('soft-affinity'), ['a', 'b']);
    assert.deepEqual(ranked('soft-anti-affinity'), ['b', 'a']);
  });

  it('heeds hints and what the image needs', () => {
    const hosts = [host('a'), host('b'), host('c', { architecture: 'aarch64' })];
    const left = (request: object) => names(rankHosts(hosts, { ...plain, ...request }).hosts).sort();
    assert.deepEqual(left({ sameHosts: ['a'] }), ['a']);
    assert.deepEqual(left({ differentHosts: ['a', 'c'] }), ['b']);
    assert.deepEqual(left({ imageProperties: { hw_architecture: 'arm64' } }), ['c']);
    assert.deepEqual(left({ imageProperties: { img_hv_type: 'xen' } }), []);
    assert.deepEqual(left({ requestedHypervisor: 'b' }), ['b']);
  });

  it('never lets anti-affinity put more servers on a host than it may', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'b', 'c')),
        fc.integer({ min: 1, max: 4 }),
        (there, maxPerHost) => {
          const group = { policy: 'anti-affinity', hosts: there, maxPerHost };
          const { hosts } = rankHosts([host('a'), host('b'), host('c')], { ...plain, group });
          for (const name of ['a', 'b', 'c']) {
            const count = there.filter((each) => each === name).length;
            assert.equal(names(hosts).includes(name), count < maxPerHost);
          }
        },
      ),
    );
  });

  it('chooses among equals by chance', () => {
    let next = 0.9;
    const random = () => (next -= 0.1);
    assert.deepEqual(names(rankHosts([host('a'), host('b')], plain, random).hosts), ['b', 'a']);
  });
});
