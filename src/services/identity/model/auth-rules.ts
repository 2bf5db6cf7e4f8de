/**
 * Which methods a user must use together: his `multi_factor_auth_rules`, each a list of methods of which one list must
 * be used in full. Rules that are malformed are none, and methods that are not offered are not asked for, so that
 * nobody is locked out by a mistake.
 *
 * @returns the rules that none of is met; undefined where it is enough
 */
export function unmetRules(
  options: Readonly<Record<string, unknown>>,
  used: readonly string[],
  offered: ReadonlySet<string>,
): string[][] | undefined {
  if (options['multi_factor_auth_enabled'] === false) return undefined;
  const rules = wellFormed(options['multi_factor_auth_rules']);
  if (rules.length === 0) return undefined;
  const met = rules.some((rule) =>
    rule.filter((method) => offered.has(method)).every((method) => used.includes(method)),
  );
  return met ? undefined : rules;
}

function wellFormed(rules: unknown): string[][] {
  if (!Array.isArray(rules)) return [];
  return rules.filter(
    (rule): rule is string[] =>
      Array.isArray(rule) &&
      rule.length > 0 &&
      rule.every((method) => typeof method === 'string' && method !== ''),
  );
}
