import type { CheckSource } from './syntax.ts';

/** What a token can be scoped to; a token without a scope counts as a project's, as in oslo.policy. */
export type ScopeType = 'system' | 'project' | 'domain';

/** A rule as the code defines it; `policy.yaml` may say otherwise by the same name. */
export interface Rule {
  name: string;
  check: CheckSource;
  description: string;
  /** Scopes for which the rule is meant; none given: any. */
  scopes: readonly ScopeType[];
  /** The requests that ask this rule, for people who read the list of rules. */
  operations: readonly { method: string; path: string }[];
  /** An earlier name: an override by it counts while there is none by the present name. */
  formerName: string | undefined;
}

/** All rules of one service. */
export interface PolicyDefaults {
  service: string;
  rules: readonly Rule[];
}

/** Describes one rule. Nothing is parsed yet: the enforcer does that, once, and reports all errors together. */
export function rule(
  name: string,
  check: CheckSource,
  options: {
    description?: string;
    scopes?: readonly ScopeType[];
    operations?: readonly { method: string; path: string }[];
    formerName?: string;
  } = {},
): Rule {
  const { description = '', scopes = [], operations = [], formerName } = options;
  return { name, check, description, scopes, operations, formerName };
}

/** @param service the service's name, for error messages */
export function policyDefaults(service: string, rules: readonly (Rule | readonly Rule[])[]): PolicyDefaults {
  return { service, rules: rules.flat() };
}
