import type { Row, Table } from './row.ts';

const at = (version: string): Row['headers'] => ({ 'openstack-api-version': `placement ${version}` });
/** The same without and with what came later. */
const older = (row: Row, ...versions: readonly string[]): Row[] =>
  versions.map((version) => ({ ...row, headers: at(version), only: true }));
const provider = '/resource_providers/{provider}';
/** Writes name the provider's generation, which the write before has changed. */
const generation: Row = {
  ask: `GET ${provider}/aggregates`,
  keep: { generation: 'resource_provider_generation' },
  only: true,
};
const consumer = '11111111-1111-4111-8111-111111111111';
const allocation = {
  allocations: { '{provider}': { resources: { VCPU: 1, MEMORY_MB: 64 } } },
  project_id: '{project}',
  user_id: '{member}',
  consumer_generation: null,
  consumer_type: 'INSTANCE',
};

export const placement: Table = {
  service: 'placement',
  nowhere: 'ffffffff-ffff-4fff-8fff-ffffffffffff',
  headers: at('1.39'),
  rows: [
    { ask: 'GET /', as: 'nobody', only: true },
    { ask: 'GET /', only: true },
    ...older({ ask: 'GET /' }, '1.0', '9.9', 'latest', 'newest'),
    { ask: 'GET /no-such-path', only: true },
    { ask: 'PUT /resource_providers', only: true },
    {
      ask: 'POST /resource_providers',
      body: { name: '{tag}-provider' },
      keep: { provider: 'uuid' },
      also: ['member', 'system'],
    },
    {
      ask: 'POST /resource_providers',
      body: { name: '{tag}-child', parent_provider_uuid: '{provider}' },
      keep: { child: 'uuid' },
    },
    ...older({ ask: 'POST /resource_providers', body: { name: '{tag}-old' } }, '1.0', '1.13', '1.20'),
    {
      ask: 'POST /resource_providers',
      body: { name: '{tag}-lost', parent_provider_uuid: '22222222-2222-4222-8222-222222222222' },
      only: true,
    },
    { ask: 'POST /resource_providers', body: { name: '{tag}-x', uuid: 'no-uuid' }, only: true },
    { ask: 'GET /resource_providers?name={tag}-provider' },
    ...older({ ask: 'GET /resource_providers?name={tag}-provider' }, '1.0', '1.11', '1.14', '1.15'),
    { ask: 'GET /resource_providers?in_tree={provider}', only: true },
    { ask: 'GET /resource_providers?resources=VCPU:1&in_tree={provider}', only: true },
    { ask: 'GET /resource_providers?resources=COLOUR:1', only: true },
    { ask: 'GET /resource_providers?resources=VCPU:many', only: true },
    { ask: 'GET /resource_providers?required=COLOUR', only: true },
    { ask: 'GET /resource_providers?member_of=no-uuid', only: true },
    { ask: 'GET /resource_providers?colour=red', only: true },
    { ask: 'GET /resource_providers?uuid=no-uuid', only: true },
    { ask: `GET ${provider}` },
    { ask: 'GET /resource_providers/no-uuid', only: true },
    { ask: `PUT ${provider}`, body: { name: '{tag}-renamed' } },
    { ask: `PUT ${provider}`, body: { name: '{tag}-renamed', parent_provider_uuid: '{child}' }, only: true },
    ...older({ ask: `PUT ${provider}`, body: { name: '{tag}-renamed' } }, '1.0', '1.20'),

    {
      ask: `PUT ${provider}/inventories`,
      body: {
        resource_provider_generation: 0,
        inventories: {
          VCPU: { total: 8, reserved: 1, min_unit: 1, max_unit: 4, step_size: 1, allocation_ratio: 2.5 },
          MEMORY_MB: { total: 1024 },
          DISK_GB: { total: 10 },
        },
      },
    },
    generation,
    {
      ask: `PUT ${provider}/inventories`,
      body: { resource_provider_generation: '{#generation}', inventories: { COLOUR: { total: 1 } } },
      only: true,
    },
    generation,
    {
      ask: `PUT ${provider}/inventories`,
      body: {
        resource_provider_generation: '{#generation}',
        inventories: { VCPU: { total: 1, reserved: 2 } },
      },
      only: true,
    },
    generation,
    {
      ask: `PUT ${provider}/inventories`,
      body: { resource_provider_generation: '{#generation}', inventories: { VCPU: { total: 0 } } },
      only: true,
    },
    {
      ask: `PUT ${provider}/inventories`,
      body: { resource_provider_generation: 77, inventories: {} },
      only: true,
    },
    { ask: `GET ${provider}/inventories` },
    ...older({ ask: `GET ${provider}/inventories` }, '1.0', '1.15'),
    generation,
    {
      ask: `POST ${provider}/inventories`,
      body: { resource_class: 'PCPU', total: 2, resource_provider_generation: '{#generation}' },
      only: true,
    },
    { ask: `GET ${provider}/inventories/VCPU` },
    { ask: `GET ${provider}/inventories/PGPU`, only: true },
    { ask: `GET ${provider}/inventories/COLOUR`, only: true },
    generation,
    {
      ask: `PUT ${provider}/inventories/VCPU`,
      body: { resource_provider_generation: '{#generation}', total: 16 },
      only: true,
    },
    generation,
    {
      ask: `PUT ${provider}/inventories/VCPU`,
      body: { resource_provider_generation: '{#generation}', total: 16 },
      only: true,
    },
    { ask: `DELETE ${provider}/inventories/DISK_GB` },

    { ask: 'POST /resource_classes', body: { name: 'CUSTOM_{tag}' }, only: true },
    { ask: 'POST /resource_classes', body: { name: 'CUSTOM_DIFFERENTIAL' } },
    { ask: 'POST /resource_classes', body: { name: 'VCPU' }, only: true },
    { ask: 'GET /resource_classes/CUSTOM_DIFFERENTIAL' },
    { ask: 'GET /resource_classes/NONE', only: true },
    { ask: 'GET /resource_classes/VCPU', only: true },
    ...older({ ask: 'GET /resource_classes/VCPU' }, '1.1', '1.2', '1.14'),
    { ask: 'PUT /resource_classes/CUSTOM_DIFFERENTIAL' },
    { ask: 'PUT /resource_classes/VCPU', only: true },
    ...older(
      { ask: 'PUT /resource_classes/CUSTOM_DIFFERENTIAL', body: { name: 'CUSTOM_OTHER' } },
      '1.2',
      '1.6',
      '1.7',
    ),
    { ask: 'DELETE /resource_classes/VCPU', only: true },
    { ask: 'DELETE /resource_classes/CUSTOM_DIFFERENTIAL' },
    { ask: 'DELETE /resource_classes/CUSTOM_OTHER', only: true },

    { ask: 'PUT /traits/CUSTOM_DIFFERENTIAL' },
    { ask: 'PUT /traits/STRANGE', only: true },
    { ask: 'GET /traits/CUSTOM_DIFFERENTIAL' },
    { ask: 'GET /traits/NONE', only: true },
    { ask: 'GET /traits?name=startswith:CUSTOM_DIFF', only: true },
    { ask: 'GET /traits?name=in:CUSTOM_DIFFERENTIAL,NONE', only: true },
    { ask: 'GET /traits?name=like:A', only: true },
    { ask: 'GET /traits?associated=perhaps', only: true },
    generation,
    {
      ask: `PUT ${provider}/traits`,
      body: {
        resource_provider_generation: '{#generation}',
        traits: ['CUSTOM_DIFFERENTIAL', 'HW_CPU_X86_AVX'],
      },
      only: true,
    },
    generation,
    {
      ask: `PUT ${provider}/traits`,
      body: {
        resource_provider_generation: '{#generation}',
        traits: ['CUSTOM_DIFFERENTIAL', 'HW_CPU_X86_AVX'],
      },
      only: true,
    },
    generation,
    {
      ask: `PUT ${provider}/traits`,
      body: { resource_provider_generation: '{#generation}', traits: ['NONE'] },
      only: true,
    },
    generation,
    {
      ask: `PUT ${provider}/traits`,
      body: {
        resource_provider_generation: '{#generation}',
        traits: ['HW_CPU_X86_AVX', 'CUSTOM_DIFFERENTIAL'],
      },
    },
    { ask: `GET ${provider}/traits` },
    { ask: 'GET /traits?associated=true&name=startswith:CUSTOM_DIFF', only: true },
    { ask: 'DELETE /traits/CUSTOM_DIFFERENTIAL', only: true },
    { ask: 'DELETE /traits/HW_CPU_X86_AVX', only: true },

    { ask: `GET ${provider}/aggregates` },
    generation,
    {
      ask: `PUT ${provider}/aggregates`,
      body: {
        aggregates: ['33333333-3333-4333-8333-333333333333'],
        resource_provider_generation: '{#generation}',
      },
    },
    {
      ask: `PUT ${provider}/aggregates`,
      body: { aggregates: ['no-uuid'], resource_provider_generation: 7 },
      only: true,
    },
    ...older(
      { ask: `PUT ${provider}/aggregates`, body: ['33333333-3333-4333-8333-333333333333'] },
      '1.0',
      '1.1',
      '1.18',
    ),
    { ask: 'GET /resource_providers?member_of=33333333-3333-4333-8333-333333333333', only: true },

    { ask: 'GET /allocation_candidates?resources=VCPU:1&in_tree={provider}' },
    ...older(
      { ask: 'GET /allocation_candidates?resources=VCPU:1,MEMORY_MB:64&in_tree={provider}' },
      '1.9',
      '1.10',
      '1.12',
      '1.17',
      '1.29',
      '1.31',
      '1.34',
      '1.36',
    ),
    { ask: 'GET /allocation_candidates', only: true },
    { ask: 'GET /allocation_candidates?resources=VCPU', only: true },
    { ask: 'GET /allocation_candidates?resources=VCPU:0', only: true },
    { ask: 'GET /allocation_candidates?resources=VCPU:1&required=NONE', only: true },
    {
      ask: 'GET /allocation_candidates?resources=VCPU:1&required=HW_CPU_X86_AVX&in_tree={provider}',
      only: true,
    },
    {
      ask: 'GET /allocation_candidates?resources=VCPU:1&required=!HW_CPU_X86_AVX&in_tree={provider}',
      only: true,
    },
    {
      ask: 'GET /allocation_candidates?resources=VCPU:1&required=in:HW_CPU_X86_AVX,HW_CPU_X86_AVX2&in_tree={provider}',
      only: true,
    },
    {
      ask: 'GET /allocation_candidates?resources_A=VCPU:1&resources_B=MEMORY_MB:64&in_tree_A={provider}&in_tree_B={provider}',
      only: true,
    },
    {
      ask: 'GET /allocation_candidates?resources_A=VCPU:1&resources_B=MEMORY_MB:64&in_tree_A={provider}&in_tree_B={provider}&group_policy=none',
      only: true,
    },
    {
      ask: 'GET /allocation_candidates?resources_A=VCPU:1&resources_B=MEMORY_MB:64&in_tree_A={provider}&in_tree_B={provider}&group_policy=isolate',
      only: true,
    },
    { ask: 'GET /allocation_candidates?resources=VCPU:1&group_policy=sometimes', only: true },
    { ask: 'GET /allocation_candidates?resources=VCPU:1&same_subtree=_X', only: true },
    {
      ask: 'GET /allocation_candidates?resources=VCPU:1&root_required=HW_CPU_X86_AVX&in_tree={provider}',
      only: true,
    },
    { ask: 'GET /allocation_candidates?resources=VCPU:1&limit=0', only: true },
    { ask: 'GET /allocation_candidates?resources=VCPU:1&colour=red', only: true },
    { ask: 'GET /allocation_candidates?resources=VCPU:999999&in_tree={provider}', only: true },

    { ask: `PUT /allocations/${consumer}`, body: allocation },
    {
      ask: `PUT /allocations/${consumer}`,
      body: {
        ...allocation,
        allocations: { '{provider}': { resources: { VCPU: 5 } } },
        consumer_generation: 1,
      },
      only: true,
    },
    {
      ask: `PUT /allocations/${consumer}`,
      body: {
        ...allocation,
        allocations: { '{provider}': { resources: { COLOUR: 5 } } },
        consumer_generation: 1,
      },
      only: true,
    },
    {
      ask: `PUT /allocations/${consumer}`,
      body: {
        ...allocation,
        allocations: { '22222222-2222-4222-8222-222222222222': { resources: { VCPU: 1 } } },
        consumer_generation: 1,
      },
      only: true,
    },
    { ask: `PUT /allocations/${consumer}`, body: { ...allocation, consumer_generation: 7 }, only: true },
    { ask: 'PUT /allocations/no-uuid', body: allocation, only: true },
    { ask: `GET /allocations/${consumer}` },
    ...older({ ask: `GET /allocations/${consumer}` }, '1.0', '1.12', '1.28', '1.38'),
    { ask: 'GET /allocations/44444444-4444-4444-8444-444444444444', only: true },
    { ask: `GET ${provider}/allocations` },
    { ask: `GET ${provider}/usages` },
    { ask: 'GET /usages?project_id={project}', also: ['member'] },
    ...older({ ask: 'GET /usages?project_id={project}' }, '1.8', '1.9', '1.37'),
    { ask: 'GET /usages?project_id={project}&user_id={member}&consumer_type=INSTANCE', only: true },
    { ask: 'GET /usages', only: true },
    { ask: 'POST /allocations', body: { [consumer]: { ...allocation, consumer_generation: 1 } }, only: true },
    { ask: 'POST /allocations', body: { [consumer]: { ...allocation, consumer_generation: 1 } }, only: true },
    { ask: 'POST /reshaper', body: { inventories: {}, allocations: {} } },
    { ask: `DELETE ${provider}/inventories`, only: true },
    { ask: `DELETE ${provider}`, only: true },
    { ask: `DELETE /allocations/${consumer}` },
    { ask: `DELETE ${provider}/traits` },
    { ask: 'DELETE /traits/CUSTOM_DIFFERENTIAL' },
    { ask: `DELETE ${provider}/inventories` },
    { ask: `DELETE ${provider}`, only: true },
    { ask: 'DELETE /resource_providers/{child}' },
    { ask: `DELETE ${provider}` },
  ],
};
