import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadRequest } from '../../../platform/errors/errors.ts';
import { maximumMicroversion } from './microversions.ts';
import { isCustomName, isWellFormedName, toCustomName } from './names.ts';
import { assertNamesExist, parseCandidateQuery, parseProviderQuery } from './query.ts';
import { standardResourceClasses } from './standard-resource-classes.ts';
import { standardTraits } from './standard-traits.ts';

const agg1 = '9323b2b1-82c9-4e91-bdff-e95e808ef954';
const agg2 = '8592a199-7d73-4465-8df6-ab00a6243c82';
const candidates = (text: string, minor = 39) => parseCandidateQuery(new URLSearchParams(text), minor);
const providers = (text: string, minor = 39) => parseProviderQuery(new URLSearchParams(text), minor);
const refused = (work: () => unknown, text: string | RegExp, code?: string) =>
  assert.throws(work, (error) => {
    assert.ok(error instanceof BadRequest, String(error));
    if (typeof text === 'string') assert.equal(error.message, text);
    else assert.match(error.message, text);
    assert.equal(error.code, code);
    return true;
  });

test('a whole query is read into groups', () => {
  const query = candidates(
    `resources=VCPU:2,DISK_GB:50&required=A,!B&required=in:C,D&member_of=in:${agg1},${agg2}&member_of=!${agg1}` +
      `&in_tree=${agg2}&resources_N=VF:1&required_X=E&same_subtree=_N,_X&group_policy=isolate&limit=5` +
      '&root_required=R,!S',
  );
  assert.deepEqual(query, {
    groups: [
      {
        suffix: '',
        resources: new Map([
          ['VCPU', 2],
          ['DISK_GB', 50],
        ]),
        required: [new Set(['A']), new Set(['C', 'D'])],
        forbidden: new Set(['B']),
        memberOf: [new Set([agg1, agg2])],
        notMemberOf: new Set([agg1]),
        inTree: agg2,
      },
      {
        suffix: '_N',
        resources: new Map([['VF', 1]]),
        required: [],
        forbidden: new Set(),
        memberOf: [],
        notMemberOf: new Set(),
        inTree: undefined,
      },
      {
        suffix: '_X',
        resources: new Map(),
        required: [new Set(['E'])],
        forbidden: new Set(),
        memberOf: [],
        notMemberOf: new Set(),
        inTree: undefined,
      },
    ],
    groupPolicy: 'isolate',
    limit: 5,
    rootRequired: new Set(['R']),
    rootForbidden: new Set(['S']),
    sameSubtrees: [new Set(['_N', '_X'])],
    nested: true,
  });
});

test('parameters are unknown before their microversion', () => {
  const unexpected = (key: string, sent: string) =>
    `Invalid query string parameters: Additional properties are not allowed ('${key}' was unexpected)\n\nFailed validating 'additionalProperties' in schema\n\nOn instance:\n    ${sent}`;
  for (const [minor, key, value] of [
    [15, 'limit', '1'],
    [16, 'required', 'A'],
    [20, 'member_of', agg1],
    [24, 'resources1', 'VCPU:1'],
    [24, 'group_policy', 'none'],
  ] as const) {
    refused(
      () => candidates(`resources=VCPU:1&${key}=${value}`, minor),
      unexpected(key, `{'resources': 'VCPU:1', '${key}': '${value}'}`),
    );
  }
  refused(
    () => candidates(`resources=VCPU:1&in_tree=${agg1}`, 30),
    /'in_tree' does not match any of the regexes/,
  );
  refused(() => candidates('resources_A=VCPU:1', 32), /does not match any of the regexes: '\^in_tree/);
  refused(() => candidates('resources=VCPU:1&root_required=A', 34), /regexes/);
  refused(() => candidates('resources=VCPU:1&toString=A'), /regexes/);
  refused(() => providers('required=A', 17), unexpected('required', "{'required': 'A'}"));
  refused(() => providers(`in_tree=${agg1}`, 13), unexpected('in_tree', `{'in_tree': '${agg1}'}`));
});

test('forbidden and any-traits wait for their microversions, and repeated traits count from 1.39', () => {
  refused(
    () => candidates('resources=VCPU:1&required=!A', 21),
    "Invalid query string parameters: Expected 'required' parameter value of the form: " +
      'HW_CPU_X86_VMX,CUSTOM_MAGIC. Got: !A',
  );
  refused(
    () => candidates('resources=VCPU:1&required=in:A,B', 38),
    /only supported since microversion 1\.39/,
  );
  assert.deepEqual(candidates('resources=VCPU:1&required=A&required=B', 38).groups[0]?.required, [
    new Set(['B']),
  ]);
  assert.equal(candidates('resources=VCPU:1&required=A&required=B').groups[0]?.required.length, 2);
});

test('aggregates: several from 1.24, forbidden from 1.32', () => {
  const twice = `resources=VCPU:1&member_of=${agg1}&member_of=${agg2}`;
  refused(() => candidates(twice, 23), 'Multiple member_of parameters are not supported');
  assert.equal(candidates(twice, 24).groups[0]?.memberOf.length, 2);
  refused(
    () => candidates(`resources=VCPU:1&member_of=!in:${agg1},${agg2}`, 31),
    'Forbidden member_of parameters are not supported in the specified microversion',
  );
  refused(
    () => candidates(`resources=VCPU:1&member_of=${agg1},${agg2}`),
    /must be prefixed with the 'in:' or '!in:'/,
  );
  refused(() => providers('member_of=nonsense'), /valid UUID\(s\)\. Got: nonsense$/);
});

test('resources are refused in upstream’s words', () => {
  const form = 'Badly formed resources parameter. Expected resources query string parameter in form: ';
  refused(() => candidates('resources='), `${form}?resources=VCPU:2,MEMORY_MB:1024. Got: empty string.`);
  refused(() => candidates('resources=VCPU'), `${form}?resources=VCPU:2,MEMORY_MB:1024. Got: VCPU.`);
  refused(
    () => candidates('resources=VCPU:x'),
    'Requested resource VCPU expected positive integer amount. Got: x.',
  );
  refused(() => candidates('resources=VCPU:0'), 'Requested resource VCPU requires amount >= 1. Got: 0.');
});

test('groups must hang together', () => {
  refused(() => candidates('resources1=VCPU:1&resources2=VCPU:1'), /"group_policy" parameter is required/);
  refused(() => candidates('required=FOO&required1=BAR', 35), /orphaned traits keys: required, required1$/);
  refused(
    () => candidates(`member_of=${agg1}&member_of3=${agg1}`, 35),
    /member_of keys: member_of, member_of3$/,
  );
  refused(() => candidates('group_policy=isolate', 35), /^At least one request group/);
  refused(
    () => candidates('resources1=VCPU:1&required2=A&group_policy=none'),
    /Resourceless suffixed group request .* bad group\(s\) - \['2'\]\.$/,
    'placement.query.bad_value',
  );
  refused(
    () => candidates('required2=A&same_subtree=2'),
    'There must be at least one resources or resources[$S] parameter.',
    'placement.query.missing_value',
  );
  refused(
    () => candidates('resources1=VCPU:1&same_subtree=1,3'),
    "Real suffixes should be specified in `same_subtree`: ['3'] not found in ['1'].",
    'placement.query.bad_value',
  );
  refused(
    () => candidates('resources1=VCPU:1&same_subtree=1,'),
    /^Empty string/,
    'placement.query.bad_value',
  );
});

test('traits may not be wanted and unwanted at once', () => {
  refused(() => candidates('resources1=VCPU:1&required1=A,!A'), /traits keys: required1: \(A\)$/);
  refused(
    () => candidates('resources=VCPU:1&root_required=A,!A'),
    'Conflicting required and forbidden traits found in root_required: A',
    'placement.query.bad_value',
  );
  refused(
    () => candidates('resources=VCPU:1&root_required=A&root_required=B'),
    "Query parameter 'root_required' may be specified only once.",
    'placement.query.duplicate_key',
  );
});

test('limit and group_policy are checked', () => {
  for (const limit of ['0', '-1', 'x', ''])
    refused(() => candidates(`resources=VCPU:1&limit=${limit}`), /does not match/);
  refused(
    () => candidates('resources=VCPU:1&group_policy=bogus'),
    /'bogus' is not one of \['none', 'isolate'\]\n/,
  );
});

test('names that do not exist are refused', () => {
  const known = { resourceClasses: new Set(standardResourceClasses), traits: standardTraits() };
  assertNamesExist(candidates('resources=VCPU:1&required=HW_CPU_X86_VMX'), known);
  refused(
    () => assertNamesExist(candidates('resources=CUSTOM_X:1'), known),
    'Invalid resource class in resources parameter: No such resource class CUSTOM_X.',
  );
  refused(
    () => assertNamesExist(candidates('resources=VCPU:1&required=!CUSTOM_T'), known),
    'No such trait(s): CUSTOM_T.',
  );
  refused(
    () => assertNamesExist(providers('required=CUSTOM_T'), known),
    'Invalid trait(s) in "required" parameter: No such trait(s): CUSTOM_T.',
  );
});

test('a list of providers is filtered by name, uuid, tree and room', () => {
  const query = providers(`name=a&uuid=${agg1}&in_tree=${agg2}&resources=VCPU:1`);
  assert.equal(query.name, 'a');
  assert.equal(query.resources.get('VCPU'), 1);
  refused(
    () => providers('uuid=x'),
    "Invalid query string parameters: 'x' is not a 'uuid'\n\nFailed validating 'format' in schema['properties']['uuid']\n\nOn instance['uuid']:\n    'x'",
  );
});

test('the standard names are the well-known ones', () => {
  assert.equal(standardResourceClasses.length, 21);
  assert.equal(standardTraits().size, 377);
  for (const name of [
    'HW_CPU_X86_AVX2',
    'MISC_SHARES_VIA_AGGREGATE',
    'COMPUTE_NODE',
    'HW_GPU_API_DIRECT3D_V9_0C',
  ]) {
    assert.ok(standardTraits().has(name), name);
  }
  for (const name of [...standardTraits(), ...standardResourceClasses])
    assert.ok(isWellFormedName(name), name);
  assert.equal(maximumMicroversion, '1.39');
});

test('custom names', () => {
  assert.ok(isCustomName('CUSTOM_A1_'));
  for (const name of ['CUSTOM_', 'CUSTOM_a', 'VCPU', `CUSTOM_${'A'.repeat(255)}`])
    assert.ok(!isCustomName(name));
  assert.equal(toCustomName('bare-metal.gold'), 'CUSTOM_BARE_METAL_GOLD');
});
