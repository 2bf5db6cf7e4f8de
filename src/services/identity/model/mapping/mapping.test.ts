import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { mappingProblem } from './check.ts';
import { mapAssertion } from './engine.ts';
import {
  type Assertion,
  AssertionRefused,
  BrokenMapping,
  type LocalRule,
  type MappedIdentity,
  type RemoteRequirement,
  type SchemaVersion,
} from './mapping.ts';
import { Matcher, pythonPattern } from './pattern.ts';

const named: LocalRule = { user: { name: '{0}' } };
const who: RemoteRequirement = { type: 'user' };

/** One rule for an assertion. */
const map = (
  local: LocalRule[],
  remote: RemoteRequirement[],
  assertion: Assertion,
  schemaVersion: SchemaVersion = '1.0',
): MappedIdentity => mapAssertion({ rules: [{ local, remote }], schemaVersion }, assertion);

const somebody = { type: 'ephemeral' };
const groupsAssertion = { user: 'ann', groups: 'dev;ops;admin' };

const cases: {
  title: string;
  local: LocalRule[];
  remote: RemoteRequirement[];
  assertion: Assertion;
  version?: SchemaVersion;
  gives: Partial<MappedIdentity> | 'nobody' | 'broken';
}[] = [
  {
    title: 'fills several attributes into one text',
    local: [{ user: { name: '{1} {0}', email: '{2}' } }],
    remote: [{ type: 'last' }, { type: 'first' }, { type: 'mail' }],
    assertion: { first: 'Ann', last: 'Lee', mail: 'ann@example.org' },
    gives: { user: { name: 'Ann Lee', email: 'ann@example.org', type: 'ephemeral' } },
  },
  {
    title: 'does not apply a rule whose attribute is missing',
    local: [named],
    remote: [who, { type: 'mail' }],
    assertion: { user: 'ann' },
    gives: 'nobody',
  },
  {
    title: 'does not count what only decides among the places',
    local: [{ user: { name: '{0}' } }],
    remote: [{ type: 'kind', any_one_of: ['staff', 'guest'] }, who],
    assertion: { user: 'ann', kind: 'guest' },
    gives: { user: { name: 'ann', type: 'ephemeral' } },
  },
  {
    title: 'asks for any one of the values',
    local: [named],
    remote: [who, { type: 'kind', any_one_of: ['staff'] }],
    assertion: { user: 'ann', kind: 'guest;visitor' },
    gives: 'nobody',
  },
  {
    title: 'compares whole values unless a regular expression is asked for',
    local: [named],
    remote: [who, { type: 'mail', any_one_of: ['example.org'] }],
    assertion: { user: 'ann', mail: 'ann@example.org' },
    gives: 'nobody',
  },
  {
    title: 'finds a regular expression anywhere in a value',
    local: [named],
    remote: [who, { type: 'mail', any_one_of: ['@example\\.org$'], regex: true }],
    assertion: { user: 'ann', mail: 'ann@example.org' },
    gives: { user: { name: 'ann', type: 'ephemeral' } },
  },
  {
    title: 'refuses where one of the values is excluded',
    local: [named],
    remote: [who, { type: 'groups', not_any_of: ['ops'] }],
    assertion: groupsAssertion,
    gives: 'nobody',
  },
  {
    title: 'excludes by regular expression too',
    local: [named],
    remote: [who, { type: 'groups', not_any_of: ['^adm'], regex: true }],
    assertion: groupsAssertion,
    gives: 'nobody',
  },
  {
    title: 'lets the values of a whitelist through',
    local: [named, { groups: '{1}', domain: { id: 'd1' } }],
    remote: [who, { type: 'groups', whitelist: ['ops', 'sales', 'dev'] }],
    assertion: groupsAssertion,
    gives: {
      groups: [
        { name: 'dev', domain: { id: 'd1' } },
        { name: 'ops', domain: { id: 'd1' } },
      ],
    },
  },
  {
    title: 'lets all but the values of a blacklist through',
    local: [named, { groups: '{1}', domain: { name: 'D' } }],
    remote: [who, { type: 'groups', blacklist: ['^(ops|admin)$'], regex: true }],
    assertion: groupsAssertion,
    gives: { groups: [{ name: 'dev', domain: { name: 'D' } }] },
  },
  {
    title: 'gives no groups where a whitelist lets none through',
    local: [named, { groups: '{1}', domain: { id: 'd1' } }],
    remote: [who, { type: 'groups', whitelist: [] }],
    assertion: groupsAssertion,
    gives: { user: { name: 'ann', type: 'ephemeral' }, groups: [] },
  },
  {
    title: 'keeps a group whose name looks like a list as one name, so that it is no way around a blacklist',
    local: [named, { groups: '{1}', domain: { id: 'd1' } }],
    remote: [who, { type: 'groups', blacklist: ['admin'] }],
    assertion: { user: 'ann', groups: "['admin']" },
    gives: { groups: [{ name: "['admin']", domain: { id: 'd1' } }] },
  },
  {
    title: "reads a list in the rule's own words",
    local: [named, { group_ids: '[\'g1\', "g2"]' }],
    remote: [who],
    assertion: { user: 'ann' },
    gives: { groupIds: ['g1', 'g2'] },
  },
  {
    title: 'takes ids of groups from an attribute',
    local: [named, { group_ids: '{1}' }, { group: { id: 'g9' } }],
    remote: [who, { type: 'ids' }],
    assertion: { user: 'ann', ids: '12345;g2' },
    gives: { groupIds: ['12345', 'g2', 'g9'] },
  },
  {
    title: 'needs a domain for names of groups',
    local: [named, { groups: '{1}' }],
    remote: [who, { type: 'groups' }],
    assertion: groupsAssertion,
    gives: 'nobody',
  },
  {
    title: 'reads groups that another cloud describes',
    local: [named, { groups: '{1}' }],
    remote: [who, { type: 'groups' }],
    assertion: { user: 'ann', groups: ['JSON:{"name":"dev","domain":{"name":"Default"}}'] },
    gives: { groups: [{ name: 'dev', domain: { name: 'Default' } }] },
  },
  {
    title: 'lets the first user win',
    local: [{ user: { name: 'x-{0}' } }, named],
    remote: [who],
    assertion: { user: 'ann' },
    gives: { user: { name: 'x-ann', type: 'ephemeral' } },
  },
  {
    title: 'is broken where a place refers to nothing',
    local: [{ user: { name: '{1}' } }],
    remote: [who],
    assertion: { user: 'ann' },
    gives: 'broken',
  },
  {
    title: "does not reach into values as Python's format would",
    local: [{ user: { name: '{0.__class__}' } }],
    remote: [who],
    assertion: { user: 'ann' },
    gives: 'broken',
  },
  {
    title: 'writes braces that are doubled',
    local: [{ user: { name: '{{{}}}' } }],
    remote: [who],
    assertion: { user: 'ann' },
    gives: { user: { name: '{ann}', type: 'ephemeral' } },
  },
  {
    title: 'writes several values as upstream does',
    local: [named],
    remote: [who],
    assertion: { user: 'ann;bob' },
    gives: { user: { name: "['ann', 'bob']", type: 'ephemeral' } },
  },
  {
    title: 'keeps a semicolon in a value that is known to be one',
    local: [named],
    remote: [who],
    assertion: { user: ['ann;bob'] },
    gives: { user: { name: 'ann;bob', type: 'ephemeral' } },
  },
  {
    title: "leaves users and projects to the provider's domain in version 1.0",
    local: [{ ...named, domain: { id: 'd1' }, projects: [{ name: 'P {0}', roles: [{ name: 'member' }] }] }],
    remote: [who],
    assertion: { user: 'ann' },
    gives: {
      user: { name: 'ann', type: 'ephemeral' },
      projects: [{ name: 'P ann', roles: [{ name: 'member' }] }],
    },
  },
  {
    title: "puts users and projects into the rule's domain in version 2.0, unless they have their own",
    local: [
      {
        ...named,
        domain: { id: 'd1' },
        projects: [
          { name: 'P', roles: [] },
          { name: 'Q', domain: { name: 'own' }, roles: [] },
        ],
      },
    ],
    remote: [who],
    assertion: { user: 'ann' },
    version: '2.0',
    gives: {
      user: { name: 'ann', type: 'ephemeral', domain: { id: 'd1' } },
      projects: [
        { name: 'P', domain: { id: 'd1' }, roles: [] },
        { name: 'Q', domain: { name: 'own' }, roles: [] },
      ],
    },
  },
  {
    title: 'takes projects as JSON in version 3.0',
    local: [{ ...named, projects_json: '{1}', projects: [{ name: 'always', roles: [] }] }],
    remote: [who, { type: 'projects' }],
    assertion: { user: 'ann', projects: '[{"name": "P", "roles": [{"name": "reader"}]}]' },
    version: '3.0',
    gives: {
      projects: [
        { name: 'always', roles: [] },
        { name: 'P', roles: [{ name: 'reader' }] },
      ],
    },
  },
  {
    title: 'refuses projects that are malformed',
    local: [{ ...named, projects_json: '{1}' }],
    remote: [who, { type: 'projects' }],
    assertion: { user: 'ann', projects: '[{"name": "P", "is_admin": true}]' },
    version: '3.0',
    gives: 'nobody',
  },
  {
    title: 'maps to users that are there already',
    local: [{ user: { name: '{0}', type: 'local', domain: { id: 'default' } } }],
    remote: [who],
    assertion: { user: 'ann' },
    gives: { user: { name: 'ann', type: 'local', domain: { id: 'default' } } },
  },
  {
    title: 'gives a user without a name where a rule has only groups',
    local: [{ group: { id: 'g1' } }],
    remote: [who],
    assertion: { user: 'ann' },
    gives: { user: { type: 'ephemeral' }, groupIds: ['g1'] },
  },
];

describe('the mapping engine', () => {
  for (const { title, local, remote, assertion, version = '1.0', gives } of cases) {
    it(title, () => {
      assert.equal(mappingProblem({ rules: [{ local, remote }], schema_version: version }), undefined);
      const mapped = () => map(local, remote, assertion, version);
      if (gives === 'nobody') return assert.throws(mapped, AssertionRefused);
      if (gives === 'broken') return assert.throws(mapped, BrokenMapping);
      assert.partialDeepStrictEqual(mapped(), gives);
    });
  }

  it('adds up what every rule gives that applies', () => {
    const rules = [
      { local: [{ group: { id: 'g1' } }], remote: [{ type: 'staff' }] },
      { local: [named], remote: [who] },
      { local: [{ group: { name: 'guests', domain: { id: 'd1' } } }], remote: [who] },
      { local: [{ group: { id: 'g3' } }], remote: [{ type: 'absent' }] },
    ];
    assert.deepEqual(mapAssertion({ rules, schemaVersion: '1.0' }, { user: 'ann', staff: 'yes' }), {
      user: { name: 'ann', ...somebody },
      groupIds: ['g1'],
      groups: [{ name: 'guests', domain: { id: 'd1' } }],
      projects: [],
    });
  });

  it('divides the values of an attribute between a whitelist and a blacklist of the same names', () => {
    const names = fc.array(fc.stringMatching(/^[a-z]{1,3}$/), { maxLength: 12 });
    fc.assert(
      fc.property(names, names, (given, listed) => {
        fc.pre(given.length > 0);
        const through = (list: 'whitelist' | 'blacklist') =>
          map([{ group_ids: '{0}' }], [{ type: 'ids', [list]: listed }], { ids: given }).groupIds;
        const [allowed, rest] = [through('whitelist'), through('blacklist')];
        assert.deepEqual([...allowed, ...rest].toSorted(), [...new Set(given)].toSorted());
        assert.ok(allowed.every((each) => listed.includes(each)));
        assert.ok(rest.every((each) => !listed.includes(each)));
      }),
    );
  });

  it('applies exactly one of a rule that asks for a value and one that excludes it', () => {
    const word = fc.stringMatching(/^[a-z]{1,2}$/);
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 6 }), word, (given, asked) => {
        const rules = (['any_one_of', 'not_any_of'] as const).map((name) => ({
          local: [{ group: { id: name } }],
          remote: [{ type: 'kind', [name]: [asked] }],
        }));
        const { groupIds } = mapAssertion({ rules, schemaVersion: '1.0' }, { kind: given });
        assert.deepEqual(groupIds, [given.includes(asked) ? 'any_one_of' : 'not_any_of']);
      }),
    );
  });

  it('never lets an assertion put places into texts', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (name) => {
        const { user } = map([named], [who], { user: [name], secret: 's' });
        assert.equal(user.name, name);
      }),
    );
  });
});

describe('regular expressions of a mapping', () => {
  it('are read as Python reads them', () => {
    const matching: [string, string, boolean][] = [
      ['(?i)^ADMIN', 'administrator', true],
      ['\\Aops\\Z', 'ops', true],
      ['\\Aops\\Z', 'ops\n', false],
      ['(?P<word>a+)-(?P=word)$', 'aa-aa', true],
      ['^(?P<word>a+)-(?P=word)$', 'aa-a', false],
      ['a\\-b', 'a-b', true],
      ['\\\\Z', '\\Z', true],
    ];
    for (const [pattern, value, expected] of matching) {
      assert.equal(
        new Matcher().matches([pythonPattern(pattern)], value),
        expected,
        `${pattern} on ${value}`,
      );
    }
  });

  it('do not hold the process, whatever the pattern and the value', () => {
    const remote = [who, { type: 'mail', blacklist: ['^(a+)+$'], regex: true }];
    const startedAt = performance.now();
    assert.throws(() => map([named], remote, { user: 'ann', mail: `${'a'.repeat(60)}!` }), AssertionRefused);
    assert.ok(performance.now() - startedAt < 10_000);
  });

  it('are not tried on values without end', () => {
    const remote = [who, { type: 'mail', any_one_of: ['x'], regex: true }];
    assert.throws(() => map([named], remote, { user: 'ann', mail: 'a'.repeat(5000) }), AssertionRefused);
  });
});

describe('the form of a mapping', () => {
  const good = { local: [named], remote: [who] };
  const problems: [string, unknown, SchemaVersion?][] = [
    ['no rules', []],
    ['rules that are none', 'rules'],
    ['a rule without local', [{ remote: [who] }]],
    ['a rule without remote', [{ local: [named] }]],
    ['an empty remote', [{ local: [named], remote: [] }]],
    ['a requirement without type', [{ local: [named], remote: [{ any_one_of: ['x'] }] }]],
    ['two conditions at once', [{ local: [named], remote: [{ type: 'a', whitelist: [], blacklist: [] }] }]],
    ['a regex that is no boolean', [{ ...good, remote: [{ type: 'a', whitelist: [], regex: 'yes' }] }]],
    [
      'a regular expression that is none',
      [{ ...good, remote: [{ type: 'a', whitelist: ['('], regex: true }] }],
    ],
    ['an unknown word', [{ ...good, local: [{ usr: {} }] }]],
    ['an unknown word of a user', [{ ...good, local: [{ user: { nmae: '{0}' } }] }]],
    ['a domain that is a text', [{ ...good, local: [{ user: { name: '{0}', domain: 'd' } }] }]],
    ['a type of user that is not known', [{ ...good, local: [{ user: { name: '{0}', type: 'x' } }] }]],
    ['a group by name without its domain', [{ ...good, local: [{ group: { name: 'g' } }] }]],
    ['a group by id with a domain', [{ ...good, local: [{ group: { id: 'g', domain: { id: 'd' } } }] }]],
    ['a project without roles', [{ ...good, local: [{ projects: [{ name: 'P' }] }] }]],
    [
      'a project with a domain before 2.0',
      [{ ...good, local: [{ projects: [{ name: 'P', roles: [], domain: {} }] }] }],
    ],
    ['projects as JSON before 3.0', [{ ...good, local: [{ projects_json: '{0}' }] }], '2.0'],
  ];
  for (const [title, rules, version = '1.0'] of problems) {
    it(`is not met by ${title}`, () => {
      assert.equal(typeof mappingProblem({ rules, schema_version: version }), 'string');
    });
  }
  it('has three versions', () => {
    for (const version of ['1.0', '2.0', '3.0']) {
      assert.equal(mappingProblem({ rules: [good], schema_version: version }), undefined);
    }
    assert.equal(typeof mappingProblem({ rules: [good], schema_version: '4.0' }), 'string');
  });
});
