import type { Credentials } from '../../auth/credentials.ts';
import { type Leaf, type Tree, toValues } from './rules.ts';

/** What a rule means, said as directly as can be: no parsing, no compiling, no order of evaluation. */
export function evaluate(
  node: Tree,
  rules: Readonly<Record<string, Tree>>,
  credentials: Credentials,
  target: Readonly<Record<string, unknown>>,
): boolean {
  const each = (of: readonly Tree[]) => of.map((one) => evaluate(one, rules, credentials, target));
  switch (node.kind) {
    case 'not':
      return !evaluate(node.of, rules, credentials, target);
    case 'and':
      return !each(node.of).includes(false);
    case 'or':
      return each(node.of).includes(true);
    case 'leaf':
      return holds(node.leaf, rules, credentials, target);
  }
}

function holds(
  leaf: Leaf,
  rules: Readonly<Record<string, Tree>>,
  credentials: Credentials,
  target: Readonly<Record<string, unknown>>,
): boolean {
  switch (leaf.kind) {
    case 'constant':
      return leaf.value;
    case 'role':
      return credentials.roles.some((role) => role.toLowerCase() === leaf.name.toLowerCase());
    case 'rule': {
      const other = rules[leaf.name];
      return other !== undefined && evaluate(other, rules, credentials, target);
    }
    case 'credential':
      return leaf.key in target && python(toValues(credentials)[leaf.name]) === python(target[leaf.key]);
    case 'credential text':
      return python(toValues(credentials)[leaf.name]) === leaf.text;
    case 'literal':
      return leaf.key in target && python(target[leaf.key]) === leaf.text;
  }
}

function python(value: unknown): string {
  if (value === true) return 'True';
  if (value === false) return 'False';
  return value === null ? 'None' : String(value);
}
