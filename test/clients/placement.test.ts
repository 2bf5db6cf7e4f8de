import { type Step, typedCourse } from './client-cloud.ts';

const host = '55555555-5555-4555-8555-555555555555';
const card = '66666666-6666-4666-8666-666666666666';
const consumer = '77777777-7777-4777-8777-777777777777';
const aggregate = '88888888-8888-4888-8888-888888888888';
const nobody = '22222222-2222-4222-8222-222222222222';
const at = (version: string) => `openstack --os-placement-api-version ${version}`;
const provider = (version: string) => `${at(version)} resource provider`;
const owner = '--project-id p --user-id u';

const steps: Step[] = [
  ['admin', `${provider('1.39')} create host --uuid ${host}`, 0, /root_provider_uuid/],
  [
    'admin',
    `${provider('1.20')} create host`,
    1,
    /Conflicting resource provider name: host already exists. \(HTTP 409\)/,
  ],
  ['admin', `${provider('1.20')} create other --uuid nope`, 1, /^'nope' \(HTTP 400\)/],
  ['admin', `${provider('1.14')} create card --uuid ${card} --parent-provider ${host}`, 0],
  ['demo', `${provider('1.39')} list`, 1, /Policy does not allow placement:resource_providers:list/],
  [
    'admin',
    `${provider('1.0')} show ${host} -f json`,
    0,
    /^\{\s+"uuid": "\S+",\s+"name": "host",\s+"generation": 0\s+\}$/,
  ],
  [
    'admin',
    `${provider('1.14')} list --in-tree ${card} --sort-column name -f value -c name`,
    0,
    /^card\nhost$/,
  ],
  ['admin', `${provider('1.14')} list --in-tree nope`, 1, /^'nope' \(HTTP 400\)/],
  [
    'admin',
    `${provider('1.39')} set ${host} --name host --parent-provider ${card}`,
    1,
    /creating loop in the provider tree/,
  ],
  ['admin', `${provider('1.39')} show ${nobody}`, 1, /No resource provider with uuid \S+ found \(HTTP 404\)/],
  [
    'admin',
    `${provider('1.3')} inventory set ${host} --resource VCPU=16 --resource MEMORY_MB=2048 --resource VCPU:max_unit=8`,
    0,
  ],
  ['admin', `${provider('1.3')} inventory set ${host} --resource VCPU:reserved=1 --amend`, 0, /2048/],
  ['admin', `${provider('1.3')} inventory set ${host} --resource NOPE=1`, 1, /No such resource class NOPE/],
  ['admin', `${provider('1.39')} inventory set ${card} --resource VGPU=4`, 0],
  ['admin', `${provider('1.0')} inventory class set ${card} VGPU --total 2`, 0, /total +\| 2/],
  ['admin', `${provider('1.0')} inventory show ${host} VGPU`, 1, /No inventory of class VGPU/],
  ['admin', `${provider('1.4')} list --resource VCPU=5 --resource VGPU=1 -f value`, 0, /^$/],
  ['admin', `${provider('1.4')} list --resource VCPU=0`, 1, /requires amount >= 1/],
  [
    'admin',
    `${provider('1.19')} aggregate set ${host} --aggregate ${aggregate} --generation 99`,
    1,
    /generation already changed/,
  ],
  ['admin', `${provider('1.1')} aggregate set ${host} --aggregate ${aggregate}`, 0, /8888/],
  ['admin', `${provider('1.3')} list --member-of ${aggregate} -f value -c name`, 0, /^host$/],
  ['admin', `${at('1.6')} trait create CUSTOM_T`, 0],
  ['admin', `${at('1.6')} trait create T`, 1, /The trait is invalid/],
  ['admin', `${provider('1.6')} trait set ${host} --trait CUSTOM_T --trait HW_CPU_X86_AVX`, 0, /CUSTOM_T/],
  ['admin', `${at('1.6')} trait delete CUSTOM_T`, 1, /is in use by a resource provider. \(HTTP 409\)/],
  ['admin', `${at('1.6')} trait list --name startswith:CUSTOM --associated -f value`, 0, /^CUSTOM_T$/],
  ['admin', `${provider('1.39')} list --required CUSTOM_T,HW_CPU_X86_SSE -f value -c name`, 0, /^host$/],
  ['admin', `${provider('1.22')} list --required CUSTOM_T --forbidden HW_CPU_X86_AVX -f value`, 0, /^$/],
  ['admin', `${at('1.7')} resource class set CUSTOM_C`, 0],
  ['admin', `${at('1.2')} resource class create CUSTOM_C`, 1, /Conflicting resource class already exists/],
  ['admin', `${at('1.2')} resource class delete VCPU`, 1, /Cannot delete standard resource class/],
  ['admin', `${at('1.2')} resource class delete CUSTOM_C`, 0],
  [
    'admin',
    `${provider('1.38')} allocation set ${consumer} --allocation rp=${host},VCPU=2 --allocation rp=${card},VGPU=1 ${owner} --consumer-type INSTANCE`,
    0,
    /INSTANCE/,
  ],
  [
    'admin',
    `${provider('1.28')} allocation set ${consumer} --allocation rp=${host},VCPU=99 ${owner}`,
    1,
    /\(HTTP 409\)/,
  ],
  ['admin', `${provider('1.12')} allocation show ${consumer} -f value -c resources`, 0, /'VCPU': 2/],
  ['admin', `${provider('1.0')} usage show ${host} -f value`, 0, /VCPU 2/],
  ['admin', `${at('1.38')} resource usage show p -f value`, 0, /^INSTANCE .*'consumer_count': 1/],
  ['demo', `${at('1.9')} resource usage show p`, 1, /Policy does not allow placement:usages/],
  ['admin', `${provider('1.39')} delete ${card}`, 1, /Resource provider has allocations. \(HTTP 409\)/],
  [
    'admin',
    `${provider('1.28')} allocation unset ${consumer} --provider ${card} -f value -c resource_provider`,
    0,
    /^5{8}\S+$/,
  ],
  [
    'admin',
    `${at('1.29')} allocation candidate list --group 1 --resource VCPU=1 --required CUSTOM_T --group 2 --resource VGPU=1 --group-policy isolate -f value -c 'resource provider'`,
    0,
    /^(5{8}\S+\n6{8}\S+|6{8}\S+\n5{8}\S+)$/,
  ],
  ['admin', `${at('1.16')} allocation candidate list --resource VCPU=1 --limit 0`, 1, /^'0' \(HTTP 400\)/],
  ['admin', `${at('1.10')} allocation candidate list --resource NOPE=1`, 1, /No such resource class NOPE/],
  ['demo', `${at('1.10')} allocation candidate list --resource VCPU=1`, 1, /Policy does not allow/],
  ['admin', `${provider('1.39')} allocation delete ${consumer}`, 0],
  ['admin', `${provider('1.39')} allocation delete ${consumer}`, 1, /No allocations for consumer/],
  ['admin', `${provider('1.39')} delete ${host}`, 1, /It has child resource providers/],
  ['admin', `${provider('1.39')} delete ${card}`, 0],
  ['admin', `${provider('1.39')} delete ${host}`, 0],
  ['admin', `${at('1.6')} trait delete CUSTOM_T`, 0],
];

await typedCourse('placement by the openstack command', steps);
