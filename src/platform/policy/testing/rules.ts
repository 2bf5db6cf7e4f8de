import * as fc from 'fast-check';
import type { Credentials } from '../../auth/credentials.ts';
import { credentialsOf } from './credentials.ts';

/** A rule as a tree, from which both its text and (by the reference evaluator) its meaning follow. */
export type Tree =
  | { kind: 'leaf'; text: string; leaf: Leaf }
  | { kind: 'not'; of: Tree }
  | { kind: 'and' | 'or'; of: readonly Tree[] };

export type Leaf =
  | { kind: 'constant'; value: boolean }
  | { kind: 'role'; name: string }
  | { kind: 'rule'; name: string }
  | { kind: 'credential'; name: CredentialName; key: string }
  | { kind: 'credential text'; name: CredentialName; text: string }
  | { kind: 'literal'; text: string; key: string };

export const credentialNames = [
  'user_id',
  'project_id',
  'domain_id',
  'system_scope',
  'is_admin_project',
] as const;
export type CredentialName = (typeof credentialNames)[number];

/** A small vocabulary, so that checks are true about as often as not. */
const ids = ['a', 'b', 'True', 'all'];
const keys = ['user_id', 'project_id', 'target.owner.id', 'missing'];

const leafOf = (text: string, value: Leaf): Tree => ({ kind: 'leaf', text, leaf: value });

const leaf = (rules: readonly string[]): fc.Arbitrary<Tree> => {
  const choices: fc.Arbitrary<Tree>[] = [
    fc.constant(leafOf('@', { kind: 'constant', value: true })),
    fc.constant(leafOf('!', { kind: 'constant', value: false })),
    fc
      .constantFrom('admin', 'Member', 'READER')
      .map((name) => leafOf(`role:${name}`, { kind: 'role', name })),
    fc
      .tuple(fc.constantFrom(...credentialNames), fc.constantFrom(...keys))
      .map(([name, key]) => leafOf(`${name}:%(${key})s`, { kind: 'credential', name, key })),
    fc
      .tuple(fc.constantFrom(...credentialNames), fc.constantFrom(...ids))
      .map(([name, text]) => leafOf(`${name}:${text}`, { kind: 'credential text', name, text })),
    fc
      .tuple(fc.constantFrom("'a'", '"b"', 'True', 'None'), fc.constantFrom('flag', ...keys))
      .map(([text, key]) =>
        leafOf(`${text}:%(${key})s`, { kind: 'literal', text: text.replaceAll(/['"]/g, ''), key }),
      ),
  ];
  if (rules.length > 0) {
    choices.push(fc.constantFrom(...rules).map((name) => leafOf(`rule:${name}`, { kind: 'rule', name })));
  }
  return fc.oneof(...choices);
};

const tree = (rules: readonly string[]): fc.Arbitrary<Tree> =>
  fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf(rules),
      tie('tree').map((of): Tree => ({ kind: 'not', of })),
      fc
        .tuple(
          fc.constantFrom('and' as const, 'or' as const),
          fc.array(tie('tree'), { minLength: 2, maxLength: 3 }),
        )
        .map(([kind, of]): Tree => ({ kind, of })),
    ),
  })).tree;

/** Four rules; each may refer to those after it, and to one that does not exist. */
export const ruleSets: fc.Arbitrary<Record<string, Tree>> = fc.record({
  r0: tree(['r1', 'r2', 'r3', 'nowhere']),
  r1: tree(['r2', 'r3']),
  r2: tree(['r3']),
  r3: tree([]),
});

const wrap = (text: string, needed: boolean) => (needed ? `(${text})` : text);

/** Written with no more parentheses than the order of operators makes needed. */
export function toText(node: Tree, around: 'or' | 'and' | 'not' = 'or'): string {
  switch (node.kind) {
    case 'leaf':
      return node.text;
    case 'not':
      return `not ${toText(node.of, 'not')}`;
    case 'and':
      return wrap(node.of.map((one) => toText(one, 'and')).join(' and '), around === 'not');
    case 'or':
      return wrap(node.of.map((one) => toText(one, 'or')).join(' OR '), around !== 'or');
  }
}

export const callers: fc.Arbitrary<Credentials> = fc
  .record({
    userId: fc.constantFrom(...ids),
    projectId: fc.option(fc.constantFrom(...ids), { nil: undefined }),
    domainId: fc.option(fc.constantFrom(...ids), { nil: undefined }),
    system: fc.option(fc.constant('all' as const), { nil: undefined }),
    roles: fc.subarray(['ADMIN', 'member', 'Reader']),
    isAdminProject: fc.boolean(),
  })
  .map(credentialsOf);

/** Flat, as upstream's services give them to the policy engine. */
export const targets: fc.Arbitrary<Record<string, string | boolean | null>> = fc.record(
  {
    user_id: fc.constantFrom(...ids),
    project_id: fc.constantFrom(...ids),
    'target.owner.id': fc.constantFrom(...ids),
    flag: fc.constantFrom(true, false, null),
  },
  { requiredKeys: [] },
);

/** The caller as upstream's policy engine is given it. */
export const toValues = (c: Credentials): Record<CredentialName, string | boolean | null> => ({
  user_id: c.userId,
  project_id: c.projectId ?? null,
  domain_id: c.domainId ?? null,
  system_scope: c.system ?? null,
  is_admin_project: c.isAdminProject,
});
