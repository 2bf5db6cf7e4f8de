import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError } from '../../../platform/errors/errors.ts';
import { checkRule, type RuleRequest, sameRule } from './security-group-rules.ts';

const rule = (given: Partial<RuleRequest>): RuleRequest => ({
  direction: 'ingress',
  ethertype: 'IPv4',
  protocol: null,
  port_range_min: null,
  port_range_max: null,
  remote_group_id: null,
  remote_address_group_id: null,
  remote_ip_prefix: null,
  ...given,
});
const refusal = (given: Partial<RuleRequest>): string => {
  try {
    checkRule(rule(given));
  } catch (error) {
    assert.ok(error instanceof ApiError);
    return `${error.code}: ${error.message}`;
  }
  return 'accepted';
};
const ports = (min: number | null, max: number | null) => ({ port_range_min: min, port_range_max: max });

describe('security group rules', () => {
  it('refuse ports that are none, in the words that clients look for', () => {
    for (const [min, max, words] of [
      [-16, 80, 'Invalid value for port -16'],
      [80, 79, 'port_range_min must be <= port_range_max'],
      [80, 65_536, 'Invalid value for port 65536'],
      [null, 6, 'port_range_min must be <= port_range_max'],
    ] as const) {
      assert.ok(refusal({ protocol: 'tcp', ...ports(min, max) }).includes(words), words);
    }
    for (const [min, max, words] of [
      [1, 256, 'Invalid value for ICMP code'],
      [null, 6, 'ICMP type (port-range-min) is missing'],
      [300, 1, 'Invalid value for ICMP type'],
    ] as const) {
      assert.ok(refusal({ protocol: 'icmp', ...ports(min, max) }).includes(words), words);
    }
    assert.match(refusal(ports(1, 2)), /^SecurityGroupProtocolRequiredWithPorts/);
    assert.match(refusal({ protocol: 'gre', ...ports(1, 2) }), /^SecurityGroupInvalidProtocolForPort/);
  });

  it('refuse families that do not go together', () => {
    assert.match(refusal({ remote_ip_prefix: '2001:db8::/32' }), /Conflicting value ethertype IPv4/);
    assert.match(refusal({ protocol: 'ipv6-icmp' }), /^SecurityGroupEthertypeConflictWithProtocol/);
    assert.match(refusal({ protocol: 'bad' }), /^SecurityGroupRuleInvalidProtocol/);
    assert.match(refusal({ remote_ip_prefix: '0.0.0.0/0', remote_group_id: 'g' }), /MultipleRemote/);
  });

  it('are the same by what they mean, not by how they are written', () => {
    const a = checkRule(rule({ protocol: 'TCP', ...ports(22, 22), remote_ip_prefix: '10.0.0.7/8' }));
    const b = checkRule(rule({ protocol: '6', ...ports(22, 22), remote_ip_prefix: '10.0.0.0/8' }));
    assert.ok(sameRule(a, b));
    assert.equal(a.normalized_cidr, '10.0.0.0/8');
    assert.equal(a.remote_ip_prefix, '10.0.0.7/8');
    assert.equal(sameRule(a, { ...b, direction: 'egress' }), false);
  });
});
