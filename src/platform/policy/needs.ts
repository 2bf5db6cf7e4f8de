import type { Expression } from './check-syntax.ts';
import type { Target } from './template.ts';

/** An attribute of another resource that a rule asks about: `tenant_id:%(network:tenant_id)s` of a port. */
export interface ParentReference {
  /** `network`, `security_group`, `ext_parent`. */
  resource: string;
  /** `tenant_id`, `shared`. */
  field: string;
}

/** What must be known before a rule can be decided. */
export interface Needs {
  parents: readonly ParentReference[];
  /** Whether the outcome depends on the target at all. */
  target: boolean;
}

/** Loads one attribute of a parent resource, as an administrator would see it; its errors go to the caller. */
export type LoadParent = (resource: string, id: string, field: string) => Promise<unknown>;

/** @param rule the needs of the rule behind `rule:name` */
export function needsOf(expression: Expression, rule: (name: string) => Needs): Needs {
  switch (expression.kind) {
    case 'always':
    case 'never':
      return { parents: [], target: false };
    case 'not':
      return needsOf(expression.of, rule);
    case 'and':
    case 'or':
      return joinNeeds(expression.of.map((part) => needsOf(part, rule)));
    case 'rule':
      return rule(expression.name);
    case 'field': {
      const ofNetwork = expression.resource === 'networks' && expression.field === 'shared';
      return { parents: ofNetwork ? [{ resource: 'network', field: 'shared' }] : [], target: true };
    }
    default: {
      const { keys } = expression.match;
      const parents = keys.flatMap((key) => {
        const [, resource, field] = /^(\w+):(\w+)$/.exec(key) ?? [];
        return resource === undefined || field === undefined ? [] : [{ resource, field }];
      });
      return { parents, target: keys.length > 0 };
    }
  }
}

/** Everything that any of them needs, each parent once. */
export function joinNeeds(needs: readonly Needs[]): Needs {
  const parents = new Map(needs.flatMap((one) => one.parents).map((p) => [`${p.resource}:${p.field}`, p]));
  return { parents: [...parents.values()], target: needs.some((one) => one.target) };
}

/**
 * Adds the parents' attributes to a target, as `network:tenant_id`. What the target has already, and parents that
 * it does not name, are left alone: a rule that lacks them denies.
 */
export async function withParents(
  target: Target,
  parents: readonly ParentReference[],
  load: LoadParent,
): Promise<Target> {
  const found: Record<string, unknown> = {};
  for (const { resource, field } of parents) {
    const key = `${resource}:${field}`;
    if (target[key] !== undefined) continue;
    // A network's own `shared` is in the target itself.
    if (field === 'shared' && target['shared'] !== undefined) continue;
    const parent = resource === 'ext_parent' ? extensionParent(target) : [resource, target[`${resource}_id`]];
    if (parent && typeof parent[0] === 'string' && typeof parent[1] === 'string') {
      found[key] = await load(parent[0], parent[1], field);
    }
  }
  return { ...target, ...found };
}

/** Sub-resources of extensions name their parent by a key of the form `ext_parent_<resource>_id`. */
function extensionParent(target: Target): readonly [string, unknown] | undefined {
  for (const [key, id] of Object.entries(target)) {
    const resource = /^ext_parent_(\w+)_id$/.exec(key)?.[1];
    if (resource !== undefined) return [resource, id];
  }
  return undefined;
}
