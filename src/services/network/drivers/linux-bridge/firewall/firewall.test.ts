import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { HostPort, HostSecurityGroup } from '../../driver.ts';
import { isInside, linkLocal } from '../addresses.ts';
import { tapName } from '../names.ts';
import { groupIds, groupsArbitrary, newGuestPort as port, small, v4, v6 } from '../testing/arbitraries.ts';
import { bridgeChains } from './anti-spoofing.ts';
import { type AddressSet, type Chain, type Match, replaceTables, type Verdict } from './rules.ts';
import { memberSets, protocolNumber, securityGroupChains } from './security-groups.ts';
import { switchTables, switchTransaction } from './switch-rules.ts';

/** A packet as nft sees it: what an expression gives; what it does not have matches nothing. */
type Packet = Record<string, string>;

const isAddress = (text: string): boolean => /[.:]/.test(text);
const toNumber = (text: string): bigint => BigInt(text);

function matches(match: Match, packet: Packet, sets: readonly AddressSet[]): boolean {
  const has = packet[match.field];
  if (has === undefined) return false;
  const found = match.in
    .flatMap((value) =>
      value.startsWith('@') && !value.startsWith('@th')
        ? (sets.find(({ name }) => `@${name}` === value)?.elements ?? assert.fail(`no set ${value}`))
        : [value],
    )
    .some((value) => {
      if (value === has) return true;
      if (isAddress(value)) return isAddress(has) && !isMac(has) && isInside(has, value);
      const [first, last] = value.split('-');
      return last !== undefined && toNumber(first ?? '') <= toNumber(has) && toNumber(has) <= toNumber(last);
    });
  return found !== (match.not ?? false);
}
const isMac = (text: string): boolean => /^(..:){5}..$/.test(text);

/** Runs a hook's chain as the kernel would. */
function evaluate(
  chains: readonly Chain[],
  name: string,
  packet: Packet,
  sets: readonly AddressSet[] = [],
): 'accept' | 'drop' {
  const follow = (verdict: Verdict): 'accept' | 'drop' | 'return' | undefined =>
    verdict === 'accept' || verdict === 'drop' || verdict === 'return'
      ? verdict
      : walk(verdict.slice('jump '.length));
  const walk = (chainName: string): 'accept' | 'drop' | undefined => {
    const chain = chains.find((one) => one.name === chainName) ?? assert.fail(`no chain ${chainName}`);
    for (const rule of chain.rules) {
      let verdict: ReturnType<typeof follow>;
      if ('lookup' in rule) {
        const found = rule.verdicts.get(packet[rule.lookup] ?? '');
        verdict = found && follow(found);
      } else if ('verdict' in rule && rule.match.every((match) => matches(match, packet, sets)))
        verdict = follow(rule.verdict);
      if (verdict === 'return') return undefined;
      if (verdict) return verdict;
    }
    return undefined;
  };
  return walk(name) ?? 'accept';
}

const number = (id: string): number => Number.parseInt(id.slice(0, 4), 16) + 1;

interface Flow {
  ethertype: 'IPv4' | 'IPv6';
  source: string;
  destination: string;
  protocol: number;
  /** Destination port, or ICMP type. */
  port: number;
  /** ICMP code. */
  code: number;
}
const flowArbitrary: fc.Arbitrary<Flow> = fc
  .constantFrom('IPv4' as const, 'IPv6' as const)
  .chain((ethertype) =>
    fc.record({
      ethertype: fc.constant(ethertype),
      source: ethertype === 'IPv4' ? v4 : v6,
      destination: ethertype === 'IPv4' ? v4 : v6,
      protocol: fc.constantFrom(6, 17, ethertype === 'IPv4' ? 1 : 58, 112),
      port: small,
      code: small,
    }),
  );
/** What the rules say, read plainly: the reference. */
function allows(
  direction: 'ingress' | 'egress',
  flow: Flow,
  ids: readonly string[],
  groups: readonly HostSecurityGroup[],
): boolean {
  const far = direction === 'ingress' ? flow.source : flow.destination;
  return groups
    .filter(({ id }) => ids.includes(id))
    .flatMap(({ rules }) => rules)
    .some((rule) => {
      if (rule.direction !== direction || rule.ethertype !== flow.ethertype) return false;
      if (rule.remoteCidr && !isInside(far, rule.remoteCidr)) return false;
      if (rule.remoteGroupId) {
        const members = groups.find(({ id }) => id === rule.remoteGroupId)?.members[flow.ethertype] ?? [];
        if (!members.some((member) => isInside(far, member))) return false;
      }
      if (rule.protocol === undefined) return true;
      if (protocolNumber(rule.protocol, rule.ethertype) !== flow.protocol) return false;
      if (rule.portMin === undefined || rule.portMax === undefined) return true;
      if (flow.protocol === 1 || flow.protocol === 58)
        return rule.portMin === flow.port && rule.portMax === flow.code;
      return rule.portMin <= flow.port && flow.port <= rule.portMax;
    });
}

const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;

function packetOf(flow: Flow, from: HostPort, to: HostPort): Packet {
  const ip = flow.ethertype === 'IPv4' ? 'ip' : 'ip6';
  const icmp = flow.protocol === 1 ? 'icmp' : flow.protocol === 58 ? 'icmpv6' : undefined;
  const transport = flow.protocol === 6 ? 'tcp' : flow.protocol === 17 ? 'udp' : undefined;
  return {
    'meta nfproto': flow.ethertype === 'IPv4' ? 'ipv4' : 'ipv6',
    'meta l4proto': `${flow.protocol}`,
    'meta mark': hex(number(from.id) * 0x10000 + number(to.id)),
    'meta mark & 0xffff0000': hex(number(from.id) * 0x10000),
    'meta mark & 0x0000ffff': hex(number(to.id)),
    'ct state': 'new',
    'ct direction': 'original',
    [`${ip} saddr`]: flow.source,
    [`${ip} daddr`]: flow.destination,
    ...(icmp ? { [`${icmp} type`]: `${flow.port}`, [`${icmp} code`]: `${flow.code}` } : {}),
    ...(transport ? { [`${transport} dport`]: `${flow.port}`, [`${transport} sport`]: '40000' } : {}),
  };
}

describe('security groups', () => {
  it('let through exactly what both ports allow', () => {
    const some = fc.subarray([...groupIds]);
    fc.assert(
      fc.property(groupsArbitrary, some, some, flowArbitrary, (groups, fromGroups, toGroups, flow) => {
        const from = port('0001', { securityGroups: fromGroups });
        const to = port('0002', { securityGroups: toGroups });
        const chains = securityGroupChains([from, to], groups, number);
        const verdict = evaluate(chains, 'forward', packetOf(flow, from, to), memberSets(groups));
        const expected =
          allows('egress', flow, fromGroups, groups) && allows('ingress', flow, toGroups, groups);
        assert.equal(verdict, expected ? 'accept' : 'drop');
      }),
      { numRuns: 2000 },
    );
  });

  it('let replies through, and ask again about packets of a connection that is not one', () => {
    const [from, to] = [port('0001'), port('0002')];
    const chains = securityGroupChains([from, to], [], number);
    const flow: Flow = {
      ethertype: 'IPv4',
      source: '10.0.0.1',
      destination: '10.0.0.2',
      protocol: 6,
      port: 1,
      code: 0,
    };
    const packet = packetOf(flow, from, to);
    assert.equal(evaluate(chains, 'forward', packet), 'drop');
    const established = { ...packet, 'ct state': 'established' };
    assert.equal(evaluate(chains, 'forward', { ...established, 'ct direction': 'reply' }), 'accept');
    assert.equal(evaluate(chains, 'forward', established), 'drop');
    assert.equal(evaluate(chains, 'forward', { ...packet, 'ct state': 'invalid' }), 'drop');
  });

  it('do not concern ports without port security', () => {
    const [from, to] = [port('0001', { portSecurity: false }), port('0002', { portSecurity: false })];
    assert.equal(
      evaluate(securityGroupChains([from, to], [], number), 'forward', { 'meta mark': '0' }),
      'accept',
    );
  });
});

describe('anti-spoofing', () => {
  const guest = port('0001', {
    allowedAddressPairs: [{ ip: '10.0.0.64/26' }, { mac: 'FA:16:3E:00:00:02', ip: 'fd00::7' }],
  });
  const chains = bridgeChains([guest], number);
  const verdict = (packet: Packet) =>
    evaluate(chains, 'prerouting', {
      iifname: `"${tapName(guest.id)}"`,
      'ether saddr': guest.mac,
      ...packet,
    });
  const ip = (saddr: string, more: Packet = {}) =>
    verdict({ 'ether type': 'ip', 'ip saddr': saddr, ...more });
  const ip6 = (saddr: string, more: Packet = {}) =>
    verdict({ 'ether type': 'ip6', 'ip6 saddr': saddr, ...more });

  it('lets a guest use its own addresses and its allowed pairs, each with its own MAC', () => {
    assert.equal(ip('10.0.0.5'), 'accept');
    assert.equal(ip('10.0.0.6'), 'drop');
    assert.equal(ip('10.0.0.100'), 'accept');
    assert.equal(ip6(linkLocal(guest.mac)), 'accept');
    assert.equal(ip6('fd00::7'), 'drop');
    assert.equal(ip6('fd00::7', { 'ether saddr': 'fa:16:3e:00:00:02' }), 'accept');
    assert.equal(ip('10.0.0.5', { 'ether saddr': 'fa:16:3e:00:00:02' }), 'drop');
    assert.equal(ip('10.0.0.5', { 'ether saddr': 'fa:16:3e:00:00:03' }), 'drop');
  });

  const arp = (sender: string, mac: string) =>
    verdict({ 'ether type': 'arp', 'arp saddr ip': sender, 'arp saddr ether': mac });
  it('lets a guest claim by ARP and neighbour discovery what it may use', () => {
    assert.equal(arp('10.0.0.5', guest.mac), 'accept');
    assert.equal(arp('0.0.0.0', guest.mac), 'accept');
    assert.equal(arp('10.0.0.1', guest.mac), 'drop');
    assert.equal(arp('10.0.0.5', 'fa:16:3e:00:00:09'), 'drop');
    const own = '0xfe80000000000000f8163efffe000001';
    const advertise = (target: string) =>
      ip6(linkLocal(guest.mac), { 'icmpv6 type': '136', '@th,64,128': target });
    assert.equal(advertise(own), 'accept');
    assert.equal(advertise('0xfe800000000000000000000000000001'), 'drop');
  });

  it('lets a guest be a DHCP client, but no DHCP server and no router', () => {
    assert.equal(ip('0.0.0.0', { 'udp sport': '68', 'udp dport': '67' }), 'accept');
    assert.equal(ip('10.0.0.5', { 'udp sport': '67', 'udp dport': '68' }), 'drop');
    assert.equal(ip6(linkLocal(guest.mac), { 'udp sport': '547', 'udp dport': '546' }), 'drop');
    assert.equal(ip6(linkLocal(guest.mac), { 'icmpv6 type': '134' }), 'drop');
  });

  it('drops what is neither ARP nor IP', () => {
    assert.equal(verdict({ 'ether type': '8021q' }), 'drop');
  });
});

describe('the switch’s transaction', () => {
  const numbers = { ofPort: number, ofNetwork: () => 1 };
  const state = {
    networks: [{ id: 'net', segment: { type: 'local' as const }, mtu: 1500, peers: [] }],
    ports: [port('0001')],
    securityGroups: [],
    dhcp: [],
    routers: [],
  };

  it('is not needed again where it was applied, and is where anything differs', () => {
    const text = switchTransaction(state, numbers, []) ?? assert.fail('nothing to do');
    const mark = /^table (inet cumulet_revision_\w+) \{/m.exec(text)?.[1] ?? '';
    const tables = ['bridge cumulet', 'inet cumulet', mark];
    assert.equal(switchTransaction(state, numbers, tables), undefined);
    assert.ok(switchTransaction(state, numbers, ['bridge cumulet', mark]));
    const more = { ...state, ports: [...state.ports, port('0002')] };
    assert.match(switchTransaction(more, numbers, tables) ?? '', new RegExp(`^delete table ${mark}$`, 'm'));
  });

  it('replaces both tables whole', () => {
    const text = replaceTables(switchTables(state, numbers));
    assert.match(text, /^table bridge cumulet\ndelete table bridge cumulet\ntable bridge cumulet \{/);
  });
});
