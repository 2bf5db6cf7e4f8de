import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { emptyHostNetworkState, type HostNetworkState } from '../driver.ts';
import { distinctBlocks, linkLocal, onSubnet, parseBlock } from './addresses.ts';
import { giveNumbers } from './numbers.ts';
import type { Seen } from './observe.ts';
import { assertPlain, withoutUnspeakableRules } from './plain.ts';
import { planOf, sizeOf } from './plan.ts';
import { routerTransaction } from './router-rules.ts';
import { smallCloud } from './testing/site.ts';
import { topologyOf } from './topology.ts';

const tag = 'abcdef';
const nothing = (): Seen => ({
  namespaces: new Map(),
  rooms: new Map(),
  trusted: new Set(),
  host: new Map(),
});

describe('numbers of ports and networks', () => {
  it('stay with whom they were given to and are never given twice', () => {
    const ids = fc.uniqueArray(fc.integer({ min: 0, max: 30 }).map(String));
    fc.assert(
      fc.property(ids, ids, (first, second) => {
        const before = giveNumbers({}, first);
        const now = giveNumbers(before, second);
        assert.deepEqual(Object.keys(now).toSorted(), second.toSorted());
        assert.equal(new Set(Object.values(now)).size, second.length);
        for (const id of second) if (before[id] !== undefined) assert.equal(now[id], before[id]);
      }),
    );
  });
});

const contains = (blocks: readonly string[], value: bigint) =>
  blocks.map(parseBlock).filter(({ first, last }) => first <= value && value <= last).length;

describe('addresses', () => {
  it('are made distinct without losing one', () => {
    const block = fc
      .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 24, max: 32 }))
      .map(([host, prefix]) => `10.0.0.${host}/${prefix}`);
    fc.assert(
      fc.property(fc.array(block), fc.integer({ min: 0, max: 255 }), (blocks, host) => {
        const value = parseBlock(`10.0.0.${host}`).first;
        assert.equal(contains(distinctBlocks(blocks), value), contains(blocks, value) > 0 ? 1 : 0);
      }),
    );
  });

  it('are written as the kernel writes them', () => {
    assert.equal(onSubnet({ ip: '10.0.0.5', cidr: '10.0.0.0/20' }), '10.0.0.5/20');
    assert.equal(onSubnet({ ip: 'FD00:0::5', cidr: 'fd00::/64' }), 'fd00::5/64');
    assert.equal(linkLocal('fa:16:3e:00:00:01'), 'fe80::f816:3eff:fe00:1');
  });
});

describe('the plan', () => {
  const network = { id: 'n1', segment: { type: 'local' as const }, mtu: 1450, peers: [] };

  it('makes the switch even where nothing else is wanted', () => {
    const topology = topologyOf(emptyHostNetworkState(), { tag, physicalNetworks: {} });
    assert.deepEqual(planOf(tag, topology, nothing()).add, [`cumulet-${tag}-switch`]);
  });

  it('leaves alone what has the name of another cloud', () => {
    const seen = nothing();
    seen.namespaces.set(`cumulet-${tag}-switch`, { alive: true, inode: 1 });
    seen.namespaces.set(`cumulet-${tag}-router-old`, { alive: true, inode: 2 });
    seen.namespaces.set('cumulet-123456-router-old', { alive: true, inode: 3 });
    const plan = planOf(tag, topologyOf(emptyHostNetworkState(), { tag, physicalNetworks: {} }), seen);
    assert.deepEqual(plan.remove, [`cumulet-${tag}-router-old`]);
    assert.equal(sizeOf({ ...plan, settle: false }), 1);
  });

  it('takes a namespace that lost its mount for gone', () => {
    const seen = nothing();
    seen.namespaces.set(`cumulet-${tag}-switch`, { alive: false, inode: 1 });
    const plan = planOf(tag, topologyOf(emptyHostNetworkState(), { tag, physicalNetworks: {} }), seen);
    assert.deepEqual([plan.lost, plan.add], [[`cumulet-${tag}-switch`], [`cumulet-${tag}-switch`]]);
  });

  it('says what this host cannot do instead of half doing it', () => {
    const state: HostNetworkState = {
      ...emptyHostNetworkState(),
      networks: [
        { ...network, segment: { type: 'flat', physicalNetwork: 'elsewhere' } },
        { ...network, id: 'n2', segment: { type: 'vxlan', id: 5 }, peers: ['10.0.0.1'] },
        { ...network, id: 'n3', segment: { type: 'vlan', id: 5, physicalNetwork: 'physnet1' } },
      ],
    };
    assert.equal(topologyOf(state, { tag, physicalNetworks: {} }).faults.length, 3);
  });
});

describe('what is wanted', () => {
  it('may not smuggle words into commands', () => {
    const network = { id: 'n1', segment: { type: 'local' as const }, mtu: 1450, peers: [] };
    const state = (id: string) => ({ ...emptyHostNetworkState(), networks: [{ ...network, id }] });
    assertPlain(state('0c3b-a.b:c/d_e'));
    for (const id of ['a b', 'a\nb', 'a;b', 'a"b', 'a}b', 'a$b', 'a,b'])
      assert.throws(() => assertPlain(state(id)), /state\.networks\.0\.id/);
  });

  it('may hold what people say freely: it is cleaned where it is used', () => {
    const [dhcp] = smallCloud().wanted.dhcp;
    assert.ok(dhcp);
    for (const host of dhcp.hosts) host.options.push({ name: 'a b', value: '"; rm\n', ipVersion: 4 });
    assertPlain({ ...emptyHostNetworkState(), dhcp: [{ ...dhcp, domain: 'a b' }] });
  });

  it('loses a rule that cannot be said, and none besides', () => {
    const rule = { direction: 'ingress' as const, ethertype: 'IPv4' as const };
    const rules = [
      { ...rule, protocol: 'nonsense' },
      { ...rule, protocol: 'tcp' },
      { ...rule, remoteCidr: 'x' },
    ];
    const { state, faults } = withoutUnspeakableRules({
      ...emptyHostNetworkState(),
      securityGroups: [{ id: 'g', rules, members: { IPv4: [], IPv6: [] } }],
    });
    assert.deepEqual(state.securityGroups[0]?.rules, [rules[1]]);
    assert.equal(faults.length, 2);
  });
});

describe('a router’s rules', () => {
  it('translate nothing without a gateway', () => {
    const text = routerTransaction({
      id: 'r',
      adminStateUp: true,
      enableSnat: true,
      interfaces: [],
      floatingIps: [],
      routes: [],
    });
    assert.doesNotMatch(text, /nat/);
  });
});
