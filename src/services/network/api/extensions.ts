import { NotFound } from '../../../platform/errors/errors.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { NetworkSettings } from '../settings.ts';

interface Extension {
  name: string;
  description: string;
  /** When upstream last changed what the alias stands for. */
  updated: string;
}

/** What this API has beyond networks, subnets and ports, by upstream's aliases: only what works is here. */
const extensions: Record<string, Extension> = {
  'address-group': {
    name: 'Address group',
    description: 'Addresses that rules name together.',
    updated: '2020-07-15T00:00:00-00:00',
  },
  agent: {
    name: 'agent',
    description: 'The agents of hosts and whether they live.',
    updated: '2013-02-03T10:00:00-00:00',
  },
  'allowed-address-pairs': {
    name: 'Allowed Address Pairs',
    description: 'More addresses that a port may send from.',
    updated: '2013-07-23T10:00:00-00:00',
  },
  availability_zone: {
    name: 'Availability Zone',
    description: 'The zones that agents are in.',
    updated: '2015-01-01T10:00:00-00:00',
  },
  binding: {
    name: 'Port Binding',
    description: 'On which host a port is, and how it is plugged in there.',
    updated: '2014-02-03T10:00:00-00:00',
  },
  'default-subnetpools': {
    name: 'Default Subnetpools',
    description: 'A subnet pool for those who name none.',
    updated: '2016-02-18T18:00:00-00:00',
  },
  dhcp_agent_scheduler: {
    name: 'DHCP Agent Scheduler',
    description: 'Which agent serves DHCP on a network.',
    updated: '2013-02-07T10:00:00-00:00',
  },
  'dns-integration': {
    name: 'DNS Integration',
    description: 'Names of ports, as their DHCP server tells them.',
    updated: '2015-08-15T18:00:00-00:00',
  },
  'ext-gw-mode': {
    name: 'Neutron L3 Configurable external gateway mode',
    description: 'Routers that do not translate source addresses.',
    updated: '2013-03-28T10:00:00-00:00',
  },
  'external-net': {
    name: 'Neutron external network',
    description: 'Networks that lead out of the cloud.',
    updated: '2013-01-14T10:00:00-00:00',
  },
  extra_dhcp_opt: {
    name: 'Neutron Extra DHCP options',
    description: 'DHCP options of one port.',
    updated: '2013-03-17T12:00:00-00:00',
  },
  extraroute: {
    name: 'Neutron Extra Route',
    description: 'Static routes of a router.',
    updated: '2013-02-01T10:00:00-00:00',
  },
  'filter-validation': {
    name: 'Filter parameters validation',
    description: 'Filters that a list does not know are refused.',
    updated: '2018-03-21T10:00:00-00:00',
  },
  'ip-substring-filtering': {
    name: 'IP address substring filtering',
    description: 'Ports by a part of their address.',
    updated: '2017-11-28T09:00:00-00:00',
  },
  l3_agent_scheduler: {
    name: 'L3 Agent Scheduler',
    description: 'Which agent hosts a router.',
    updated: '2013-02-07T10:00:00-00:00',
  },
  'net-mtu': {
    name: 'Network MTU',
    description: 'The largest frame of a network.',
    updated: '2015-03-25T10:00:00-00:00',
  },
  'net-mtu-writable': {
    name: 'Network MTU (writable)',
    description: 'A smaller MTU than a network could have.',
    updated: '2017-07-12T00:00:00-00:00',
  },
  network_availability_zone: {
    name: 'Network Availability Zone',
    description: 'The zones of a network.',
    updated: '2015-01-01T10:00:00-00:00',
  },
  'network-ip-availability': {
    name: 'Network IP Availability',
    description: 'How many addresses of a network are used.',
    updated: '2015-09-24T00:00:00-00:00',
  },
  pagination: {
    name: 'Pagination support',
    description: 'Lists in pages.',
    updated: '2016-06-12T00:00:00-00:00',
  },
  'port-security': {
    name: 'Port Security',
    description: 'Ports that are neither guarded nor filtered.',
    updated: '2012-07-23T10:00:00-00:00',
  },
  'port-security-groups-filtering': {
    name: 'Port filtering on security groups',
    description: 'Ports by their security groups.',
    updated: '2018-01-09T09:00:00-00:00',
  },
  'project-id': {
    name: 'project_id field enabled',
    description: 'Owners under the name of today.',
    updated: '2016-09-09T09:09:09-09:09',
  },
  provider: {
    name: 'Provider Network',
    description: 'What a network is made of.',
    updated: '2012-09-07T10:00:00-00:00',
  },
  quota_details: {
    name: 'Quota details management support',
    description: 'How much of its limits a project uses.',
    updated: '2017-02-10T10:00:00-00:00',
  },
  quotas: {
    name: 'Quota management support',
    description: 'Limits of projects.',
    updated: '2012-07-29T10:00:00-00:00',
  },
  'rbac-address-group': {
    name: 'Add address_group type to RBAC',
    description: 'Address groups for chosen projects.',
    updated: '2020-09-08T00:00:00-00:00',
  },
  'rbac-policies': {
    name: 'RBAC Policies',
    description: 'Networks and more for chosen projects.',
    updated: '2015-06-17T12:15:12-00:00',
  },
  'rbac-security-groups': {
    name: 'Add security_group type to network RBAC',
    description: 'Security groups for chosen projects.',
    updated: '2019-04-04T00:00:00-00:00',
  },
  'revision-if-match': {
    name: 'If-Match constraints based on revision_number',
    description: 'Changes only of what one has seen.',
    updated: '2016-12-11T00:00:00-00:00',
  },
  router: {
    name: 'Neutron L3 Router',
    description: 'Routers and floating IPs.',
    updated: '2012-07-20T10:00:00-00:00',
  },
  router_availability_zone: {
    name: 'Router Availability Zone',
    description: 'The zones of a router.',
    updated: '2015-01-01T10:00:00-00:00',
  },
  'security-group': {
    name: 'security-group',
    description: 'What may reach ports and what may leave them.',
    updated: '2012-10-05T10:00:00-00:00',
  },
  'security-groups-normalized-cidr': {
    name: 'Normalized CIDR field for security group rules',
    description: 'The network that a rule names.',
    updated: '2019-03-06T14:00:00-00:00',
  },
  'security-groups-remote-address-group': {
    name: 'Remote address group id field for security group rules',
    description: 'Rules about the addresses of a group.',
    updated: '2020-08-25T00:00:00-00:00',
  },
  'security-groups-shared-filtering': {
    name: 'Security group filtering on the shared field',
    description: 'Shared security groups alone.',
    updated: '2019-04-04T00:00:00-00:00',
  },
  'service-type': {
    name: 'Neutron Service Type Management',
    description: 'Who provides a service.',
    updated: '2013-01-20T00:00:00-00:00',
  },
  sorting: { name: 'Sorting support', description: 'Lists in order.', updated: '2016-06-12T00:00:00-00:00' },
  'standard-attr-description': {
    name: 'standard-attr-description',
    description: 'A description of everything.',
    updated: '2016-02-10T10:00:00-00:00',
  },
  'standard-attr-revisions': {
    name: 'Resource revision numbers',
    description: 'A number that grows with each change.',
    updated: '2016-04-11T10:00:00-00:00',
  },
  'standard-attr-tag': {
    name: 'Tag support for resources with standard attribute',
    description: 'Tags of everything.',
    updated: '2017-01-01T00:00:00-00:00',
  },
  'standard-attr-timestamp': {
    name: 'Resource timestamps',
    description: 'When something was made and changed.',
    updated: '2016-09-12T10:00:00-00:00',
  },
  'subnet-service-types': {
    name: 'Subnet service types',
    description: 'Subnets for ports of certain owners.',
    updated: '2016-03-15T18:00:00-00:00',
  },
  subnet_allocation: {
    name: 'Subnet Allocation',
    description: 'Subnets out of pools.',
    updated: '2015-03-30T10:00:00-00:00',
  },
};

const shown = (alias: string, extension: Extension) => ({ ...extension, alias, links: [] });

/** `/v2.0/extensions`. */
export function extensionRoutes(settings: Pick<NetworkSettings, 'filter_validation'>): Route[] {
  const { 'filter-validation': _, ...rest } = extensions;
  const present = settings.filter_validation ? extensions : rest;
  return [
    route({
      method: 'GET',
      path: '/v2.0/extensions',
      summary: 'List extensions',
      handler: () => ({ extensions: Object.entries(present).map(([alias, each]) => shown(alias, each)) }),
    }),
    route({
      method: 'GET',
      path: '/v2.0/extensions/:alias',
      summary: 'Show an extension',
      handler: (call) => {
        const alias = call.params['alias'] as string;
        const found = Object.hasOwn(present, alias) ? present[alias] : undefined;
        if (!found)
          throw new NotFound(`Extension with alias ${alias} does not exist`, undefined, {
            code: 'ExtensionNotFound',
          });
        return { extension: shown(alias, found) };
      },
    }),
  ];
}
