import { formatCidr, parseAddress, parseCidr } from './addresses.ts';
import { badRequest, invalidAttribute } from './errors.ts';
import { protocols } from './protocols.ts';

const withPorts = new Set([6, 17, 33, 132, 136]);
const icmp = new Set([1, 58]);
const onlyIpv6 = new Set([
  'icmpv6',
  'ipv6-icmp',
  'ipv6-encap',
  'ipv6-frag',
  'ipv6-nonxt',
  'ipv6-opts',
  'ipv6-route',
]);

export interface RuleRequest {
  direction: 'ingress' | 'egress';
  ethertype: 'IPv4' | 'IPv6';
  protocol: string | null;
  port_range_min: number | null;
  port_range_max: number | null;
  remote_group_id: string | null;
  remote_address_group_id: string | null;
  remote_ip_prefix: string | null;
}

/** The number of a protocol; `undefined` for any. */
export const protocolNumber = (protocol: string | null): number | undefined =>
  protocol === null ? undefined : (protocols[protocol] ?? Number(protocol));

/** `any` and `0` mean no protocol; names are small; the two names of ICMP for IPv6 are one. */
export function protocolOf(given: string | null): string | null {
  if (given === null) return null;
  const name = given.toLowerCase();
  if (name === 'any' || name === '0') return name === 'any' ? null : '0';
  if (Object.hasOwn(protocols, name)) return name;
  if (/^\d{1,3}$/.test(name) && Number(name) <= 255) return name;
  const values = Object.keys(protocols)
    .map((each) => `'${each}'`)
    .join(', ');
  throw badRequest(
    'SecurityGroupRuleInvalidProtocol',
    `Security group rule protocol ${given} not supported. Only protocol values [${values}] and integer representations [0 to 255] are supported.`,
  );
}

/**
 * Sees that the parts of a rule go together.
 * @returns the rule as it is kept, and the network that its prefix names
 * @throws BadRequest in upstream's words
 */
export function checkRule(given: RuleRequest): RuleRequest & { normalized_cidr: string | null } {
  const protocol = protocolOf(given.protocol);
  const rule = { ...given, protocol };
  const remotes = [rule.remote_group_id, rule.remote_address_group_id, rule.remote_ip_prefix];
  if (remotes.filter((each) => each !== null).length > 1) {
    throw badRequest(
      'SecurityGroupMultipleRemoteEntites',
      'Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.',
    );
  }
  if (protocol !== null && onlyIpv6.has(protocol) && rule.ethertype === 'IPv4') {
    throw badRequest(
      'SecurityGroupEthertypeConflictWithProtocol',
      `Invalid ethertype ${rule.ethertype} for protocol ${protocol}.`,
    );
  }
  checkPorts(rule);
  return { ...rule, normalized_cidr: normalized(rule) };
}

function checkPorts({ protocol, port_range_min: min, port_range_max: max }: RuleRequest): void {
  if (min === null && max === null) return;
  const number = protocolNumber(protocol);
  if (number === undefined) {
    throw badRequest(
      'SecurityGroupProtocolRequiredWithPorts',
      'Must also specify protocol if port range is given.',
    );
  }
  if (icmp.has(number)) return checkIcmp(min, max);
  if (!withPorts.has(number)) {
    throw badRequest(
      'SecurityGroupInvalidProtocolForPort',
      `Ports cannot be specified for protocol ${protocol}. Ports are only supported for dccp, sctp, tcp, udp, udplite.`,
    );
  }
  for (const port of [min, max]) {
    if (port !== null && (port < 0 || port > 65_535)) {
      throw badRequest('SecurityGroupInvalidPortValue', `Invalid value for port ${port}`);
    }
  }
  if (min === 0 || max === 0) {
    throw badRequest('SecurityGroupInvalidPortValue', 'Invalid value for port 0');
  }
  if (min === null || max === null || min > max) {
    throw badRequest(
      'SecurityGroupInvalidPortRange',
      'For TCP/UDP protocols, port_range_min must be <= port_range_max',
    );
  }
}

function checkIcmp(type: number | null, code: number | null): void {
  const fields = [
    ['type', 'port_range_min', type],
    ['code', 'port_range_max', code],
  ] as const;
  for (const [field, attribute, value] of fields) {
    if (value !== null && (value < 0 || value > 255)) {
      throw badRequest(
        'SecurityGroupInvalidIcmpValue',
        `Invalid value for ICMP ${field} (${attribute}) ${value}. It must be 0 to 255.`,
      );
    }
  }
  if (type === null && code !== null) {
    throw badRequest(
      'SecurityGroupMissingIcmpType',
      `ICMP code (port-range-max) ${code} is provided but ICMP type (port-range-min) is missing.`,
    );
  }
}

function normalized({ remote_ip_prefix: prefix, ethertype }: RuleRequest): string | null {
  if (prefix === null) return null;
  const address = parseAddress(prefix);
  const cidr = parseCidr(address ? `${prefix}/${address.version === 4 ? 32 : 128}` : prefix);
  if (!cidr) throw invalidAttribute('remote_ip_prefix', `'${prefix}' is not a valid IP subnet`);
  if (`IPv${cidr.version}` !== ethertype) {
    throw badRequest(
      'SecurityGroupRuleParameterConflict',
      `Conflicting value ethertype ${ethertype} for CIDR ${prefix}`,
    );
  }
  return formatCidr(cidr);
}

/** Whether two rules of a group say the same. */
export function sameRule(
  a: RuleRequest & { normalized_cidr: string | null },
  b: RuleRequest & { normalized_cidr: string | null },
): boolean {
  return (
    a.direction === b.direction &&
    a.ethertype === b.ethertype &&
    protocolNumber(a.protocol) === protocolNumber(b.protocol) &&
    a.port_range_min === b.port_range_min &&
    a.port_range_max === b.port_range_max &&
    a.remote_group_id === b.remote_group_id &&
    a.remote_address_group_id === b.remote_address_group_id &&
    a.normalized_cidr === b.normalized_cidr
  );
}
