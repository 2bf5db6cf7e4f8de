import * as fc from 'fast-check';
import type { HostPort, HostSecurityGroup, HostSecurityGroupRule } from '../../driver.ts';

export const newGuestPort = (id: string, more: Partial<HostPort> = {}): HostPort => ({
  id,
  networkId: 'net',
  mac: 'fa:16:3e:00:00:01',
  fixedIps: [{ ip: '10.0.0.5', cidr: '10.0.0.0/24' }],
  allowedAddressPairs: [],
  portSecurity: true,
  securityGroups: [],
  adminStateUp: true,
  ...more,
});

// Few different values, so that rules and packets meet.
export const groupIds = ['g1', 'g2', 'g3'] as const;
export const v4 = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.1.1', '192.0.2.9');
export const v6 = fc.constantFrom('fd00::1', 'fd00::2', 'fd00:0:0:1::1');
const cidr4 = fc.constantFrom('10.0.0.0/24', '10.0.0.1/32', '0.0.0.0/0', '10.0.0.2');
const cidr6 = fc.constantFrom('fd00::/64', 'fd00::1/128', '::/0');
export const small = fc.integer({ min: 1, max: 5 });

const ruleArbitrary: fc.Arbitrary<HostSecurityGroupRule> = fc
  .record({
    direction: fc.constantFrom('ingress', 'egress'),
    ethertype: fc.constantFrom('IPv4', 'IPv6'),
    protocol: fc.constantFrom(undefined, 'tcp', 'udp', 'icmp', 'ipv6-icmp', '6', 'vrrp'),
    ports: fc.option(fc.tuple(small, small), { nil: undefined }),
    remote: fc.oneof(fc.constant(undefined), cidr4, cidr6, fc.constantFrom(...groupIds)),
  })
  .map(({ direction, ethertype, protocol, ports, remote }): HostSecurityGroupRule => {
    const isGroup = groupIds.some((id) => id === remote);
    const sorted = ports && protocol !== 'vrrp' ? ports.toSorted((a, b) => a - b) : undefined;
    return {
      direction: direction as 'ingress' | 'egress',
      ethertype: ethertype as 'IPv4' | 'IPv6',
      ...(protocol ? { protocol } : {}),
      ...(sorted && protocol ? { portMin: sorted[0] ?? 1, portMax: sorted[1] ?? 1 } : {}),
      ...(remote === undefined ? {} : isGroup ? { remoteGroupId: remote } : { remoteCidr: remote }),
    };
  });

export const groupsArbitrary: fc.Arbitrary<HostSecurityGroup[]> = fc.tuple(
  ...groupIds.map((id) =>
    fc.record({
      id: fc.constant<string>(id),
      rules: fc.array(ruleArbitrary, { maxLength: 4 }),
      members: fc.record({
        IPv4: fc.array(
          fc.oneof(
            v4,
            cidr4.filter((text) => !text.endsWith('/0')),
          ),
          { maxLength: 2 },
        ),
        IPv6: fc.array(v6, { maxLength: 2 }),
      }),
    }),
  ),
);
